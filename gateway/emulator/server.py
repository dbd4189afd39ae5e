"""The emulator as a server: its socket, the order of the checks, faults asked for by a test."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiohttp import web

from gateway.emulator.bucket import EmulatedBucket
from gateway.emulator.errors import S3Error
from gateway.emulator.exchange import Exchange, State
from gateway.emulator.operations import Handler, handler_for, is_upload
from gateway.emulator.payload import check_payload
from gateway.emulator.request import ReceivedRequest, S3Call, read_call
from gateway.emulator.response import Renderer
from gateway.emulator.selectors import select
from gateway.emulator.signature import Claim, SignatureVerifier, Signed

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def _utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the default of the one clock argument


class Emulator:
    """A small, strict S3 in memory. It believes nothing that is not signed.

    Args:
        buckets: what exists at the start.
        credentials: access key id -> secret, of every caller it knows.
        accounts: access key id -> account; a caller without one may use every bucket.
        session_tokens: access key id -> the session token temporary credentials must bring.
        virtual_host_suffix: `b.<suffix>` as Host addresses bucket b; None knows only paths.
        clock: the time, for signatures and for what is stored.
    """

    def __init__(
        self,
        buckets: Iterable[EmulatedBucket] = (),
        credentials: Mapping[str, str] | None = None,
        accounts: Mapping[str, str] | None = None,
        session_tokens: Mapping[str, str] | None = None,
        virtual_host_suffix: str | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.buckets = {bucket.name: bucket for bucket in buckets}
        self.requests: list[ReceivedRequest] = []
        self.url = ""
        self._state = State(self.buckets, accounts or {}, clock)
        self._verifier = SignatureVerifier(credentials or {}, session_tokens or {}, clock)
        self._renderer = Renderer(clock)
        self._suffix = virtual_host_suffix
        self._faults: deque[S3Error] = deque()
        self._runner: web.ServerRunner | None = None

    @property
    def deny_head_bucket(self) -> set[str]:
        """Buckets whose HeadBucket is 403, with the region header. Tests add names."""
        return self._state.deny_head_bucket

    @property
    def hide_region(self) -> set[str]:
        """Buckets whose HeadBucket is 403 without the region header. Tests add names."""
        return self._state.hide_region

    @property
    def denied_reads(self) -> set[str]:
        """Sub-resources of buckets, such as `policy`, whose GET is 403. Tests add names."""
        return self._state.denied_reads

    def fail_next(self, n: int, status: int = 503, code: str = "SlowDown") -> None:
        """Answer the next `n` requests with this error, whatever they ask."""
        self._faults.extend(S3Error(code, status=status) for _ in range(n))

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; `url` is known afterwards."""
        # A body with `Content-Encoding: gzip` must be stored as it came, hence no decompression.
        # Presigned requests with a real session token need long lines.
        server = web.Server(
            self._serve,
            auto_decompress=False,
            access_log=None,
            max_line_size=32_768,
            max_field_size=32_768,
            lingering_time=0.5,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound_host, bound_port = self._runner.addresses[0][:2]
        self.url = f"http://{bound_host}:{bound_port}"

    async def stop(self) -> None:
        """Close the socket and all connections; what is stored stays."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        # Only the raw line and the raw headers are read: aiohttp's own views of them normalise.
        headers = tuple((_text(name), _text(value)) for name, value in request.raw_headers)
        expects = request.headers.get("Expect", "").lower() == "100-continue"
        try:
            admitted = self._admit(request.method, request.raw_path, headers)
        except S3Error as error:
            # Like S3: a client that waits for 100 is refused before it sends the body.
            body, complete = (b"", True) if expects else await _read(request)
            self._record(request, headers, body, complete)
            return self._renderer.error(request, error, close=expects)
        if expects:
            await request.writer.write(_CONTINUE)
            request.writer.output_size = 0  # the answer itself has not begun
        body, complete = await _read(request)
        self._record(request, headers, body, complete)
        try:
            if not complete:
                raise S3Error("IncompleteBody")  # noqa: TRY301 - one place renders refusals
            call, signed, handler = admitted
            call = check_payload(call, body, signed, upload=is_upload(handler))
            answer = handler(Exchange(call, signed.claim, self._state))
        except S3Error as error:
            return self._renderer.error(request, error, close=not complete)
        return self._renderer.answer(answer)

    def _record(
        self,
        request: web.BaseRequest,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        complete: bool,
    ) -> None:
        received = ReceivedRequest(request.method, request.raw_path, list(headers), body, complete)
        self.requests.append(received)

    def _admit(
        self, method: str, target: str, headers: tuple[tuple[str, str], ...]
    ) -> tuple[S3Call, Signed, Handler]:
        """Everything that can be said before the body: S3 checks in this order (measured)."""
        if self._faults:
            raise self._faults.popleft()
        call = read_call(method, target, headers, self._suffix)
        selector = select(call)
        signed = self._verifier.verify(call)
        self._check_region(call, selector, signed.claim)
        if call.method == "GET" and selector in self._state.denied_reads:
            raise S3Error("AccessDenied")
        return call, signed, handler_for(call, selector)

    def _check_region(self, call: S3Call, selector: str, claim: Claim) -> None:
        """The region of the credential scope must be that of the bucket."""
        if call.bucket is None:
            if claim.region not in self._state.regions():
                raise _wrong_region(claim, "us-east-1", ())
            return
        bucket = self.buckets.get(call.bucket)
        creates = (call.method, call.key, selector) == ("PUT", None, "")
        hidden = call.method == "HEAD" and call.bucket in self.hide_region
        if bucket is not None and not creates and not hidden and bucket.region != claim.region:
            raise _wrong_region(claim, bucket.region, (("x-amz-bucket-region", bucket.region),))


def _wrong_region(claim: Claim, region: str, headers: tuple[tuple[str, str], ...]) -> S3Error:
    presigned = claim.expires is not None
    what = (
        "Error parsing the X-Amz-Credential parameter"
        if presigned
        else "The authorization header is malformed"
    )
    return S3Error(
        "AuthorizationQueryParametersError" if presigned else "AuthorizationHeaderMalformed",
        f"{what}; the region '{claim.region}' is wrong; expecting '{region}'",
        members={"Region": region},
        headers=headers,
    )


def _text(raw: bytes) -> str:
    """Header bytes as text: UTF-8, which SDKs send in metadata, else byte for byte."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


async def _read(request: web.BaseRequest) -> tuple[bytes, bool]:
    """The body without HTTP chunking, and whether it arrived to its end."""
    received = bytearray()
    try:
        while block := await request.content.readany():
            received += block
    except (OSError, web.RequestPayloadError):
        return bytes(received), False
    return bytes(received), True
