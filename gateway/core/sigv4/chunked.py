"""aws-chunked: the body as chunks, signed in a chain or followed by a checksum.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html

Decoder and encoder do no I/O: bytes in, bytes out. The decoder gives the same output for every
split of its input. It passes data on before the chunk's signature is checked, so that memory is
bounded whatever the chunk size; the relay keeps the last block back until `complete` is true, so
that a tampered body is never completed upstream.
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from gateway.core.errors import AuthenticationError, RequestError
from gateway.core.s3.integrity import DIGEST_SIZES, PREFIX, Hasher, check_digest
from gateway.core.sigv4.credential import CredentialScope
from gateway.core.sigv4.payload import EMPTY_SHA256

_HEADER = re.compile(rb"([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?", re.ASCII)
_TRAILER_LINE = re.compile(rb"([a-zA-Z0-9-]{1,64}):[ \t]*([!-~]{0,200})[ \t]*", re.ASCII)
_MAX_LINE: Final = 512
_MAX_TRAILERS: Final = 8
_SIGNATURE_NAME: Final = "x-amz-trailer-signature"
#: Bytes of data in each chunk that the gateway writes.
CHUNK_SIZE: Final = 64 * 1024
#: "The chunk size must be at least 8 KB", but for the last one's (sigv4-streaming.html).
SMALLEST_CHUNK: Final = 8 * 1024


@dataclass(slots=True)
class ChunkChain:
    """The chain of signatures: each covers the one before, the first covers the seed.

    Args:
        key: the signing key.
        timestamp: `YYYYMMDDTHHMMSSZ` of the request.
        scope: of the request.
        previous: the seed signature, that of the request's head.
    """

    key: bytes
    timestamp: str
    scope: CredentialScope
    previous: str

    def next_chunk(self, payload_sha256: str) -> str:
        """Sign the next chunk; the signature becomes the previous one."""
        return self._next("AWS4-HMAC-SHA256-PAYLOAD", f"{EMPTY_SHA256}\n{payload_sha256}")

    def next_trailer(self, trailers: Mapping[str, str]) -> str:
        """Sign the trailer lines."""
        text = "".join(f"{name}:{value}\n" for name, value in trailers.items())
        return self._next("AWS4-HMAC-SHA256-TRAILER", sha256(text.encode()).hexdigest())

    def _next(self, algorithm: str, rest: str) -> str:
        text = f"{algorithm}\n{self.timestamp}\n{self.scope}\n{self.previous}\n{rest}"
        self.previous = hmac.digest(self.key, text.encode(), "sha256").hex()
        return self.previous


@dataclass(frozen=True, slots=True)
class Trailer:
    """The trailer that a request announces: one checksum.

    Args:
        algorithm: `crc32`, `crc64nvme`, ...
        hasher: fresh, of that algorithm.
    """

    algorithm: str
    hasher: Hasher

    @property
    def name(self) -> str:
        """The trailer's header name."""
        return PREFIX + self.algorithm


