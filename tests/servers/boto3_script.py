"""What a script for boto3 is made of: its client, its contents, and how it is meant to go.

Every operation starts with an empty bucket and returns what is compared.
"""

import io
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.servers.compare import outcome
from tests.servers.script import Script
from tests.servers.stage import Side, boto3_client

MIB = 1024 * 1024
BODY = b"key,size\r\n\x00\xff" * 4000
LARGE = random.Random(20).randbytes(20 * MIB + 123)  # noqa: S311 - the same at every run


@dataclass(frozen=True, slots=True)
class Boto:
    """One side's client, and what its answers come to."""

    side: Side
    s3: Any

    def __call__(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call an operation on this side's bucket."""
        call = getattr(self.s3, method)
        return outcome(lambda: call(Bucket=self.side.bucket, **arguments), self.side)

    def put(self, *keys: str, body: bytes = BODY) -> None:
        """Objects that must be there."""
        for key in keys:
            self.s3.put_object(Bucket=self.side.bucket, Key=key, Body=body)


Operation = Callable[[Boto], Any]


class Table(dict[str, Script]):
    """Operations by their names."""

    def entry(self, refused: str = "") -> Callable[[Operation], Operation]:
        """Enter a function.

        Args:
            refused: the codes of the errors that it meets at versitygw, with spaces between.
        """

        def enter(made: Operation) -> Operation:
            self[made.__name__] = script(made, *refused.split())
            return made

        return enter


def script(operation: Operation, *refused: str) -> Script:
    """An operation with a client of its own."""

    def run(side: Side) -> Any:
        with boto(side) as s3:
            return operation(s3)

    return Script(run, refused)


@contextmanager
def boto(side: Side) -> Iterator[Boto]:
    """Return a client for one side."""
    with boto3_client(side) as s3:
        yield Boto(side, s3)


class Unseekable(io.RawIOBase):
    """A stream that can be read once, such as a pipe."""

    def __init__(self, content: bytes) -> None:
        self._inner = io.BytesIO(content)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is not."""
        return False

    def readinto(self, buffer: Any) -> int:
        """Read on."""
        return self._inner.readinto(buffer)
