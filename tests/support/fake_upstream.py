"""S3 as told: answers from a list, and everything that was sent."""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.core.errors import UpstreamUnavailable
from gateway.core.ports import UpstreamRequest


@dataclass(slots=True)
class FakeResponse:
    """One answer; `fault` breaks its body off after the pieces."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    pieces: Sequence[bytes] = ()
    fault: UpstreamUnavailable | None = None

    _read: int = field(default=0, init=False)

    async def read(self) -> bytes:
        """The pieces, then the fault or the end."""
        if self._read < len(self.pieces):
            self._read += 1
            return self.pieces[self._read - 1]
        if self.fault is not None:
            raise self.fault
        return b""


@dataclass(slots=True)
class Sent:
    """What reached S3: `complete` says whether the body came to its end."""

    request: UpstreamRequest
    body: bytes = b""
    complete: bool = False

    def header(self, name: str) -> str | None:
        """A header's value."""
        return dict(self.request.headers).get(name)


@dataclass(slots=True)
class FakeUpstream:
    """S3; without answers left it says 204."""

    trace: list[str]
    answers: deque[FakeResponse | BaseException] = field(default_factory=deque)
    sent: list[Sent] = field(default_factory=list)
    open: int = 0

    @asynccontextmanager
    async def send(self, request: UpstreamRequest) -> AsyncIterator[FakeResponse]:
        """Take the body as aiohttp does: when its source fails, the request has broken off."""
        self.trace.append(f"send {request.method}")
        sent = Sent(request)
        self.sent.append(sent)
        answer = self.answers.popleft() if self.answers else FakeResponse(204)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(request.body, bytes):
            sent.body = request.body
        elif request.body is not None:
            try:
                async for piece in request.body:
                    sent.body += piece
            except Exception as error:
                raise UpstreamUnavailable("broke_off", detail=str(error)) from error
        sent.complete = True
        self.open += 1
        try:
            yield answer
        finally:
            self.open -= 1
