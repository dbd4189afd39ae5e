"""An upstream that says, byte for byte, what a test wants S3 to say."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from gateway.core.ports import UpstreamResponse

Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class ScriptedUpstream:
    """A TCP server: each request head takes the next play; HeadBucket is answered by itself.

    `regions` says where a bucket is (eu-central-1 unless told), `looked_up` which were asked about;
    `heads` are the other request heads seen; `connections` counts accepted connections, and
    `closed` those that the other side has ended.
    """

    def __init__(self) -> None:
        self.plays: deque[Play] = deque()
        self.regions: dict[str, str] = {}
        self.looked_up: list[str] = []
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.closed = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                if head.startswith(b"HEAD ") and b"/key" not in head.partition(b"\r\n")[0]:
                    bucket = head.split(b" ")[1].decode()[1:]
                    self.looked_up.append(bucket)
                    region = self.regions.get(bucket, "eu-central-1").encode()
                    writer.write(
                        b"HTTP/1.1 200 OK\r\nx-amz-bucket-region: %b\r\n"
                        b"content-length: 0\r\n\r\n" % region
                    )
                    continue
                self.heads.append(head)
                await (self.plays.popleft() if self.plays else say())(reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed += 1
            self._serving.discard(task)
            writer.close()

    def keep_body(self, size: int) -> Play:
        """Read a body of this size, keep it, and answer 200."""

        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.bodies.append(await reader.readexactly(size))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

        return play


def say(*parts: bytes, then_close: bool = False, abort: bool = False) -> Play:
    """Write these bytes, then keep the connection, end it, or break it."""

    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts or (b"HTTP/1.1 204 No Content\r\n\r\n",):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        if abort:
            writer.transport.abort()
        elif then_close:
            writer.close()

    return play


def hang() -> Play:
    """Say nothing until the other side leaves."""

    async def play(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass
        raise ConnectionResetError

    return play


async def body_of(response: UpstreamResponse) -> bytes:
    """The whole body of an answer."""
    body = b""
    while piece := await response.read():
        body += piece
    return body
