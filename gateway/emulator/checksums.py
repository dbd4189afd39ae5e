"""The checksums S3 verifies: x-amz-checksum-*, in a header or in a trailer."""

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module

Compute = Callable[[bytes], bytes]

PREFIX = "x-amz-checksum-"
# These start like a checksum and are none.
_NOT_VALUES = frozenset({"algorithm", "mode", "type"})


def _known() -> Mapping[str, Compute | None]:
    """Algorithm -> its function; None for those this process cannot compute (taken on trust)."""
    known: dict[str, Compute | None] = {
        "crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
        "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
        "sha256": lambda data: hashlib.sha256(data).digest(),
        "sha512": lambda data: hashlib.sha512(data).digest(),
        "md5": lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
    }
    known |= dict.fromkeys(("crc32c", "crc64nvme", "xxhash64", "xxhash3", "xxhash128"))
    # The standard library knows no CRC32C and no CRC64; where awscrt is missing they are trusted.
    with suppress(ImportError):
        crt = import_module("awscrt.checksums")
        known["crc32c"] = lambda data: int(crt.crc32c(data)).to_bytes(4, "big")
        known["crc64nvme"] = lambda data: int(crt.crc64nvme(data)).to_bytes(8, "big")
    return known


ALGORITHMS = _known()


def algorithm_of(header: str) -> str | None:
    """`x-amz-checksum-crc32` -> `crc32`; None for a header that carries no checksum."""
    if not header.startswith(PREFIX):
        return None
    name = header.removeprefix(PREFIX)
    return None if name in _NOT_VALUES else name


def matches(algorithm: str, value: str, data: bytes) -> bool:
    """Whether `value` is the base64 checksum of `data`, as far as this process can tell."""
    compute = ALGORITHMS[algorithm]
    return compute is None or base64.b64encode(compute(data)).decode() == value


def content_md5(data: bytes) -> str:
    """The value of `Content-MD5`."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def etag(data: bytes) -> str:
    """The entity tag of a plain object, quotes included."""
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
