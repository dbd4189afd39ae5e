"""What every client of the suite can do, in its own way, and how it fails."""

from collections.abc import Sequence
from typing import Protocol

from lxml import etree

from tests.clients.configuration import Configuration


class Refused(Exception):  # noqa: N818 - what happened, as a client tells it
    """The answer was an error.

    Args:
        code: S3's error code, as the client gives it to programs.
        shown: what the client shows to people: the text of its exception, or its output.
    """

    def __init__(self, code: str, shown: str) -> None:
        super().__init__(shown)
        self.code = code
        self.shown = shown


class MissingClient(Exception):  # noqa: N818 - a state of this machine
    """The client is not installed here; the text says what to do."""


class InventoryClient(Protocol):
    """A client of S3. Every method raises `Refused` where the answer is an error."""

    #: False for a client whose model has no Encryption: policy refuses all that it puts.
    has_encryption: bool

    def put(self, bucket: str, wanted: Configuration, owner: str | None = None) -> None:
        """PutBucketInventoryConfiguration; `owner` is the expected bucket owner."""
        ...

    def get(self, bucket: str, inventory_id: str) -> Configuration:
        """GetBucketInventoryConfiguration."""
        ...

    def list(self, bucket: str, owner: str | None = None) -> Sequence[str]:
        """ListBucketInventoryConfigurations: the ids."""
        ...

    def delete(self, bucket: str, inventory_id: str) -> None:
        """DeleteBucketInventoryConfiguration."""
        ...

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """PutObject."""
        ...

    def get_object(self, bucket: str, key: str) -> bytes:
        """GetObject."""
        ...

    def list_objects(self, bucket: str, prefix: str) -> Sequence[str]:
        """ListObjectsV2: the keys."""
        ...

    def delete_object(self, bucket: str, key: str) -> None:
        """DeleteObject."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def texts(document: bytes, path: str) -> list[str]:
    """The texts of all elements at a path such as `Contents/Key`, whatever their namespace."""
    steps = "/".join(f"{{*}}{step}" for step in path.split("/"))
    return [element.text or "" for element in etree.fromstring(document).iterfind(steps)]
