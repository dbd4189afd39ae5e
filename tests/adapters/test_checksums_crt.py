"""The checksums of S3, against published check values and zlib."""

from base64 import b64encode
from hashlib import sha1, sha256

import pytest

from gateway.adapters.checksums_crt import CHECKSUMS
from gateway.core.s3.integrity import DIGEST_SIZES

#: The "check" value of each CRC: that of the digits (Catalogue of parametrised CRC algorithms).
CHECKS = {
    "crc32": bytes.fromhex("cbf43926"),
    "crc32c": bytes.fromhex("e3069283"),
    "crc64nvme": bytes.fromhex("ae8b14860a799888"),
    "sha1": sha1(b"123456789").digest(),  # noqa: S324
    "sha256": sha256(b"123456789").digest(),
}


@pytest.mark.parametrize(("algorithm", "expected"), CHECKS.items(), ids=CHECKS)
def test_the_digits_have_their_published_checksum(algorithm: str, expected: bytes) -> None:
    """Big-endian, as S3 writes it."""
    hasher = CHECKSUMS[algorithm]()
    hasher.update(b"123456789")
    assert hasher.digest() == expected


@pytest.mark.parametrize("algorithm", CHECKSUMS)
def test_pieces_add_up(algorithm: str) -> None:
    """A body may come in any number of them; the digest may be read in between."""
    whole, pieces = CHECKSUMS[algorithm](), CHECKSUMS[algorithm]()
    whole.update(b"123456789" * 1000)
    for _ in range(1000):
        pieces.update(b"1234")
        pieces.digest()
        pieces.update(b"56789")
    assert pieces.digest() == whole.digest()


@pytest.mark.parametrize("algorithm", CHECKSUMS)
def test_each_hasher_begins_anew(algorithm: str) -> None:
    """I23: nothing of one body is in the checksum of the next."""
    CHECKSUMS[algorithm]().update(b"one")
    fresh, other = CHECKSUMS[algorithm](), CHECKSUMS[algorithm]()
    other.update(b"")
    assert fresh.digest() == other.digest()


def test_every_algorithm_of_s3_is_there_in_its_size() -> None:
    """And no other."""
    assert {name: len(make().digest()) for name, make in CHECKSUMS.items()} == DIGEST_SIZES


def test_a_digest_is_written_in_base64() -> None:
    """The empty body's CRC32 as SDKs send it."""
    assert b64encode(CHECKSUMS["crc32"]().digest()) == b"AAAAAA=="
