"""Bulk on both sides of the gateway: clients, and what the upstream plays for them."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.scripted_upstream import Play, ScriptedUpstream
from tests.support.site import ANA
from tests.support.wire import UNSIGNED, Message, message, signed

MIB = 1 << 20
TARGET = "/acme-orders/key"
_BLOCK = bytes(range(251)) * 261  # 65,511 bytes of a period that no buffer size shares
_PERIOD = 251
_LONG = _BLOCK * 10


def pattern(at: int, size: int) -> bytes:
    """What an object holds there."""
    start = at % _PERIOD
    return _LONG[start : start + size]


@dataclass(slots=True)
class Counter:
    """What the upstream saw of one exchange.

    Args:
        size: of the body.
        moved: bytes of it so far, handed to the kernel or taken from it.
        ended: once the play is over, whichever way.
    """

    size: int
    moved: int = 0
    whole: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Upstream:
    """Plays bulk on a `ScriptedUpstream`, and counts it.

    Args:
        scripted: it.
        small_buffers: keep little in the kernel, so that `moved` is what the gateway took.
        pause: seconds between two blocks, for a slow upstream.
        counters: of the latest exchange with each target.
    """

    scripted: ScriptedUpstream
    small_buffers: bool = False
    pause: float = 0.0
    counters: dict[str, Counter] = field(default_factory=dict)

    def gives(self, size: int, times: int = 1) -> None:
        """The next ones get an object of this size."""
        self.scripted.plays.extend([self._counted(size, self._give)] * times)

    def takes(self, size: int, times: int = 1) -> None:
        """The next ones upload so much; it is answered once it is whole."""
        self.scripted.plays.extend([self._counted(size, self._take)] * times)

    def _counted(
        self,
        size: int,
        play: Callable[[asyncio.StreamReader, asyncio.StreamWriter, Counter], Awaitable[None]],
    ) -> Play:
        async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            target = self.scripted.heads[-1].split(b" ")[1].decode()
            counter = self.counters[target] = Counter(size)
            if self.small_buffers:
                _small(writer.get_extra_info("socket"))
                writer.transport.set_write_buffer_limits(0)
            try:
                await play(reader, writer, counter)
                counter.whole = True
            finally:
                counter.ended.set()

        return run

    async def _give(
        self, _: asyncio.StreamReader, writer: asyncio.StreamWriter, counter: Counter
    ) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % counter.size)
        while counter.moved < counter.size:
            size = min(len(_BLOCK), counter.size - counter.moved)
            writer.write(pattern(counter.moved, size))
            await writer.drain()
            counter.moved += size
            if self.pause:
                await asyncio.sleep(self.pause)

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counter: Counter
    ) -> None:
        while counter.moved < counter.size:
            data = await reader.read(len(_BLOCK))
            if not data:
                raise ConnectionResetError
            assert data == pattern(counter.moved, len(data))
            counter.moved += len(data)
            if self.pause:
                await asyncio.sleep(self.pause)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


def _small(plain: socket.socket) -> None:
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)


@dataclass(slots=True)
class Client:
    """One connection to the gateway."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    at: int = 0

    async def ask(self, target: str = TARGET) -> tuple[int, dict[str, str]]:
        """GET it, and read the head of the answer."""
        self.ask_only(target)
        return await self.head()

    def ask_only(self, target: str = TARGET) -> None:
        """GET it."""
        self.writer.write(signed(message("GET", target), ANA).wire)

    async def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers of an answer."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = [line.partition(":") for line in lines[1:] if line]
        return int(lines[0].split(" ")[1]), {name: value.strip() for name, _, value in fields}

    async def body(self, headers: Mapping[str, str]) -> bytes:
        """The body that follows a head, whole.

        Raises:
            asyncio.IncompleteReadError: it is not.
        """
        if headers.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(headers.get("content-length", "0")))
        whole = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            whole += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return whole

    async def take(self, size: int, pause: float = 0.0) -> None:
        """Read so much of the object."""
        end = self.at + size
        while self.at < end:
            data = await self.reader.read(min(len(_BLOCK), end - self.at))
            assert data, f"broken at {self.at}"
            assert data == pattern(self.at, len(data))
            self.at += len(data)
            if pause:
                await asyncio.sleep(pause)

    async def begin(self, size: int, target: str = TARGET) -> None:
        """Send the head of an upload."""
        plain = Message("PUT", target, (("host", "localhost"), ("content-length", str(size))))
        self.writer.write(signed(plain, ANA, payload=UNSIGNED).head)

    async def give(self, size: int, pause: float = 0.0) -> None:
        """Send so much of the body."""
        end = self.at + size
        while self.at < end:
            data = pattern(self.at, min(len(_BLOCK), end - self.at))
            self.writer.write(data)
            await self.writer.drain()
            self.at += len(data)
            if pause:
                await asyncio.sleep(pause)

    def leave(self, *, reset: bool) -> None:
        """Go away in the middle; what was not read makes of either a reset."""
        if reset:
            plain: Any = self.writer.get_extra_info("socket")
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.writer.transport.abort()
        else:
            self.writer.close()


@asynccontextmanager
async def client(
    port: int, *, tls: ssl.SSLContext | None = None, small_buffers: bool = False
) -> AsyncIterator[Client]:
    """Connect; gone at the end."""
    plain = socket.socket()
    plain.settimeout(0)
    if small_buffers:
        _small(plain)
    try:
        await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
    except OSError:
        plain.close()
        raise
    reader, writer = await asyncio.open_connection(
        sock=plain, ssl=tls, server_hostname="127.0.0.1" if tls else None
    )
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


async def download(
    port: int, size: int, *, pause: float = 0.0, tls: ssl.SSLContext | None = None
) -> None:
    """A whole object, checked."""
    async with client(port, tls=tls, small_buffers=bool(pause)) as one:
        status, headers = await one.ask()
        assert (status, headers["content-length"]) == (200, str(size))
        await one.take(size, pause)


async def upload(
    port: int, size: int, *, pause: float = 0.0, tls: ssl.SSLContext | None = None
) -> None:
    """A whole object, acknowledged."""
    async with client(port, tls=tls) as one:
        await one.begin(size)
        await one.give(size, pause)
        assert (await one.head())[0] == 200


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Come back when it is true.

    Raises:
        TimeoutError: it did not become true.
    """
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - /proc has no events
            await asyncio.sleep(0.01)
