"""A small body, read whole under a cap and held against what was signed."""

import hmac
from hashlib import sha256
from typing import Final

from gateway.core.errors import RequestError
from gateway.core.ports import Exchange
from gateway.core.s3.request import S3Request
from gateway.core.sigv4.payload import ChunkedPayload, PayloadMode, SignedPayload

_LOOPBACK: Final = "127."
_LOOPBACK_V6: Final = "::1"


async def read_small_body(exchange: Exchange, limit: int, declared: int | None) -> bytes:
    """Read a whole body of at most `limit` bytes.

    Args:
        exchange: the client's side.
        limit: bytes.
        declared: Content-Length, to refuse a large body before any of it is read.

    Raises:
        RequestError: EntityTooLarge, or the body broke off.
    """
    if declared is not None and declared > limit:
        raise _too_large(limit)
    body = bytearray()
    while piece := await exchange.read():
        body += piece
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def check_whole_payload(request: S3Request, payload: PayloadMode, body: bytes) -> None:
    """Hold the body of a gated operation against what was signed.

    An unsigned body could have been changed on the way, so it is taken over TLS or from this
    machine only; what policy judges is the body received, in any case.

    Raises:
        RequestError: XAmzContentSHA256Mismatch, or InvalidRequest with what to do.
    """
    match payload:
        case SignedPayload():
            actual = sha256(body).hexdigest()
            if not hmac.compare_digest(actual, payload.sha256):
                raise RequestError(
                    "XAmzContentSHA256Mismatch",
                    "The provided 'x-amz-content-sha256' header does not match what was computed.",
                    members={
                        "ClientComputedContentSHA256": payload.text,
                        "S3ComputedContentSHA256": actual,
                    },
                )
        case ChunkedPayload():
            raise RequestError(
                "InvalidRequest", "The value of x-amz-content-sha256 header is invalid."
            )
        case _:
            here = request.remote.startswith(_LOOPBACK) or request.remote == _LOOPBACK_V6
            if not request.secure and not here:
                raise RequestError(
                    "InvalidRequest",
                    "An inventory configuration with an unsigned payload is taken over TLS only. "
                    "Sign the payload (x-amz-content-sha256 = its SHA-256), or use https.",
                )


def _too_large(limit: int) -> RequestError:
    return RequestError(
        "EntityTooLarge",
        f"Your proposed upload exceeds the maximum allowed size: {limit} bytes here.",
        members={"MaxSizeAllowed": str(limit)},
    )