class ChunkDecoder:
    """Take the framing off, checking everything it promises.

    Args:
        decoded_length: bytes that must come out, from `x-amz-decoded-content-length`.
        chain: verifies chunk signatures; None where chunks are unsigned.
        trailer: the announced checksum; None where no trailer may follow.
        smallest: bytes in every chunk but the last: a chunk costs the same whatever its size, so
            that a body of tiny ones would hold the event loop.
    """

    def __init__(
        self,
        decoded_length: int,
        chain: ChunkChain | None,
        trailer: Trailer | None,
        *,
        smallest: int = SMALLEST_CHUNK,
    ) -> None:
        self._remaining = decoded_length
        self._chain = chain
        self._trailer = trailer
        self._smallest = smallest
        self._size = smallest  # of the current chunk
        self._buffer = bytearray()
        self._left = 0  # bytes of the current chunk still to come
        self._hash = sha256()
        self._claimed = ""
        self._state: Callable[[list[bytes]], bool] = self._read_header
        self.complete = False
        self.trailers: dict[str, str] = {}

    def feed(self, data: bytes) -> list[bytes]:
        """Take in bytes as they arrive; return the data they hold.

        Raises:
            AuthenticationError: SignatureDoesNotMatch.
            RequestError: the framing, the length or the checksum is wrong.
        """
        self._buffer += data
        pieces: list[bytes] = []
        while self._state(pieces):
            pass
        return pieces

    def close(self) -> None:
        """Say that no more will come.

        Raises:
            RequestError: IncompleteBody.
        """
        if not self.complete:
            raise RequestError(
                "IncompleteBody",
                "You did not provide the number of bytes specified by the "
                "x-amz-decoded-content-length HTTP header.",
            )

    def _read_header(self, _: list[bytes]) -> bool:
        line = self._line()
        if line is None:
            return False
        match = _HEADER.fullmatch(line)
        if match is None or (match[2] is None) != (self._chain is None):
            raise _malformed("a chunk header is not <size>[;chunk-signature=<64 hex digits>]")
        size, self._claimed = int(match[1], 16), (match[2] or b"").decode()
        if size and self._size < self._smallest:
            raise RequestError(
                "InvalidChunkSizeError",
                f"Only the last chunk is allowed to have a size less than {self._smallest} bytes",
                members={"BadChunkSize": str(self._size)},
            )
        if size > self._remaining:
            raise RequestError("IncompleteBody", "The request body is longer than declared.")
        self._size = self._left = size
        self._state = self._read_data if size else self._end_chunks
        return True

    def _read_data(self, pieces: list[bytes]) -> bool:
        if not self._buffer:
            return False
        piece = bytes(self._buffer[: self._left])
        del self._buffer[: len(piece)]
        if self._chain is not None:
            self._hash.update(piece)
        if self._trailer is not None:
            self._trailer.hasher.update(piece)
        self._left -= len(piece)
        self._remaining -= len(piece)
        pieces.append(piece)
        if not self._left:
            self._state = self._end_chunk
        return True

    def _end_chunk(self, _: list[bytes]) -> bool:
        if len(self._buffer) < 2:  # noqa: PLR2004 - CR LF
            return False
        if self._buffer[:2] != b"\r\n":
            raise _malformed("chunk data does not end in CR LF")
        del self._buffer[:2]
        self._check_chunk(self._hash.hexdigest())
        self._hash = sha256()
        self._state = self._read_header
        return True

    def _end_chunks(self, _: list[bytes]) -> bool:
        self._check_chunk(EMPTY_SHA256)
        if self._remaining:
            raise RequestError("IncompleteBody", "The request body is shorter than declared.")
        self._state = self._read_trailer
        return True

    def _read_trailer(self, _: list[bytes]) -> bool:
        line = self._line()
        if line is None:
            return False
        if not line:
            self._check_trailers()
            self.complete = True
            self._state = self._refuse_more
            return True
        match = _TRAILER_LINE.fullmatch(line)
        if match is None or self._trailer is None or len(self.trailers) >= _MAX_TRAILERS:
            raise _malformed("a trailer line is malformed or was not announced")
        name, value = match[1].decode().lower(), match[2].decode()
        signature = None if self._chain is None else _SIGNATURE_NAME
        if name in self.trailers or name not in {self._trailer.name, signature}:
            raise _malformed(f"the trailer {name} was not announced, or comes twice")
        self.trailers[name] = value
        return True

    def _refuse_more(self, _: list[bytes]) -> bool:
        if self._buffer:
            raise _malformed("bytes follow the end of the chunks")
        return False

    def _check_chunk(self, payload_sha256: str) -> None:
        if self._chain is not None:
            _compare(self._chain.next_chunk(payload_sha256), self._claimed)

    def _check_trailers(self) -> None:
        if self._trailer is None:
            return
        value = self.trailers.get(self._trailer.name)
        if value is None:
            raise _malformed(f"the announced trailer {self._trailer.name} is missing")
        check_digest(self._trailer.algorithm, value, self._trailer.hasher.digest())
        if self._chain is not None:
            claimed = self.trailers.pop(_SIGNATURE_NAME, "")
            _compare(self._chain.next_trailer(self.trailers), claimed)

    def _line(self) -> bytes | None:
        """The next line without its CR LF; None where it has not fully arrived."""
        end = self._buffer.find(b"\r\n", 0, _MAX_LINE + 2)
        if end < 0:
            if len(self._buffer) > _MAX_LINE:
                raise _malformed("a line of the framing is too long")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line


class ChunkEncoder:
    """Put the framing on, in chunks of `CHUNK_SIZE`, signed with the gateway's own chain.

    Args:
        chain: signs chunks; None for unsigned chunks, whose integrity is the trailer's checksum.
    """

    def __init__(self, chain: ChunkChain | None) -> None:
        self._chain = chain
        self._buffer = bytearray()

    def encode(self, data: bytes) -> Iterator[bytes]:
        """Frame data; what does not fill a chunk waits, so that the last block is held back."""
        self._buffer += data
        while len(self._buffer) > CHUNK_SIZE:
            block = bytes(self._buffer[:CHUNK_SIZE])
            del self._buffer[:CHUNK_SIZE]
            yield self._chunk(block)

    def finish(self, trailers: Mapping[str, str]) -> Iterator[bytes]:
        """Frame what waits, the final chunk and the trailer."""
        if self._buffer:
            yield self._chunk(bytes(self._buffer))
            self._buffer.clear()
        lines = "".join(f"{name}:{value}\r\n" for name, value in trailers.items())
        end = self._header(b"")
        if trailers and self._chain is not None:
            lines += f"{_SIGNATURE_NAME}:{self._chain.next_trailer(trailers)}\r\n"
        yield end + lines.encode() + b"\r\n"

    def _chunk(self, block: bytes) -> bytes:
        return b"".join((self._header(block), block, b"\r\n"))

    def _header(self, block: bytes) -> bytes:
        if self._chain is None:
            return b"%x\r\n" % len(block)
        signature = self._chain.next_chunk(sha256(block).hexdigest())
        return b"%x;chunk-signature=%b\r\n" % (len(block), signature.encode())


def framed_length(decoded_length: int, algorithm: str | None, *, signed: bool) -> int:
    """Bytes that `ChunkEncoder` makes of a body, so that Content-Length can be declared."""
    mark = len(";chunk-signature=") + 64 if signed else 0
    whole, rest = divmod(decoded_length, CHUNK_SIZE)
    sizes = [(whole, CHUNK_SIZE), (1 if rest else 0, rest)]
    total = sum(count * (len(f"{size:x}") + mark + size + 4) for count, size in sizes)
    total += 1 + mark + 2 + 2  # the final chunk's header and the closing CR LF
    if algorithm is not None:
        value = len(b64encode(bytes(DIGEST_SIZES[algorithm])))
        total += len(PREFIX + algorithm) + 1 + value + 2
        total += len(_SIGNATURE_NAME) + 1 + 64 + 2 if signed else 0
    return total


def _compare(expected: str, claimed: str) -> None:
    if not hmac.compare_digest(expected.encode(), claimed.encode()):
        raise AuthenticationError(
            "SignatureDoesNotMatch",
            "The signature of a chunk of the body does not match the signature we calculated.",
        )


def _malformed(why: str) -> RequestError:
    return RequestError("InvalidRequest", f"The aws-chunked body is malformed: {why}.")
