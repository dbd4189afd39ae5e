"""Pass-through: re-sign, stream up, stream back. Nothing is held but one window of the body."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.core.errors import BucketMoved, FactsUnavailable, UpstreamUnavailable
from gateway.core.ports import (
    BucketFacts,
    Clock,
    Exchange,
    KnownKey,
    Principal,
    Upstream,
    UpstreamCredentials,
    UpstreamRequest,
    UpstreamResponse,
)
from gateway.core.s3.address import Object, Root, S3Path
from gateway.core.s3.endpoint import Endpoint
from gateway.core.s3.headers import forwarded_request_headers, forwarded_response_headers
from gateway.core.s3.integrity import Checksums
from gateway.core.s3.request import S3Request
from gateway.core.sigv4.claim import AUTHENTICATION_PARAMETERS, Claim
from gateway.core.sigv4.credential import Credential
from gateway.core.sigv4.outgoing import sign_request
from gateway.pipeline.answers import (
    SmallAnswer,
    fault_of,
    is_error,
    is_redirect,
    read_small_answer,
)
from gateway.pipeline.body import OutgoingBody, outgoing_body
from gateway.pipeline.bucket_lister import BucketLister, sees_every_bucket
from gateway.pipeline.elsewhere import find_elsewhere

_BAD_REQUEST: Final = 400


@dataclass(slots=True)
class Transfer:
    """What a relayed request came to, for the access event. Filled in as it happens."""

    status: int = 0
    bytes_out: int = 0
    upstream_request_id: str = ""

    @property
    def began(self) -> bool:
        """Whether the client has seen the head of the answer."""
        return self.status != 0


class Relay:
    """Carries requests through.

    Args:
        upstream: S3.
        credentials: the gateway's own, per principal.
        facts: tells a bucket's Region where the endpoint has none of its own.
        endpoint: where S3 is.
        checksums: for the trailers of aws-chunked bodies.
        clock: the wall clock, aware.
        check_payload: hold bodies against their signed hash here, too.
    """

    def __init__(
        self,
        upstream: Upstream,
        credentials: UpstreamCredentials,
        facts: BucketFacts,
        endpoint: Endpoint,
        checksums: Checksums,
        clock: Clock,
        *,
        check_payload: bool = False,
    ) -> None:
        self._upstream = upstream
        self._credentials = credentials
        self._facts = facts
        self._endpoint = endpoint
        self._checksums = checksums
        self._clock = clock
        self._lister = BucketLister(upstream, credentials, endpoint, clock)
        self._check_payload = check_payload

    async def relay(
        self,
        request: S3Request,
        claim: Claim,
        client: KnownKey,
        exchange: Exchange,
        transfer: Transfer,
        held: bytes | None = None,
    ) -> None:
        """Carry one request through.

        Args:
            request: as received.
            claim: verified.
            client: whose request it is; its principal names the upstream credentials.
            exchange: the client's side.
            transfer: filled in on the way.
            held: the body, where it had to be read to verify the signature.

        Raises:
            GatewayError: before the first byte of the answer, or (`transfer.began`) after it.
        """
        if isinstance(request.path, Root) and not sees_every_bucket(client.principal):
            listed = await self._lister.answer(request, claim, client.principal)
            await _pass_back(listed, exchange, transfer)
            return
        region = await self._region(request.path, claim, client.principal)
        credential = await self._credentials.for_principal(client.principal)
        body = outgoing_body(
            request,
            claim,
            client.credential,
            credential,
            exchange,
            self._checksums,
            held,
            check=self._check_payload,
        )
        answer = await self._send(request, body, credential, region, exchange, transfer)
        if answer is not None and answer.doubts_region(request.method):
            elsewhere = await find_elsewhere(
                self._facts, self._endpoint, request.path, client.principal, region
            )
            if elsewhere is not None:
                if body.open is not None and held is None:  # a stream is read once
                    raise BucketMoved(elsewhere)
                answer = await self._send(request, body, credential, elsewhere, exchange, transfer)
        if answer is not None:
            await _pass_back(answer, exchange, transfer)

    async def _send(
        self,
        request: S3Request,
        body: OutgoingBody,
        credential: Credential,
        region: str,
        exchange: Exchange,
        transfer: Transfer,
    ) -> SmallAnswer | None:
        """Sign, send, and stream a success back; an error or a redirection is returned."""
        signed = sign_request(
            request.method,
            self._endpoint,
            region,
            _path_style(request.path),
            request.query.without(AUTHENTICATION_PARAMETERS),
            [*forwarded_request_headers(request.headers), *body.headers],
            body.payload,
            credential=credential,
            now=self._clock(),
        )
        outgoing = UpstreamRequest(request.method, signed.url, signed.headers, body.pieces(signed))
        try:
            async with self._upstream.send(outgoing) as response:
                if is_error(response.status) or is_redirect(response.status):
                    return await read_small_answer(response, request.method)
                await _stream_back(response, exchange, transfer)
                return None
        except UpstreamUnavailable:
            if body.fault is not None:  # it was the client's body that ended early
                raise body.fault from None
            raise

    async def _region(self, path: S3Path, claim: Claim, principal: Principal) -> str:
        """The Region to sign for: the configured one, the bucket's, or what the client says."""
        if self._endpoint.region is not None:
            return self._endpoint.region
        if isinstance(path, Root):
            return claim.access_key.scope.region
        claimed = (
            claim.access_key.scope.region
        )  # of SigV2 a guess, hence held against the globs, too
        try:
            fact = await self._facts.look_up(path.bucket, principal)
        except FactsUnavailable:  # S3 itself refuses it where it is wrong
            return self._endpoint.region_for(claimed, claimed)
        return self._endpoint.region_for(fact.region or claimed, claimed)


