"""The body on its way upstream: how it is announced, and the pieces that follow.

A body with a signed hash goes up as it comes, under the same hash in our own signature: S3 refuses
a tampered one, and nobody has to hash it twice. For an upstream that does not check, the setting
`payload_check: gateway` has it hashed here, too, its last block held back. An aws-chunked body is
verified, unframed and framed anew in the client's own mode: signed chunks are chained under the
gateway's key, a trailer's checksum travels on, so that integrity is end to end.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from hashlib import sha256

from gateway.core.errors import GatewayError, RequestError
from gateway.core.ports import Exchange
from gateway.core.s3.integrity import PREFIX, Checksums
from gateway.core.s3.request import S3Request
from gateway.core.sigv4.chunked import (
    ChunkChain,
    ChunkDecoder,
    ChunkEncoder,
    Trailer,
    framed_length,
)
from gateway.core.sigv4.claim import Claim
from gateway.core.sigv4.credential import Credential
from gateway.core.sigv4.outgoing import Signed
from gateway.core.sigv4.payload import EMPTY_SHA256, ChunkedPayload, SignedPayload
from gateway.core.sigv4.signature import signing_key
from gateway.pipeline.payload import METHODS_WITH_LENGTH


@dataclass(slots=True)
class OutgoingBody:
    """What goes upstream as the body.

    Args:
        payload: the value for `x-amz-content-sha256`.
        headers: what announces the body: Content-Length and, for aws-chunked, its companions.
        open: makes the pieces, once the head is signed (its signature seeds the chunks); None
            where there is no body.
        fault: the client's own error, where its body broke off or failed verification. The
            upstream client only sees that the pieces ended early.
    """

    payload: str
    headers: tuple[tuple[str, str], ...] = ()
    open: Callable[[Signed], AsyncIterator[bytes] | bytes] | None = None
    fault: GatewayError | None = field(default=None, init=False)

    def pieces(self, signed: Signed) -> AsyncIterator[bytes] | bytes | None:
        """The body for the upstream client."""
        body = None if self.open is None else self.open(signed)
        return body if body is None or isinstance(body, bytes) else self._watched(body)

    async def _watched(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for piece in pieces:
                yield piece
        except GatewayError as error:
            self.fault = error
            raise


def outgoing_body(
    request: S3Request,
    claim: Claim,
    client: Credential,
    upstream: Credential,
    exchange: Exchange,
    checksums: Checksums,
    held: bytes | None,
    *,
    check: bool = False,
) -> OutgoingBody:
    """Plan the body.

    Args:
        request: as received.
        claim: verified.
        client: its key verifies the client's chunk signatures.
        upstream: its key signs ours.
        exchange: where the body comes from.
        checksums: for trailers.
        held: the body, where it had to be read before: to verify the signature, or for the
            buckets that it names.
        check: hold a body against its signed hash here, and do not leave that to the upstream.

    Raises:
        RequestError: MissingContentLength, XAmzContentSHA256Mismatch where no body comes under the
            hash of one, or the announcements contradict each other.
    """
    match claim.payload:
        case ChunkedPayload() as mode:
            return _reframed(request, claim, mode, client, upstream, exchange, checksums)
        case _ if held is not None:
            length = _length(request, len(held))
            return OutgoingBody(sha256(held).hexdigest(), length, lambda _: held)
        case declared if not request.has_body:
            if check and isinstance(declared, SignedPayload):
                declared.check(EMPTY_SHA256)
            return OutgoingBody(declared.text, _length(request, 0))
        case declared:
            if request.content_length is None:
                raise RequestError(
                    "MissingContentLength", "You must provide the Content-Length HTTP header."
                )
            length = _length(request, request.content_length)
            if check and isinstance(declared, SignedPayload):
                return OutgoingBody(declared.text, length, lambda _: _checked(exchange, declared))
            return OutgoingBody(declared.text, length, lambda _: _plain(exchange))


def _length(request: S3Request, length: int) -> tuple[tuple[str, str], ...]:
    """Content-Length, generated: also for an empty PUT, which S3 would else answer with 411."""
    if length or request.method in METHODS_WITH_LENGTH:
        return (("content-length", str(length)),)
    return ()


async def _plain(exchange: Exchange) -> AsyncIterator[bytes]:
    while data := await exchange.read():
        yield data


async def _checked(exchange: Exchange, declared: SignedPayload) -> AsyncIterator[bytes]:
    """Hash what passes. The last block waits for the hash, so that a wrong one is never completed.

    Raises:
        RequestError: XAmzContentSHA256Mismatch.
    """
    digest, held = sha256(), b""
    while data := await exchange.read():
        digest.update(data)
        if held:
            yield held
        held = data
    declared.check(digest.hexdigest())
    yield held


def _reframed(
    request: S3Request,
    claim: Claim,
    mode: ChunkedPayload,
    client: Credential,
    upstream: Credential,
    exchange: Exchange,
    checksums: Checksums,
) -> OutgoingBody:
    trailer = _announced_trailer(request, checksums)
    if (trailer is not None) != mode.has_trailer:
        raise RequestError(
            "InvalidRequest", "x-amz-trailer and x-amz-content-sha256 contradict each other."
        )
    signed_chunks = mode.chunks_are_signed
    length = _decoded_length(request)
    decoder = ChunkDecoder(
        length,
        _chain_of_client(claim, client) if signed_chunks else None,
        trailer,
    )
    algorithm = None if trailer is None else trailer.algorithm
    headers = [
        ("content-length", str(framed_length(length, algorithm, signed=signed_chunks))),
        ("x-amz-decoded-content-length", str(length)),
    ]
    if trailer is not None:
        headers.append(("x-amz-trailer", trailer.name))

    def open_(signed: Signed) -> AsyncIterator[bytes]:
        key = signing_key(upstream.secret_access_key, signed.scope)
        chain = ChunkChain(key, signed.timestamp, signed.scope, signed.signature)
        return _reframe(exchange, decoder, ChunkEncoder(chain if signed_chunks else None))

    return OutgoingBody(mode.text, tuple(headers), open_)


async def _reframe(
    exchange: Exchange, decoder: ChunkDecoder, encoder: ChunkEncoder
) -> AsyncIterator[bytes]:
    """Verify, unframe, frame. The encoder keeps the last block until the decoder is content."""
    while data := await exchange.read():
        for piece in decoder.feed(data):
            for framed in encoder.encode(piece):
                yield framed
    decoder.close()
    for framed in encoder.finish(decoder.trailers):
        yield framed


def _chain_of_client(claim: Claim, client: Credential) -> ChunkChain:
    scope = claim.access_key.scope
    key = signing_key(client.secret_access_key, scope)
    return ChunkChain(key, claim.timestamp, scope, claim.signature)


def _announced_trailer(request: S3Request, checksums: Checksums) -> Trailer | None:
    announced = request.header("x-amz-trailer")
    if announced is None:
        return None
    name = announced.strip().lower()
    algorithm = name.removeprefix(PREFIX)
    if name != PREFIX + algorithm or algorithm not in checksums:
        raise RequestError(
            "InvalidRequest",
            "The value specified in the x-amz-trailer header is not supported: it must name one "
            f"of {', '.join(PREFIX + known for known in sorted(checksums))}.",
        )
    return Trailer(algorithm, checksums[algorithm]())


def _decoded_length(request: S3Request) -> int:
    text = request.header("x-amz-decoded-content-length")
    if text is None:  # non-seekable streams without a length: S3 answers them so as well
        raise RequestError(
            "MissingContentLength", "You must provide the Content-Length HTTP header."
        )
    if not (text.isascii() and text.isdigit() and len(text) <= 15):  # noqa: PLR2004 - up to 1 PB
        raise RequestError("InvalidArgument", "x-amz-decoded-content-length is not a number.")
    return int(text)
