"""The client's side of a request, in memory."""

from collections import deque
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

from gateway.core.errors import RequestError


class FakeExchange:
    """A client that sends pieces and keeps what it gets.

    Args:
        pieces: of the body; an exception is raised in its place.
        trace: gets `start 200`, `finish`, `answer 403`, `abort`.
        gone_after: this many writes work, then the client is gone.
    """

    def __init__(
        self,
        pieces: Iterable[bytes | Exception] = (),
        trace: list[str] | None = None,
        *,
        gone_after: int | None = None,
    ) -> None:
        self.pieces = deque(pieces)
        self.trace = [] if trace is None else trace
        self.gone_after = gone_after
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.body = b""
        self.finished = False
        self.aborted = False
        self.reads = 0
        self.hastened = False

    async def read(self) -> bytes:
        """The next piece."""
        self.reads += 1
        piece = self.pieces.popleft() if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    def hasten(self) -> None:
        """All of it is due."""
        assert not self.reads
        self.hastened = True

    async def start(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """The head of a streamed answer."""
        self._write()
        self.trace.append(f"start {status}")
        self.status, self.headers = status, list(headers)

    async def write(self, chunk: bytes) -> None:
        """A piece of it."""
        self._write()
        self.body += chunk

    async def finish(self) -> None:
        """Its end."""
        self.trace.append("finish")
        self.finished = True

    async def answer(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """A whole answer."""
        self._write()
        self.trace.append(f"answer {status}")
        self.status, self.headers, self.body = status, list(headers), body
        self.finished = True

    def abort(self) -> None:
        """The connection breaks."""
        self.trace.append("abort")
        self.aborted = True

    def _write(self) -> None:
        if self.gone_after is not None:
            if not self.gone_after:
                raise ConnectionResetError
            self.gone_after -= 1

    def header(self, name: str) -> str | None:
        """A header of the answer."""
        return dict(self.headers).get(name)

    @property
    def error(self) -> dict[str, str]:
        """The members of the error document."""
        root = ET.fromstring(self.body)  # noqa: S314 - our own
        assert root.tag == "Error"
        return {child.tag: child.text or "" for child in root}

    @property
    def code(self) -> str:
        """The S3 code of the error document."""
        return self.error["Code"]


def broke_off() -> RequestError:
    """What a real exchange raises when the client leaves in the middle of its body."""
    return RequestError("IncompleteBody", "You did not provide the number of bytes specified.")
