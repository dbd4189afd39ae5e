"""What covers a body: which modes a principal may use, and a small body held against its hash."""

from hashlib import sha256
from typing import Final

from gateway.core.errors import AccessDenied, RequestError
from gateway.core.ports import Exchange, Principal
from gateway.core.s3.request import S3Request
from gateway.core.sigv4.payload import (
    ChunkedPayload,
    PayloadMode,
    SignedPayload,
    UndeclaredPayload,
    UnsignedPayload,
)

#: The methods whose requests have a body, if only an empty one.
METHODS_WITH_LENGTH: Final = frozenset({"PUT", "POST"})


async def read_small_body(exchange: Exchange, limit: int, declared: int | None) -> bytes:
    """Read a whole body of at most `limit` bytes.

    Args:
        exchange: the client's side.
        limit: bytes.
        declared: Content-Length, to refuse a large body before any of it is read.

    Raises:
        RequestError: EntityTooLarge, or the body broke off or did not all come in time.
    """
    if declared is not None and declared > limit:
        raise _too_large(limit)
    exchange.hasten()
    body = bytearray()
    while piece := await exchange.read():
        body += piece
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def check_whole_payload(request: S3Request, payload: PayloadMode, body: bytes) -> None:
    """Hold the body of a gated operation against what was signed.

    A body that no signature covers could have been changed on the way, hence over TLS only.
    Loopback is no exception: behind a proxy on this machine every client seems to come from there.

    Raises:
        RequestError: XAmzContentSHA256Mismatch, or InvalidRequest with what to do.
    """
    match payload:
        case SignedPayload():
            payload.check(sha256(body).hexdigest())
        case UndeclaredPayload():
            pass  # the signature held over this body's hash, or nobody would have come here
        case ChunkedPayload():
            raise RequestError(
                "InvalidRequest", "The value of x-amz-content-sha256 header is invalid."
            )
        case _:
            if not request.secure:
                raise RequestError(
                    "InvalidRequest",
                    "A configuration whose signature does not cover the body (UNSIGNED-PAYLOAD, "
                    "presigned URLs) is taken over TLS only. Use https, or sign the body: "
                    "x-amz-content-sha256 = its SHA-256, in the Authorization header's signature.",
                )


def check_payload_is_covered(
    principal: Principal, request: S3Request, payload: PayloadMode
) -> None:
    """Refuse a body that the signature does not cover, where the principal must sign its bodies.

    An upload without a body is one, too: it may have been cut off on the way. Over TLS as well:
    the switch is for those who do not trust what ends it.

    Raises:
        AccessDenied: in words that say what to set.
    """
    if principal.unsigned_payload or _covers(payload):
        return
    if request.has_body or request.method in METHODS_WITH_LENGTH:
        raise AccessDenied(
            f"{principal.name} may not send a body that its signature does not cover "
            f"({payload.text}). Sign the payload: in boto3 "
            'Config(s3={"payload_signing_enabled": True}, '
            'request_checksum_calculation="when_required"), in AWS CLI '
            "`aws configure set default.s3.payload_signing_enabled true` and "
            "AWS_REQUEST_CHECKSUM_CALCULATION=when_required; presigned URLs cannot. Or ask the "
            "operator of this gateway for it (unsigned_payload)."
        )


def _covers(payload: PayloadMode) -> bool:
    """Whether the signature binds the body: a trailer's checksum has no key, so it does not."""
    match payload:
        case UnsignedPayload():
            return False
        case ChunkedPayload():
            return payload.chunks_are_signed
        case _:
            return True


def _too_large(limit: int) -> RequestError:
    return RequestError(
        "EntityTooLarge",
        f"Your proposed upload exceeds the maximum allowed size: {limit} bytes here.",
        members={"MaxSizeAllowed": str(limit)},
    )