async def _pass_back(answer: SmallAnswer, exchange: Exchange, transfer: Transfer) -> None:
    headers = forwarded_response_headers(answer.headers)
    transfer.upstream_request_id = dict(headers).get("x-amz-request-id", "")
    fault = fault_of(answer.status, answer.body)
    if fault is not None:
        raise fault
    if answer.status == _BAD_REQUEST:  # botocore and paws sign for the Region that a 400 names
        headers = [item for item in headers if item[0] != "x-amz-bucket-region"]
    transfer.status, transfer.bytes_out = answer.status, len(answer.body)
    await exchange.answer(answer.status, headers, answer.body)


async def _stream_back(response: UpstreamResponse, exchange: Exchange, transfer: Transfer) -> None:
    headers = forwarded_response_headers(response.headers)
    transfer.upstream_request_id = dict(headers).get("x-amz-request-id", "")
    declared = _declared_length(headers)
    transfer.status = response.status
    await exchange.start(response.status, headers)
    while chunk := await response.read():
        if declared is not None and transfer.bytes_out + len(chunk) > declared:
            raise UpstreamUnavailable("answer_framing", detail="more bytes than declared")
        await exchange.write(chunk)
        transfer.bytes_out += len(chunk)
    await exchange.finish()


def _declared_length(headers: Sequence[tuple[str, str]]) -> int | None:
    """The answer's length, if it has exactly one: no client may read another than we did.

    Raises:
        UpstreamUnavailable: there are two, or it is no number.
    """
    values = [value for name, value in headers if name == "content-length"]
    if not values:
        return None
    if len(values) > 1 or not (values[0].isascii() and values[0].isdigit()):
        raise UpstreamUnavailable("answer_framing", detail="no single Content-Length")
    return int(values[0])


def _path_style(path: S3Path) -> str:
    """The path for the configured authority: the key goes up byte for byte as it arrived."""
    match path:
        case Root():
            return "/"
        case Object(bucket, _, raw_key):
            return f"/{bucket}/{raw_key}"
        case _:
            return f"/{path.bucket}"
