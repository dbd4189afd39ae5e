"""The data-plane listener: every path belongs to S3.

aiohttp parses HTTP and nothing else: no routing, no decompression, no access log, no error pages,
no `100 Continue` before the signature has been verified. Answers are written byte for byte, since
its response classes invent headers (Content-Type) and re-encode values.
"""

import asyncio
import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, cast

from aiohttp import web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler

from gateway.app.stall import StallWatch
from gateway.app.tracing import UNTRACED, Traced
from gateway.core.errors import GatewayError, RequestError
from gateway.pipeline.dispatch import Dispatcher, Head

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_UNSAFE: Final = re.compile(r"[\r\n\x00]")
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}
_SERVER: Final = "S3InventoryGateway"
_BODILESS: Final = frozenset({204, 304})
_READS: Final = frozenset({"GET", "HEAD"})
#: Bytes that may wait for a slow client before its answer waits; one piece always may.
_HIGH_WATER: Final = 64 * 1024
#: Seconds that a refused client may go on sending before its connection is closed: clients without
#: `Expect` read the error only once they have sent their body.
_LINGER_SECONDS: Final = 10.0


class Finished:
    """What aiohttp's connection handler wants back: the answer has been written already."""

    def __init__(self, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive

    async def prepare(self, _: web.BaseRequest) -> None:
        """Nothing to prepare."""

    async def write_eof(self) -> None:
        """Nothing left to write."""


_KEPT: Final = Finished(keep_alive=True)
_CLOSED: Final = Finished(keep_alive=False)


@dataclass(slots=True)
class Volume:
    """Bytes of bodies that came in, and of answers that went out."""

    bytes_in: int = 0
    bytes_out: int = 0


class HttpExchange:
    """The port Exchange over one aiohttp request.

    Args:
        request: as parsed.
        idle_seconds: the longest silence within the client's body; for all of a small one.
        volume: of everything; this is added to it.
    """

    def __init__(self, request: web.BaseRequest, idle_seconds: float, volume: Volume) -> None:
        self._request = request
        self._volume = volume
        self._idle_seconds = idle_seconds
        self._due: float | None = None  # when all of the body must be here, by the loop's clock
        self._awaits_continue = request.headers.get("Expect", "").lower() == "100-continue"
        self._is_head = request.method == "HEAD"
        self._chunked = False
        self._unsent = b""  # the head of an answer, until its first piece goes with it
        self.keep_alive = bool(request.keep_alive)

    async def read(self) -> bytes:
        """The next piece of the body; the first call asks a waiting client for it."""
        content = self._request.content
        if self._awaits_continue:
            self._awaits_continue = False
            await self._send(_CONTINUE)
        due = self._due or asyncio.get_running_loop().time() + self._idle_seconds
        try:
            async with asyncio.timeout_at(due):
                data = await content.readany()
        except TimeoutError:
            self.keep_alive = False
            raise RequestError(
                "RequestTimeout",
                "Your socket connection to the server was not read from or written to within the "
                "timeout period.",
            ) from None
        except (web.RequestPayloadError, ConnectionError):
            self.keep_alive = False
            raise RequestError(
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP "
                "header.",
            ) from None
        self._volume.bytes_in += len(data)
        return data

    def hasten(self) -> None:
        """Have all of the body come within the time of one silence."""
        self._due = asyncio.get_running_loop().time() + self._idle_seconds

    async def start(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """Send the head of a streamed answer; without a length it goes out in chunks."""
        if status == HTTPStatus.NO_CONTENT:  # RFC 9110, section 8.6: a 204 has no length
            headers = [item for item in headers if item[0] != "content-length"]
        bodiless = status in _BODILESS or self._is_head
        self._chunked = not bodiless and "content-length" not in dict(headers)
        framing = [("transfer-encoding", "chunked")] if self._chunked else []
        self._unsent = self._head(status, [*headers, *framing])

    async def write(self, chunk: bytes) -> None:
        """Send a piece, and wait until the client takes more."""
        if self._chunked:
            chunk = b"%x\r\n%b\r\n" % (len(chunk), chunk)
        if self._unsent:
            chunk, self._unsent = self._unsent + chunk, b""
        await self._send(chunk)

    async def finish(self) -> None:
        """End the body."""
        end = self._unsent + (b"0\r\n\r\n" if self._chunked else b"")
        self._unsent = b""
        if end:
            await self._send(end)

    async def answer(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Send a whole answer in one write."""
        kept = [(name, value) for name, value in headers if name != "content-length"]
        if self._is_head:
            kept = list(headers)  # a HEAD's length is that of the body it does not have
        elif status not in _BODILESS:
            kept.append(("content-length", str(len(body))))
        await self._send(self._head(status, kept) + body)

    def abort(self) -> None:
        """Break the connection. Not close(): over TLS that would still drain."""
        self.keep_alive = False
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _send(self, data: bytes) -> None:
        """Write, and wait while the client's window is full."""
        protocol = self._request.protocol
        transport = protocol.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has left")
        self._request.writer.output_size += len(data)  # an answer has begun
        transport.write(data)
        self._volume.bytes_out += len(data)
        if protocol.writing_paused:
            await self._request.writer.drain()

    def _head(self, status: int, headers: Sequence[tuple[str, str]]) -> bytes:
        interim = self._interim(status) if self._awaits_continue else ""
        values = "".join([value for _, value in headers])
        if _UNSAFE.search(values) is not None:  # once for all: such a value is rare
            headers = [(name, _UNSAFE.sub(" ", value)) for name, value in headers]
        text = "".join([f"{name}: {value}\r\n" for name, value in headers])
        names = dict(headers)
        server = "" if "server" in names else f"server: {_SERVER}\r\n"
        # clients correct their clocks by it, after RequestTimeTooSkewed
        date = "" if "date" in names else f"date: {rfc822_formatted_time()}\r\n"
        end = "\r\n" if self.keep_alive else "connection: close\r\n\r\n"
        line = f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\n"
        return f"{interim}{line}{text}{server}{date}{end}".encode("latin-1")

    def _interim(self, status: int) -> str:
        """What goes before the answer to a client that was never asked for the body."""
        if status < HTTPStatus.BAD_REQUEST and self._request.content.at_eof():
            # Nothing is left to ask for (RFC 9110, section 10.1.1), but botocore in the AWS CLI
            # takes an answer without a 100 for the next one on the connection as well: what is put
            # after an empty object looks stored whatever became of it.
            return _CONTINUE.decode()
        self.keep_alive = False  # nobody knows whether the body comes, so this must be the end
        return ""


class _Connection(RequestHandler):
    """aiohttp's handler of a connection, with S3's errors in place of its error pages."""

    data_plane: "DataPlane"
    stall: StallWatch
    busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or break it off where there are too many."""
        if not self.data_plane.has_room():
            cast("asyncio.Transport", transport).abort()
            return
        super().connection_made(transport)
        # Over TLS, uvloop would let half a megabyte wait for a slow client.
        cast("asyncio.WriteTransport", transport).set_write_buffer_limits(_HIGH_WATER)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End at once what S3 cannot have done: a read, or a write whose body is not all here.

        S3 may act on a whole body, whoever has left: its outcome is awaited, and goes into the
        access event.
        """
        self.stall.end()
        task, request = self._task_handler, self._current_request
        futile = request is not None and (request.method in _READS or not request.content.is_eof())
        super().connection_lost(exc)
        if task is not None and futile:
            task.cancel()

    def pause_writing(self) -> None:
        """The client's window is full."""
        super().pause_writing()
        if self.transport is not None:
            self.stall.begin(self.transport)

    def resume_writing(self) -> None:
        """It is open again."""
        super().resume_writing()
        self.stall.end()

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - the signature is aiohttp's
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the input
    ) -> web.StreamResponse:
        """Called for what is not HTTP, and for bugs that got past the dispatcher."""
        return _Rejection(self.data_plane, _error_for(status, exc))  # type: ignore[return-value]


class _Rejection:
    """An answer that is made when aiohttp asks for it, since `handle_error` cannot await."""

    keep_alive = False

    def __init__(self, data_plane: "DataPlane", error: GatewayError) -> None:
        self._data_plane = data_plane
        self._error = error

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write the error document; where an answer has begun, all that is left is to break off."""
        if not request.writer.output_size:
            await self._data_plane.reject(request, self._error)
        elif request.transport is not None:
            request.transport.abort()

    async def write_eof(self) -> None:
        """Nothing left to write."""


class DataPlane(web.Server):
    """Turns aiohttp requests into exchanges and hands them to the dispatcher.

    Args:
        dispatcher: handles each.
        header_seconds: within which a request head must have arrived; also the keep-alive time.
        idle_seconds: the longest silence within a client's body, or of a client that is to read.
        connections: at most so many at once.
        on_full: called when connections begin to be refused.
        secure: whether the listener speaks TLS.
        traced: a span around each request.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        header_seconds: float,
        idle_seconds: float,
        connections: int,
        on_full: Callable[[], None],
        secure: bool = False,
        traced: Traced = UNTRACED.request,
    ) -> None:
        super().__init__(
            self._handle,  # type: ignore[arg-type]
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=header_seconds,
            lingering_time=_LINGER_SECONDS,
            read_bufsize=64 * 1024,
            max_line_size=16 * 1024,
            max_field_size=16 * 1024,
        )
        self._dispatcher = dispatcher
        self._idle_seconds = idle_seconds
        self._most_connections = connections
        self._on_full = on_full
        self._full = False
        self._secure = secure
        self._traced = traced
        self._draining = False
        self._under_way = 0
        self.volume = Volume()
        self._drained = asyncio.Event()

    @property
    def under_way(self) -> int:
        """How many requests are."""
        return self._under_way

    async def drain(self, seconds: float) -> None:
        """Let what is under way finish. aiohttp's own way takes twice the time, and no more bodies.

        Args:
            seconds: after which whoever called cuts the rest.
        """
        self._draining = True
        await asyncio.sleep(0)  # a request that has just come in is under way
        for connection in self.connections:
            if isinstance(connection, _Connection) and not connection.busy:
                connection.close()
                if connection.transport is not None:  # aiohttp would leave it open, and deaf
                    connection.transport.close()
        if self._under_way:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._drained.wait()

    def __call__(self) -> RequestHandler:
        """Make the handler of a new connection."""
        connection = _Connection(self, loop=self._loop, **self._kwargs)
        connection.data_plane = self
        connection.stall = StallWatch(self._idle_seconds)
        return connection

    def has_room(self) -> bool:
        """Whether one more connection may be let in; the first that may not is told of."""
        was_full, self._full = self._full, len(self._connections) >= self._most_connections
        if self._full and not was_full:
            self._on_full()
        return not self._full

    async def reject(self, request: web.BaseRequest, error: GatewayError) -> None:
        """Answer what could not be parsed."""
        exchange = HttpExchange(request, self._idle_seconds, self.volume)
        exchange.keep_alive = False
        head = Head("", "", (), remote=_remote(request))
        await self._dispatcher.reject(head, error, exchange)

    async def _handle(self, request: web.BaseRequest) -> Finished:
        connection = cast("_Connection", request.protocol)
        connection.busy = True
        self._under_way += 1
        try:
            return await self._answer(request)
        finally:
            connection.busy = False
            self._under_way -= 1
            if self._draining and not self._under_way:
                self._drained.set()

    async def _answer(self, request: web.BaseRequest) -> Finished:
        exchange = HttpExchange(request, self._idle_seconds, self.volume)
        message = request._message  # noqa: SLF001 - the target as received; path_qs re-quotes it
        head = Head(
            method=message.method,
            target=message.path,
            headers=[
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in message.raw_headers
            ],
            remote=_remote(request),
            secure=self._secure,
        )
        if message.version != (1, 1):
            exchange.keep_alive = False
            error = RequestError("BadRequest", "This endpoint speaks HTTP/1.1.")
            await self._dispatcher.reject(head, error, exchange)
        else:
            with self._traced(head.headers):
                await self._dispatcher.dispatch(head, exchange)
        return _KEPT if exchange.keep_alive and not self._draining else _CLOSED


def _remote(request: web.BaseRequest) -> str:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return str(peer[0]) if isinstance(peer, tuple) else ""


def _error_for(status: int, exc: BaseException | None) -> GatewayError:
    """S3's words for what aiohttp's parser refused; the input is not quoted."""
    if isinstance(exc, LineTooLong):
        return RequestError(
            "RequestHeaderSectionTooLarge",
            "Your request header section exceeds the maximum allowed size.",
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return GatewayError("InternalError", "We encountered an internal error. Please try again.")
    return RequestError(
        "BadRequest", "An error occurred when parsing the HTTP request: it is not valid HTTP/1.1."
    )
