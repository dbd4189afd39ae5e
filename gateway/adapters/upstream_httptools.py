"""S3 over a lean pool of HTTP/1.1 connections, parsed by httptools (llhttp, Node's own parser).

A fifth of the cost of a general client, because it does less: no redirects, no decompression, no
added header, no cookies, no retries of writes. What leaves is byte for byte what was signed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from ssl import SSLContext, create_default_context
from types import TracebackType
from typing import Final, Self, cast
from urllib.parse import urlsplit

import httptools

from gateway.core.errors import UpstreamUnavailable
from gateway.core.ports import UpstreamRequest
from gateway.core.s3.request import Headers

#: S3 closes idle connections after some twenty seconds; to close first avoids a race.
_KEEPALIVE_SECONDS: Final = 15.0
#: Bytes of an answer that may wait for a slow client before the socket is no longer read.
_HIGH_WATER: Final = 16 * 1024
_MAX_HEAD_BYTES: Final = 64 * 1024
_SAFE_TO_REPEAT: Final = frozenset({"GET", "HEAD"})
_INFORMATIONAL: Final = 200
_BODILESS: Final = frozenset({204, 304})
_FRAMING: Final = frozenset({"content-length", "transfer-encoding"})

_Origin = tuple[str, str, int]


class _Connection(asyncio.Protocol):
    """One connection: a request, its answer, and again.

    Args:
        loop: that it lives on.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._writable: asyncio.Future[None] | None = None
        self._wanted: asyncio.Future[None] | None = None
        self._lost = False
        self._reset("GET")
        self.uses = 0
        self.idle_since = 0.0

    def _reset(self, method: str) -> None:
        self._method = method
        self._parser = httptools.HttpResponseParser(self)
        self._lines: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._paused = False
        self._fault = ""
        self._keep_alive = False
        self.status = 0
        self.headers: Headers = ()
        self.complete = False

    # --- what asyncio calls ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass of it

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - either way it is gone
        """Wake whoever waits; an answer that is not complete will never be."""
        self._lost = True
        _wake(self._wanted)
        _wake(self._writable)

    def pause_writing(self) -> None:
        """The upstream takes no more for now."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """It does again."""
        _wake(self._writable)
        self._writable = None

    def data_received(self, data: bytes) -> None:
        """Parse; what is no HTTP ends the connection."""
        if self.complete:
            self.abort()  # bytes that nobody asked for
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fault = "upgrade"
        except httptools.HttpParserError as error:
            self._fault = self._fault or f"not HTTP: {error}"
        if not self.status:
            self._head_bytes += len(data)
            if self._head_bytes > _MAX_HEAD_BYTES:
                self._fault = self._fault or "answer head too large"
        if self._fault:
            self.abort()
        elif self._waiting > _HIGH_WATER:
            self._hold()
        _wake(self._wanted)
        if self.status:
            _wake(self._writable)  # it has answered: nobody need wait for it to take more

    def _hold(self) -> None:
        """Read no further until `read` wants more; after the end, nobody would let go again."""
        if not self.complete and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    # --- what httptools calls --------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A second answer to one request is nobody's.

        Raises:
            ValueError: ends the parsing; what came before it stays as it is.
        """
        if self.complete:
            raise ValueError("a second answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header line."""
        self._lines.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is there."""
        status = self._parser.get_status_code()
        if status < _INFORMATIONAL:
            return
        self.status = status
        self.headers = tuple(
            [(_lower(name), value.decode("latin-1")) for name, value in self._lines]
        )
        framed = not _FRAMING.isdisjoint(dict(self.headers))
        if not (framed or self._method == "HEAD" or status in _BODILESS):
            self._fault = "answer without length"  # its end could not be told from a break
        if self._method == "HEAD":
            self._complete()

    def on_body(self, body: bytes) -> None:
        """Keep a piece for the reader."""
        if self._method == "HEAD":
            self._fault = "a body after HEAD"
        self._chunks.append(body)
        self._waiting += len(body)

    def on_message_complete(self) -> None:
        """The body has ended as its framing said; an informational answer is none."""
        if self.status:
            self._complete()
        else:
            self._lines = []

    def _complete(self) -> None:
        self.complete = True
        self._keep_alive = self._parser.should_keep_alive()  # to be asked here, llhttp says

    # --- what the pool calls ---------------------------------------------------------------------

    @property
    def usable(self) -> bool:
        """Whether another request may be sent."""
        return not self._lost and self._transport is not None and not self._transport.is_closing()

    async def send(self, request: UpstreamRequest, target: str, idle_seconds: float) -> None:
        """Write a request; stop early where the upstream has answered already.

        Raises:
            UpstreamUnavailable: it does not take the body.
        """
        self._reset(request.method)
        self.uses += 1
        lines = "".join([f"{name}: {value}\r\n" for name, value in request.headers])
        head = f"{request.method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")
        if request.body is None or isinstance(request.body, bytes):
            self._write(head + (request.body or b""))
            return
        self._write(head)
        async for piece in request.body:
            if self.status or not self.usable:
                return  # answered before the body's end, or gone: read_head tells which
            self._write(piece)
            if self._writable is not None:
                await self._wait(self._writable, idle_seconds, "upload")

    async def read_head(self, idle_seconds: float) -> None:
        """Wait for the head of the answer.

        Raises:
            UpstreamUnavailable: it does not come.
        """
        while not self.status:
            await self._more(idle_seconds, "answer")

    async def read(self, idle_seconds: float) -> bytes:
        """The next piece of the body; empty at its end.

        Raises:
            UpstreamUnavailable: it broke off before its end.
        """
        while not self._chunks:
            if self.complete:
                return b""
            if self._paused and self._transport is not None:
                # Not before the client has taken what was read: one read can be 256 KiB.
                self._paused = False
                self._transport.resume_reading()
            await self._more(idle_seconds, "body")
        chunk = self._chunks.popleft()
        self._waiting -= len(chunk)
        return chunk

    def abort(self) -> None:
        """Drop the connection at once; over TLS, close() would download the rest first."""
        if self._transport is not None:
            self._transport.abort()

    def drop(self) -> None:
        """Abort for good: nobody will read what waits, and no collector need find it."""
        self.abort()
        self._chunks.clear()

    @property
    def reusable(self) -> bool:
        """Whether the exchange ended cleanly on both sides."""
        return (
            self.complete
            and not self._chunks
            and not self._fault
            and self.usable
            and self._keep_alive
        )

    def _write(self, data: bytes) -> None:
        if self._transport is None or self._lost:
            raise UpstreamUnavailable("broke_off")
        self._transport.write(data)

    async def _more(self, idle_seconds: float, what: str) -> None:
        if self._fault or self._lost:
            raise UpstreamUnavailable(f"{what}_broke_off", detail=self._fault)
        self._wanted = self._loop.create_future()
        try:
            await self._wait(self._wanted, idle_seconds, what)
        finally:
            self._wanted = None

    async def _wait(self, waiter: asyncio.Future[None], idle_seconds: float, what: str) -> None:
        # A bare timer: asyncio.timeout would cost more than all the rest of a small exchange.
        timer = self._loop.call_later(idle_seconds, _give_up, waiter, f"{what}_timeout")
        try:
            await waiter
        finally:
            timer.cancel()


def _give_up(waiter: asyncio.Future[None], reason: str) -> None:
    if not waiter.done():
        waiter.set_exception(UpstreamUnavailable(reason, timeout=True))


@lru_cache(maxsize=256)  # upstreams repeat a few dozen names
def _lower(name: bytes) -> str:
    return name.decode("latin-1").lower()


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


@lru_cache(maxsize=256)  # one for each Region
def _origin(url: str) -> _Origin:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, parts.hostname or "", port


class _Places(asyncio.Semaphore):
    """The places of a pool.

    Args:
        total: how many.
    """

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self._total = total

    @property
    def taken(self) -> int:
        """How many are in use."""
        return self._total - self._value


def _unmeasured(_: float) -> None:
    """Nobody wants to know."""


class HttptoolsUpstream:
    """The port Upstream over pooled connections.

    Args:
        connections: at most so many at once.
        connect_seconds: to a usable connection, a free place in the pool included.
        idle_seconds: the longest silence of the upstream.
        ssl: how to verify https upstreams; None for the system's trust store.
        measured: is told the seconds from each request to the head of its answer.
    """

    def __init__(
        self,
        *,
        connections: int,
        connect_seconds: float,
        idle_seconds: float,
        ssl: SSLContext | None = None,
        measured: Callable[[float], None] = _unmeasured,
    ) -> None:
        self._places = _Places(connections)
        self.measured = measured
        self._connect_seconds = connect_seconds
        self.idle_seconds = idle_seconds
        self._ssl = ssl
        self._idle: dict[_Origin, deque[_Connection]] = {}

    @property
    def in_use(self) -> int:
        """Connections that carry a request."""
        return self._places.taken

    @property
    def idle(self) -> int:
        """Connections that wait for one; some may have been closed by S3."""
        return sum(len(connections) for connections in self._idle.values())

    async def close(self) -> None:
        """Drop the idle connections; those in use end with their exchange."""
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
        self._idle.clear()

    def send(self, request: UpstreamRequest) -> "HttptoolsExchange":
        """Send once; enter the result for the answer."""
        return HttptoolsExchange(self, request)

    async def take(self, origin: _Origin, *, fresh: bool) -> _Connection:
        """A connection, idle or new; its place in the pool is taken.

        Raises:
            UpstreamUnavailable: there is none within the time.
        """
        if not fresh and not self._places.locked():
            connection = self._reuse(origin)
            if connection is not None:
                await self._places.acquire()  # at once: there is a place
                return connection
        try:
            async with asyncio.timeout(self._connect_seconds):
                await self._places.acquire()
                try:
                    return (None if fresh else self._reuse(origin)) or await self._connect(origin)
                except BaseException:
                    self._places.release()
                    raise
        except TimeoutError as error:
            raise UpstreamUnavailable("connect_timeout", timeout=True, sent=False) from error
        except OSError as error:
            raise UpstreamUnavailable("connect_failed", detail=str(error), sent=False) from error

    async def reach(self, url: str) -> None:
        """Connect, over TLS where the URL says so, and let go: S3 is asked nothing.

        It takes no place in the pool, so that a busy pool is not taken for an absent S3.

        Raises:
            UpstreamUnavailable: no connection within the time.
        """
        try:
            async with asyncio.timeout(self._connect_seconds):
                connection = await self._connect(_origin(url))
        except TimeoutError as error:
            raise UpstreamUnavailable("connect_timeout", timeout=True, sent=False) from error
        except OSError as error:
            raise UpstreamUnavailable("connect_failed", detail=str(error), sent=False) from error
        connection.drop()

    def _reuse(self, origin: _Origin) -> _Connection | None:
        idle = self._idle.get(origin)
        oldest = time.monotonic() - _KEEPALIVE_SECONDS
        while idle:
            connection = idle.pop()  # the warmest first
            if connection.usable and connection.idle_since > oldest:
                return connection
            connection.abort()
        return None

    async def _connect(self, origin: _Origin) -> _Connection:
        scheme, host, port = origin
        if scheme == "https" and self._ssl is None:
            self._ssl = create_default_context()
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: _Connection(loop), host, port, ssl=self._ssl if scheme == "https" else None
        )
        return connection

    def give_back(self, origin: _Origin, connection: _Connection, *, reusable: bool) -> None:
        """Keep a connection for the next request, or drop it; its place is free."""
        self._places.release()
        if reusable:
            connection.idle_since = time.monotonic()
            self._idle.setdefault(origin, deque()).append(connection)
        else:
            connection.drop()


class HttptoolsExchange:
    """One request and its answer: an async context manager, and the port UpstreamResponse."""

    def __init__(self, pool: HttptoolsUpstream, request: UpstreamRequest) -> None:
        self._pool = pool
        self._request = request
        self._sent_whole = False
        self._connection: _Connection | None = None
        url = request.url
        end = url.index("/", len("https://"))
        self._origin = _origin(url[:end])
        self._target = url[end:]

    async def __aenter__(self) -> Self:
        """Send, and wait for the head of the answer."""
        try:
            return await self._exchange(fresh=False)
        except UpstreamUnavailable:
            # An idle connection may have been closed under a request. Reading again is harmless;
            # a write is never repeated: one decision, one send.
            stale = self._connection is not None and self._connection.uses > 1
            self._leave(reusable=False)
            if not stale or self._request.method not in _SAFE_TO_REPEAT:
                raise
        except BaseException:
            self._leave(reusable=False)
            raise
        try:
            return await self._exchange(fresh=True)
        except BaseException:
            self._leave(reusable=False)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the connection back, or drop it: the rest of a body is not downloaded."""
        clean = kind is None and self._sent_whole
        self._leave(reusable=clean and self._current.reusable)

    @property
    def status(self) -> int:
        """HTTP status."""
        return self._current.status

    @property
    def headers(self) -> Headers:
        """As received, one character per byte."""
        return self._current.headers

    async def read(self) -> bytes:
        """The next piece of the body, `b""` at its end.

        Raises:
            UpstreamUnavailable: it broke off or stalled.
        """
        return await self._current.read(self._pool.idle_seconds)

    async def _exchange(self, *, fresh: bool) -> Self:
        pool, started = self._pool, time.perf_counter()
        self._connection = await pool.take(self._origin, fresh=fresh)
        await self._connection.send(self._request, self._target, pool.idle_seconds)
        self._sent_whole = not self._connection.status
        await self._connection.read_head(pool.idle_seconds)
        pool.measured(time.perf_counter() - started)
        return self

    @property
    def _current(self) -> _Connection:
        assert self._connection is not None  # noqa: S101 - only within the context
        return self._connection

    def _leave(self, *, reusable: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.give_back(self._origin, connection, reusable=reusable)
