"""What a request promises about its body: Content-MD5 and one `x-amz-checksum-*`.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from hashlib import md5
from typing import Final, Protocol

from gateway.core.errors import RequestError
from gateway.core.s3.request import S3Request

PREFIX: Final = "x-amz-checksum-"
#: Algorithm -> bytes of its digest.
DIGEST_SIZES: Final[Mapping[str, int]] = {
    "crc32": 4,
    "crc32c": 4,
    "crc64nvme": 8,
    "sha1": 20,
    "sha256": 32,
}
#: `x-amz-checksum-…` headers that are about checksums and hold none.
_NOT_A_DIGEST: Final = frozenset({"algorithm", "mode", "type"})
_MD5_SIZE: Final = 16


class Hasher(Protocol):
    """The part of hashlib's interface that is needed."""

    def update(self, data: bytes, /) -> None:
        """Take in more of the body."""
        ...

    def digest(self) -> bytes:
        """The digest of all of it, big-endian."""
        ...


#: Algorithm -> a fresh hasher. The CRCs come from a library, hence from an adapter.
Checksums = Mapping[str, Callable[[], Hasher]]


def check_body(request: S3Request, body: bytes, checksums: Checksums) -> None:
    """Hold a whole body against what its headers promise.

    Raises:
        RequestError: InvalidDigest, BadDigest or InvalidRequest, as S3 answers.
    """
    content_md5 = request.header("content-md5")
    if content_md5 is not None:
        _check_md5(content_md5, body)
    declared = _declared(request)
    for algorithm, text in declared.items():
        check_digest(algorithm, text, _digest(checksums[algorithm], body))
    if request.amz("x-amz-sdk-checksum-algorithm") is not None and not declared:
        raise RequestError(
            "InvalidRequest",
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
            "x-amz-trailer headers were found.",
        )


def check_digest(algorithm: str, text: str, actual: bytes) -> None:
    """Compare a digest with its base64 promise.

    Raises:
        RequestError: InvalidRequest where the promise is no such digest, BadDigest where it is
            another.
    """
    expected = _decode(text, DIGEST_SIZES[algorithm])
    if expected is None:
        raise RequestError("InvalidRequest", f"Value for {PREFIX}{algorithm} header is invalid.")
    if not hmac.compare_digest(expected, actual):
        raise RequestError(
            "BadDigest",
            f"The {algorithm.upper()} you specified did not match the calculated checksum.",
        )


def _check_md5(text: str, body: bytes) -> None:
    expected = _decode(text, _MD5_SIZE)
    if expected is None:
        raise RequestError(
            "InvalidDigest",
            "The Content-MD5 you specified was invalid.",
            members={"Content-MD5": text[:100]},
        )
    # Content-MD5 is a transport checksum of HTTP (RFC 1864), not a security measure.
    actual = md5(body, usedforsecurity=False).digest()
    if not hmac.compare_digest(expected, actual):
        raise RequestError(
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
            members={
                "ExpectedDigest": text[:100],
                "CalculatedDigest": b64encode(actual).decode(),
            },
        )


def _declared(request: S3Request) -> dict[str, str]:
    names = {name for name, _ in request.headers}
    names |= {name.lower() for name in request.query.names}
    algorithms = {name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)}
    algorithms -= _NOT_A_DIGEST
    if unknown := algorithms - DIGEST_SIZES.keys():
        raise RequestError(
            "InvalidRequest",
            f"The algorithm type you specified in {PREFIX}{min(unknown)[:40]} header is invalid.",
        )
    if len(algorithms) > 1:
        raise RequestError(
            "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple were given."
        )
    return {name: request.amz(PREFIX + name) or "" for name in algorithms}


def _digest(factory: Callable[[], Hasher], body: bytes) -> bytes:
    hasher = factory()
    hasher.update(body)
    return hasher.digest()


def _decode(text: str, size: int) -> bytes | None:
    try:
        value = b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    return value if len(value) == size else None
