"""Clients that leave S3's documents to their user: curl and R paws write targets and read XML."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from lxml import etree

from tests.clients.client import texts
from tests.clients.configuration import Configuration


class HttpClient(ABC):
    """The operations as requests; how one is sent is the client's. Nothing stays open."""

    has_encryption = True

    def put(self, bucket: str, wanted: Configuration, owner: str | None = None) -> None:
        """PutBucketInventoryConfiguration."""
        query = {"id": wanted.id, "inventory": ""}
        self.send("PUT", bucket, query, self.document(wanted), owner)

    def get(self, bucket: str, inventory_id: str) -> Configuration:
        """GetBucketInventoryConfiguration."""
        query = {"id": inventory_id, "inventory": ""}
        return Configuration.from_document(self.send("GET", bucket, query))

    def list(self, bucket: str, owner: str | None = None) -> Sequence[str]:
        """ListBucketInventoryConfigurations."""
        answer = self.send("GET", bucket, {"inventory": ""}, owner=owner)
        return texts(answer, "InventoryConfiguration/Id")

    def delete(self, bucket: str, inventory_id: str) -> None:
        """DeleteBucketInventoryConfiguration."""
        self.send("DELETE", bucket, {"id": inventory_id, "inventory": ""})

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """PutObject."""
        self.send("PUT", f"{bucket}/{key}", {}, body)

    def get_object(self, bucket: str, key: str) -> bytes:
        """GetObject."""
        return self.send("GET", f"{bucket}/{key}", {})

    def list_objects(self, bucket: str, prefix: str) -> Sequence[str]:
        """ListObjectsV2."""
        answer = self.send("GET", bucket, {"list-type": "2", "prefix": prefix})
        return texts(answer, "Contents/Key")

    def delete_object(self, bucket: str, key: str) -> None:
        """DeleteObject."""
        self.send("DELETE", f"{bucket}/{key}", {})

    def close(self) -> None:  # noqa: B027 - not abstract: there is nothing to close
        """Nothing stays open."""

    def document(self, wanted: Configuration) -> bytes:
        """The configuration as this client's user, or the client, writes it."""
        return wanted.document()

    @abstractmethod
    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes = b"",
        owner: str | None = None,
    ) -> bytes:
        """Send a request for an unescaped path and query; return the answer's body."""


def target_of(path: str, query: Mapping[str, str]) -> str:
    """Escape a path and a query, sorted and with all `=`: curl signs the query as it is typed."""
    pairs = "&".join(f"{quote(name)}={quote(query[name], safe='')}" for name in sorted(query))
    return quote(f"/{path}", safe="/~") + (f"?{pairs}" if pairs else "")


def error_in(document: bytes) -> tuple[str, str]:
    """Code and message of an error document."""
    root = etree.fromstring(document)
    return root.findtext("Code", ""), root.findtext("Message", "")
