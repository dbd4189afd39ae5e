"""One request from its head to its access event: authenticate, then gate or relay."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from gateway.core.errors import (
    DependencyUnavailable,
    GatewayError,
    RequestError,
    UpstreamUnavailable,
    error_document,
)
from gateway.core.inventory.document import MAX_DOCUMENT_BYTES
from gateway.core.policy.input import plain
from gateway.core.ports import (
    NO_METRICS,
    EventLog,
    Exchange,
    KnownKey,
    Metrics,
    Stage,
    Stopwatch,
)
from gateway.core.s3 import body_buckets
from gateway.core.s3.address import Hosts, Object, Root
from gateway.core.s3.operations import classify
from gateway.core.s3.request import S3Request, read_request
from gateway.core.sigv4.claim import Claim, read_claim
from gateway.core.sigv4.payload import UndeclaredPayload
from gateway.pipeline.admission import Admission
from gateway.pipeline.authenticate import Authenticator, authorize, authorize_destination
from gateway.pipeline.gate import Call, Gate, Refusal
from gateway.pipeline.payload import (
    check_payload_is_covered,
    check_whole_payload,
    read_small_body,
)
from gateway.pipeline.relay import Relay, Transfer

_NANOSECONDS: Final = 1_000_000_000
_INTERNAL: Final = "We encountered an internal error. Please try again."
_BODILESS: Final = frozenset({"GET", "HEAD", "DELETE"})
#: What an access event says of a connection that the client left.
_GONE: Final = "ClientDisconnected"


@dataclass(slots=True)
class Head:
    """A request head as the listener got it; nothing of it has been believed yet.

    Args:
        method: as received.
        target: as received.
        headers: lines as received, one character per byte.
        remote: the peer's IP address.
        secure: whether the listener spoke TLS.
    """

    method: str
    target: str = field(repr=False)  # both may hold signatures and tokens
    headers: Sequence[tuple[str, str]] = field(repr=False)
    remote: str = ""
    secure: bool = False


@dataclass(slots=True)
class Story:
    """What is known of a request so far: it ends as the access event."""

    request_id: str
    started: float
    request: S3Request | None = None
    operation: str = ""
    group: str = ""
    bucket: str = ""  # once the principal may use it
    principal: str = ""
    access_key_id: str = ""
    decision_id: str = ""
    would_refuse: bool = False
    error: str = ""
    reason: str = ""
    transfer: Transfer = field(default_factory=Transfer)

    def event(self, head: Head, seconds: float) -> dict[str, object]:
        """The access event. Targets are logged as bucket and key: a query may hold a signature."""
        path = self.request.path if self.request is not None else Root()
        event: dict[str, object] = {
            "request_id": self.request_id,
            "remote": head.remote,
            "method": head.method[:20],
            "operation": self.operation,
            "bucket": "" if isinstance(path, Root) else path.bucket,
            "key": plain(path.key, 1024) if isinstance(path, Object) else "",
            "principal": self.principal,
            "access_key_id": self.access_key_id,
            "status": self.transfer.status,
            "bytes_out": self.transfer.bytes_out,
            "duration_ms": round(seconds * 1000, 3),
            "upstream_request_id": self.transfer.upstream_request_id,
        }
        if self.decision_id:
            event["decision_id"] = self.decision_id
        if self.would_refuse:
            event["would_refuse"] = True
        if self.error:
            event["error"] = self.error
        if self.reason:
            event["reason"] = self.reason
        return event


class Dispatcher:
    """Handles every request of the data plane.

    Args:
        hosts: the names that the gateway answers for.
        authenticator: verifies.
        admission: bounds what is under way.
        gate: judges inventory writes.
        relay: carries everything else.
        log: gets one access event per request.
        stopwatch: for its duration.
        metrics: count it.
        new_request_id: makes 16 characters, as S3's.
        new_host_id: makes an opaque id, as S3's.
        sigv2_presigned: take plain objects' URLs that are presigned with SigV2.
    """

    def __init__(
        self,
        hosts: Hosts,
        authenticator: Authenticator,
        admission: Admission,
        gate: Gate,
        relay: Relay,
        log: EventLog,
        stopwatch: Stopwatch,
        *,
        new_request_id: Callable[[], str],
        new_host_id: Callable[[], str],
        sigv2_presigned: bool = False,
        metrics: Metrics = NO_METRICS,
    ) -> None:
        self._hosts = hosts
        self._authenticator = authenticator
        self._admission = admission
        self._gate = gate
        self._relay = relay
        self._log = log
        self._stopwatch = stopwatch
        self._new_request_id = new_request_id
        self._new_host_id = new_host_id
        self._sigv2_presigned = sigv2_presigned
        self._metrics = metrics

    async def dispatch(self, head: Head, exchange: Exchange) -> None:
        """Answer one request. Whatever happens, the client reads S3 XML or a broken connection."""
        story = Story(self._new_request_id(), self._stopwatch())
        try:
            await self._handle(head, exchange, story)
        except GatewayError as error:
            self._note(error, story)
            await self._refuse(head, error, exchange, story)
        except ConnectionError:
            story.error = _GONE
            exchange.abort()
        except asyncio.CancelledError:  # a reader has left, or the drain time is over
            story.error = _GONE
            raise
        except Exception:  # noqa: BLE001 - the last line of defence: a bug is a 500, never a crash
            self._log.fault("internal error", request_id=story.request_id)
            await self._refuse(head, GatewayError("InternalError", _INTERNAL), exchange, story)
        finally:
            self._end(head, story, self._stopwatch() - story.started)

    async def reject(self, head: Head, error: GatewayError, exchange: Exchange) -> None:
        """Answer what was not even a request: the listener could not parse it."""
        story = Story(self._new_request_id(), 0.0)
        await self._refuse(head, error, exchange, story)
        self._end(head, story, 0.0)

    def _end(self, head: Head, story: Story, seconds: float) -> None:
        """Tell the log and the metrics, once for each request."""
        self._log.access(story.event(head, seconds))
        status = story.transfer.status
        self._metrics.request(story.operation, story.group, status, seconds, story.bucket)

    async def _handle(self, head: Head, exchange: Exchange, story: Story) -> None:
        request = read_request(
            head.method,
            head.target,
            head.headers,
            self._hosts,
            remote=head.remote,
            secure=head.secure,
        )
        story.request = request
        operation = classify(request)
        story.operation, story.group = operation.name, operation.group
        if request.has_body and request.method in _BODILESS:
            raise RequestError("InvalidRequest", f"A {request.method} request takes no body.")
        claim = read_claim(request, sigv2_presigned=self._sigv2_presigned)
        story.access_key_id = claim.access_key.access_key_id[:128]
        held, payload = None, claim.canonical_payload
        if isinstance(claim.payload, UndeclaredPayload):
            held = await read_small_body(exchange, MAX_DOCUMENT_BYTES, request.content_length)
            payload = sha256(held).hexdigest()
        client = self._authenticator.authenticate(claim, payload)
        story.principal = client.principal.name
        authorize(client.principal, operation, request)
        check_payload_is_covered(client.principal, request, claim.payload)
        if not isinstance(request.path, Root):
            story.bucket = request.path.bucket
        took = self._stopwatch() - story.started
        self._metrics.stage(Stage.VERIFICATION, took)
        with self._admission.admitted(client.principal.name):
            if operation.name in body_buckets.OPERATIONS:
                held = await self._check_body_buckets(request, claim, client, exchange, held)
            if not operation.is_gated:
                await self._relay.relay(request, claim, client, exchange, story.transfer, held)
                return
            call = Call(
                request,
                operation,
                claim,
                client.principal,
                story.request_id,
                {"timer_verification_ns": round(took * _NANOSECONDS)},
            )
            answer = await self._gate.handle(call, exchange, held)
        story.decision_id = answer.decision_id
        story.would_refuse = answer.would_refuse
        story.transfer.status = answer.status
        story.transfer.bytes_out = answer.length
        story.transfer.upstream_request_id = answer.upstream_request_id

    async def _check_body_buckets(
        self,
        request: S3Request,
        claim: Claim,
        client: KnownKey,
        exchange: Exchange,
        held: bytes | None,
    ) -> bytes:
        """Read a small body that may name other buckets, and confine it to the principal's."""
        if held is None:
            held = await read_small_body(exchange, MAX_DOCUMENT_BYTES, request.content_length)
        check_whole_payload(request, claim.payload, held)
        for bucket in sorted(body_buckets.named_in_body(held)):
            authorize_destination(client.principal, bucket)
        return held

    def _note(self, error: GatewayError, story: Story) -> None:
        """Keep why, for the access event; log what an operator should look at."""
        story.error = error.code
        if isinstance(error, Refusal):
            story.decision_id = error.decision_id
        if isinstance(error, DependencyUnavailable | UpstreamUnavailable):
            story.reason = error.reason
            self._log.fault(
                error.code,
                request_id=story.request_id,
                level=error.level,
                reason=error.reason,
                detail=error.detail,
            )

    async def _refuse(
        self, head: Head, error: GatewayError, exchange: Exchange, story: Story
    ) -> None:
        """Answer with the S3 error document, or break the connection where that is too late."""
        story.error = story.error or error.code
        if story.transfer.began:
            exchange.abort()
            return
        host_id = self._new_host_id()
        document = error_document(
            error.public_code, error.message, error.members, story.request_id, host_id
        )
        body = b"" if head.method == "HEAD" else document
        headers = [
            ("content-type", "application/xml"),
            ("x-amz-request-id", story.request_id),
            ("x-amz-id-2", host_id),
            *error.headers.items(),
        ]
        story.transfer.status, story.transfer.bytes_out = error.status, len(body)
        try:
            await exchange.answer(error.status, headers, body)
        except ConnectionError:
            exchange.abort()
