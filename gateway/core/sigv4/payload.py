"""What `x-amz-content-sha256` says of the body: the hash itself, or how the body is protected.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hmac
import re
from dataclasses import dataclass
from typing import Final

from gateway.core.errors import RequestError

EMPTY_SHA256: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
UNSIGNED: Final = "UNSIGNED-PAYLOAD"
SIGNED_CHUNKS: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_CHUNKS_TRAILER: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER: Final = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SignedPayload:
    """The body's SHA-256 is part of the signature. `text` is the header as received."""

    text: str

    @property
    def sha256(self) -> str:
        """Lower-case hexadecimal; S3 takes either case."""
        return self.text.lower()

    def check(self, actual: str) -> None:
        """Hold it against the body's own SHA-256 in lower-case hexadecimal.

        Raises:
            RequestError: XAmzContentSHA256Mismatch, with both hashes as S3 names them.
        """
        if not hmac.compare_digest(actual, self.sha256):
            raise RequestError(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                members={
                    "ClientComputedContentSHA256": self.text,
                    "S3ComputedContentSHA256": actual,
                },
            )


@dataclass(frozen=True, slots=True)
class UnsignedPayload:
    """Nothing but the connection protects the body."""

    text: str = UNSIGNED


@dataclass(frozen=True, slots=True)
class ChunkedPayload:
    """aws-chunked: chunks signed in a chain, or a checksum in the trailer, or both."""

    text: str

    @property
    def chunks_are_signed(self) -> bool:
        """Whether each chunk carries a signature."""
        return self.text in {SIGNED_CHUNKS, SIGNED_CHUNKS_TRAILER}

    @property
    def has_trailer(self) -> bool:
        """Whether trailer lines follow the last chunk."""
        return self.text in {SIGNED_CHUNKS_TRAILER, UNSIGNED_TRAILER}


@dataclass(frozen=True, slots=True)
class UndeclaredPayload:
    """The header is missing, as older curl leaves it: the signature then covers the body's hash.

    S3 demands the header. The gateway verifies such a request where it can hold the body.
    """

    text: str = ""


PayloadMode = SignedPayload | UnsignedPayload | ChunkedPayload | UndeclaredPayload


def read_payload_mode(value: str | None) -> PayloadMode:
    """Read the header's value.

    Raises:
        RequestError: InvalidArgument or NotImplemented, with what to do instead.
    """
    match value:
        case None:
            return UndeclaredPayload()
        case "UNSIGNED-PAYLOAD":
            return UnsignedPayload()
        case _ if value in {SIGNED_CHUNKS, SIGNED_CHUNKS_TRAILER, UNSIGNED_TRAILER}:
            return ChunkedPayload(value)
        case _ if _SHA256.fullmatch(value):
            return SignedPayload(value)
        case _ if value.startswith("STREAMING-AWS4-ECDSA"):
            raise RequestError(
                "NotImplemented",
                "SigV4A (ECDSA) payloads cannot be verified here. Sign with SigV4: address a "
                "bucket in one Region, not a Multi-Region Access Point.",
            )
        case _:
            raise RequestError(
                "InvalidArgument",
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
                f"{SIGNED_CHUNKS}, {SIGNED_CHUNKS_TRAILER}, {UNSIGNED_TRAILER}, "
                "or a valid sha256 value.",
                members={"ArgumentName": "x-amz-content-sha256", "ArgumentValue": value[:80]},
            )
