"""Content-MD5 and `x-amz-checksum-*`: rows 37 and 38."""

import hashlib
import zlib
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import RequestError
from gateway.core.s3.address import Hosts
from gateway.core.s3.integrity import DIGEST_SIZES, check_body, check_digest
from gateway.core.s3.request import S3Request, read_request
from tests.support.captures import Capture, load_captures
from tests.support.strategies import CHECKSUMS

BODY = b"123456789"
#: The check values of the CRC catalogue.
KNOWN = {"crc32": "cbf43926", "crc32c": "e3069283", "crc64nvme": "ae8b14860a799888"}


def _request(*headers: tuple[str, str], query: str = "") -> S3Request:
    return read_request("PUT", f"/bucket{query}", [("Host", "h"), *headers], Hosts(names=("h",)))


def _refusal(*headers: tuple[str, str], query: str = "", body: bytes = BODY) -> RequestError:
    with pytest.raises(RequestError) as caught:
        check_body(_request(*headers, query=query), body, CHECKSUMS)
    return caught.value


def _digest(algorithm: str, body: bytes = BODY) -> str:
    hasher = CHECKSUMS[algorithm]()
    hasher.update(body)
    return b64encode(hasher.digest()).decode()


def _md5(body: bytes = BODY) -> str:
    return b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


@pytest.mark.parametrize(("algorithm", "expected"), KNOWN.items())
def test_oracle_is_right_when_held_against_the_catalogue(algorithm: str, expected: str):
    """The slow CRCs of these tests."""
    hasher = CHECKSUMS[algorithm]()
    hasher.update(BODY)
    assert expected == hasher.digest().hex()


@given(st.binary(max_size=60))
def test_oracle_is_zlibs_when_crc32(data: bytes):
    """And against another implementation."""
    hasher = CHECKSUMS["crc32"]()
    hasher.update(data)
    assert zlib.crc32(data).to_bytes(4, "big") == hasher.digest()


def test_body_passes_when_nothing_is_promised():
    """No client sends a checksum with an inventory document."""
    check_body(_request(), BODY, CHECKSUMS)


@pytest.mark.parametrize("algorithm", sorted(DIGEST_SIZES))
@pytest.mark.parametrize("hoisted", [False, True], ids=["header", "query"])
def test_body_is_held_to_its_checksum_when_promised(algorithm: str, hoisted: bool):
    """Each algorithm, in either place."""
    name, value = f"x-amz-checksum-{algorithm}", _digest(algorithm)
    query = f"?{name}={value.replace('+', '%2B').replace('/', '%2F')}" if hoisted else ""
    headers = [] if hoisted else [(name.title(), value)]
    check_body(_request(*headers, query=query), BODY, CHECKSUMS)
    refusal = _refusal(*headers, query=query, body=BODY + b"x")
    assert ("BadDigest", True) == (refusal.code, algorithm.upper() in refusal.message)


def test_body_is_held_to_its_md5_when_promised():
    """Row 37, with S3's members."""
    check_body(_request(("Content-MD5", _md5())), BODY, CHECKSUMS)
    refusal = _refusal(("Content-MD5", _md5(b"other")))
    expected = {"ExpectedDigest": _md5(b"other"), "CalculatedDigest": _md5()}
    assert ("BadDigest", expected) == (refusal.code, refusal.members)


@pytest.mark.parametrize("value", ["", "x", "AAAA", "é".encode().decode("latin-1"), _md5() + "\n"])
def test_md5_is_refused_when_it_is_none(value: str):
    """Row 37: base64 of sixteen bytes."""
    refusal = _refusal(("Content-MD5", value))
    assert ("InvalidDigest", {"Content-MD5": value}) == (refusal.code, refusal.members)


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        pytest.param([("x-amz-checksum-foo", "x")], "checksum-foo header is inv", id="unknown"),
        pytest.param(
            [("x-amz-checksum-crc32", "a"), ("x-amz-checksum-sha1", "b")], "single", id="two"
        ),
        pytest.param([("x-amz-checksum-crc32", "")], "checksum-crc32 header is", id="empty"),
        pytest.param([("x-amz-checksum-crc32", "AAAA")], "is invalid", id="too-short"),
        pytest.param([("x-amz-checksum-crc32", "====")], "is invalid", id="not-base64"),
        pytest.param(
            [("x-amz-sdk-checksum-algorithm", "CRC32")], "no corresponding", id="algorithm-alone"
        ),
    ],
)
def test_checksum_is_refused_when_s3_would(headers: list[tuple[str, str]], words: str):
    """Row 38: InvalidRequest, all of them."""
    refusal = _refusal(*headers)
    assert ("InvalidRequest", True) == (refusal.code, words in refusal.message)


def test_algorithm_is_taken_when_its_checksum_is_there():
    """As SDKs send the two."""
    headers = [
        ("x-amz-sdk-checksum-algorithm", "CRC32"),
        ("x-amz-checksum-crc32", _digest("crc32")),
        ("x-amz-checksum-type", "FULL_OBJECT"),
    ]
    check_body(_request(*headers), BODY, CHECKSUMS)


@given(st.sampled_from(sorted(DIGEST_SIZES)), st.text(max_size=50), st.binary(max_size=40))
def test_nothing_but_a_request_error_is_raised_when_the_promise_is_arbitrary(
    algorithm: str, text: str, actual: bytes
):
    """I26; an arbitrary promise is never the digest of anything else."""
    with pytest.raises(RequestError) as caught:
        check_digest(algorithm, text, actual + b"x" * DIGEST_SIZES[algorithm])
    assert caught.value.code in {"BadDigest", "InvalidRequest"}


def _promising() -> list[Capture]:
    return [
        capture
        for capture in load_captures().requests
        if capture.wire_body
        and not capture.is_truncated
        and not capture.index.get("aws_chunked")
        and capture.index["style"] == "path"
        and ("header_checksum_ok" in capture.index or "content_md5_of" in capture.index)
        and capture.file != "rclone/presigned_put_internal.03.http"
    ]


def test_every_checksum_holds_when_a_real_client_sent_it():
    """CRC32 of botocore and JavaScript, Content-MD5 of the others."""
    captures = _promising()
    assert len(captures) > 100
    for capture in captures:
        hosts = Hosts(names=("*",))
        request = read_request(capture.method, capture.target, capture.headers, hosts)
        check_body(request, capture.body, CHECKSUMS)
        with pytest.raises(RequestError):
            check_body(request, capture.body + b"x", CHECKSUMS)
