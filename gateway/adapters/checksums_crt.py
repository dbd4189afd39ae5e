"""The checksums of S3: SHA from hashlib, the CRCs from the AWS Common Runtime's C code."""

import zlib
from collections.abc import Callable
from hashlib import sha1, sha256
from typing import Final

from awscrt import checksums

from gateway.core.s3.integrity import Checksums, Hasher


class _Crc:
    """A CRC with hashlib's interface; the digest is big-endian, as S3 writes it."""

    def __init__(self, function: Callable[[bytes, int], int], size: int) -> None:
        self._function = function
        self._size = size
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


def _sha1() -> Hasher:
    # S3 offers SHA-1 as a checksum against accidents; signatures never rest on it.
    return sha1(usedforsecurity=False)


CHECKSUMS: Final[Checksums] = {
    "crc32": lambda: _Crc(zlib.crc32, 4),
    "crc32c": lambda: _Crc(checksums.crc32c, 4),
    "crc64nvme": lambda: _Crc(checksums.crc64nvme, 8),
    "sha1": _sha1,
    "sha256": sha256,
}
