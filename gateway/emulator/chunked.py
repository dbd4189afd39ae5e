"""aws-chunked bodies: the framing, the chain of chunk signatures, the trailer.

AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html.
"""

import hashlib
import hmac
from dataclasses import dataclass

from gateway.emulator.errors import S3Error
from gateway.emulator.signature import Signed

_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
# S3 refuses smaller chunks, the last one excepted.
_MIN_CHUNK = 8192


@dataclass(frozen=True, slots=True)
class Decoded:
    """The payload inside the framing."""

    body: bytes
    trailers: tuple[tuple[str, str], ...]


class _Chain:
    """Each chunk is signed together with the signature before it; the request's own is the seed."""

    def __init__(self, signed: Signed) -> None:
        self._signed = signed
        self._previous = signed.claim.signature

    def check_chunk(self, data: bytes, signature: str) -> None:
        digest = hashlib.sha256(data).hexdigest()
        self._check("AWS4-HMAC-SHA256-PAYLOAD", (_EMPTY_SHA256, digest), signature)

    def check_trailer(self, lines: list[str], signature: str) -> None:
        text = "".join(f"{line}\n" for line in lines)
        digest = hashlib.sha256(text.encode()).hexdigest()
        self._check("AWS4-HMAC-SHA256-TRAILER", (digest,), signature)

    def _check(self, algorithm: str, digests: tuple[str, ...], signature: str) -> None:
        claim = self._signed.claim
        head = (algorithm, claim.timestamp, claim.scope, self._previous)
        expected = self._signed.sign("\n".join((*head, *digests)))
        if not hmac.compare_digest(expected, signature):
            raise S3Error("SignatureDoesNotMatch")
        self._previous = expected


def decode(raw: bytes, signed: Signed) -> Decoded:
    """Undo the framing; with a signed payload mode every chunk signature must hold."""
    mode = signed.claim.payload_hash
    chain = _Chain(signed) if mode.startswith("STREAMING-AWS4-HMAC-SHA256") else None
    data = bytearray()
    position = 0
    last_size = _MIN_CHUNK
    while True:
        size, signature, position = _chunk_head(raw, position)
        chunk = raw[position : position + size]
        position += size
        if chain is not None:
            chain.check_chunk(chunk, signature)
        if size == 0:
            break
        if last_size < _MIN_CHUNK:
            raise S3Error("InvalidChunkSizeError", members={"BadChunkSize": str(last_size)})
        if len(chunk) < size or raw[position : position + 2] != b"\r\n":
            raise S3Error("IncompleteBody")
        data += chunk
        last_size = size
        position += 2
    lines = _trailer_lines(raw[position:])
    if mode.endswith("-TRAILER") and chain is not None:
        name, _, signature = lines.pop().partition(":") if lines else ("", "", "")
        if name != "x-amz-trailer-signature":
            raise S3Error("MalformedTrailerError")
        chain.check_trailer(lines, signature.strip())
    elif lines and not mode.endswith("-TRAILER"):
        raise S3Error("MalformedTrailerError")
    pairs = (line.partition(":") for line in lines)
    return Decoded(bytes(data), tuple((name.lower(), value.strip()) for name, _, value in pairs))


def _chunk_head(raw: bytes, position: int) -> tuple[int, str, int]:
    end = raw.find(b"\r\n", position)
    if end < 0:
        raise S3Error("IncompleteBody")
    size, _, extension = raw[position:end].decode("latin-1").partition(";")
    name, _, signature = extension.partition("=")
    if not size or size.strip("0123456789abcdefABCDEF") or name not in {"", "chunk-signature"}:
        raise S3Error("IncompleteBody")
    return int(size, 16), signature, end + 2


def _trailer_lines(rest: bytes) -> list[str]:
    """The lines after the last chunk. The blank line that ends them may be missing or doubled."""
    try:
        lines = rest.decode("ascii").split("\r\n")
    except UnicodeDecodeError:
        raise S3Error("MalformedTrailerError") from None
    while lines and not lines[-1]:
        lines.pop()
    if any(":" not in line for line in lines):
        raise S3Error("MalformedTrailerError")
    return lines
