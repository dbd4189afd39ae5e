"""From the bytes received to the payload: what was signed, counted or summed must hold."""

import base64
import binascii
import hashlib
import re
from dataclasses import replace

from gateway.emulator import checksums
from gateway.emulator.chunked import decode
from gateway.emulator.errors import S3Error
from gateway.emulator.request import S3Call
from gateway.emulator.signature import Signed

_HEX = re.compile(r"[0-9a-fA-F]{64}")
_UNSIGNED = "UNSIGNED-PAYLOAD"
_STREAMING = frozenset(
    {
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    }
)
_MD5_LENGTH = 16


def check_payload(call: S3Call, raw: bytes, signed: Signed, *, upload: bool) -> S3Call:
    """The call with its payload. Only object uploads may come in chunks."""
    mode = signed.claim.payload_hash
    trailers: tuple[tuple[str, str], ...] = ()
    body = raw
    if mode in _STREAMING:
        if not upload:
            raise S3Error("InvalidRequest", "The value of x-amz-content-sha256 header is invalid.")
        length = call.header("x-amz-decoded-content-length")
        if length is None or not length.isdecimal():
            raise S3Error("MissingContentLength")
        decoded = decode(raw, signed)
        body, trailers = decoded.body, decoded.trailers
        if len(body) != int(length):
            raise S3Error("IncompleteBody")
        _check_trailer_names(call, trailers)
    elif call.header("transfer-encoding") and call.method in {"PUT", "POST"}:
        # The answer curl users know from `-T -`: S3 wants the length in advance.
        raise S3Error("NotImplemented", members={"Header": "Transfer-Encoding"})
    elif _HEX.fullmatch(mode):
        _check_hash(call, raw, mode)
    elif mode != _UNSIGNED:
        raise S3Error(
            "InvalidArgument",
            f"x-amz-content-sha256 must be {_UNSIGNED}, {', '.join(sorted(_STREAMING))} "
            "or a valid sha256 value.",
            members={"ArgumentName": "x-amz-content-sha256", "ArgumentValue": mode},
        )
    _check_md5(call, body)
    return replace(call, body=body, checksum=_check_checksums(call, trailers, body))


def _check_hash(call: S3Call, body: bytes, claimed: str) -> None:
    computed = hashlib.sha256(body).hexdigest()
    # Measured: checked on PUT and POST, not on GET and DELETE.
    if call.method in {"PUT", "POST"} and computed != claimed.lower():
        members = {
            "ClientComputedContentSHA256": claimed,
            "S3ComputedContentSHA256": computed,
        }
        raise S3Error("XAmzContentSHA256Mismatch", members=members)


def _check_trailer_names(call: S3Call, trailers: tuple[tuple[str, str], ...]) -> None:
    declared = {
        name.strip().lower() for name in (call.header("x-amz-trailer") or "").split(",") if name
    }
    if declared != {name for name, _ in trailers}:
        raise S3Error("MalformedTrailerError")


def _check_md5(call: S3Call, body: bytes) -> None:
    claimed = call.header("content-md5")
    if claimed is None:
        return
    try:
        valid = len(base64.b64decode(claimed, validate=True)) == _MD5_LENGTH
    except binascii.Error:
        valid = False
    if not valid:
        raise S3Error("InvalidDigest", members={"Content-MD5": claimed})
    computed = checksums.content_md5(body)
    if computed != claimed:
        raise S3Error(
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
            members={"ExpectedDigest": claimed, "CalculatedDigest": computed},
        )


def _check_checksums(
    call: S3Call, trailers: tuple[tuple[str, str], ...], body: bytes
) -> tuple[tuple[str, str], ...]:
    if call.method not in {"PUT", "POST"}:
        return ()
    sent = (*call.prefixed(checksums.PREFIX), *trailers)
    found = [
        (name, algorithm, value)
        for name, value in sent
        if (algorithm := checksums.algorithm_of(name)) is not None
    ]
    if call.key is not None and call.parameter("uploadId") and call.method == "POST":
        return ()  # CompleteMultipartUpload: the checksum is that of the object, not of this body
    if any(algorithm not in checksums.ALGORITHMS for _, algorithm, _ in found):
        raise S3Error(
            "InvalidRequest",
            "The algorithm type you specified in x-amz-checksum- header is invalid.",
        )
    if len(found) > 1:
        raise S3Error(
            "InvalidRequest",
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        )
    if not found and call.header("x-amz-sdk-checksum-algorithm"):
        raise S3Error(
            "InvalidRequest",
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
            "x-amz-trailer headers were found.",
        )
    for name, algorithm, value in found:
        if not checksums.matches(algorithm, value, body):
            raise S3Error(
                "BadDigest",
                f"The {algorithm.upper()} you specified did not match the calculated checksum.",
            )
        return ((name, value),)
    return ()
