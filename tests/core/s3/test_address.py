"""Where a request points: hosts, bucket names, keys."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import RequestError
from gateway.core.s3.address import (
    Bucket,
    Hosts,
    Object,
    Root,
    S3Path,
    check_bucket_name,
    is_bucket_name,
    locate,
)
from tests.support.strategies import encode_path, keys

HOSTS = Hosts(names=("s3.example", "localhost", "10.*", "[::1]"), suffixes=(".s3.example",))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("s3.example", None, id="name"),
        pytest.param("S3.Example:8080", None, id="row-29-port-and-case"),
        pytest.param("s3.example.", None, id="row-29-trailing-dot"),
        pytest.param("s3.example.:443", None, id="trailing-dot-and-port"),
        pytest.param("10.0.0.1:80", None, id="glob"),
        pytest.param("[::1]:8080", None, id="ipv6"),
        pytest.param("bucket.s3.example", "bucket", id="virtual-host"),
        pytest.param("BUCKET.S3.example:80", "bucket", id="virtual-host-in-upper-case"),
        pytest.param("a.b.s3.example", "a.b", id="dotted-bucket"),
    ],
)
def test_bucket_is_read_from_the_host_when_it_is_virtual(host: str, expected: str | None):
    """Row 29: decided on one normal form."""
    assert expected == HOSTS.bucket_of(host)


@pytest.mark.parametrize(
    "host", ["", "evil.example", ".s3.example", "s3.example.evil", "s3.amazonaws.com", "[::2]:80"]
)
def test_host_is_refused_when_it_is_not_one_of_ours(host: str):
    """With the setting that would add it."""
    with pytest.raises(RequestError) as caught:
        HOSTS.bucket_of(host)
    assert ("InvalidRequest", True) == (
        caught.value.code,
        "`virtual_host_suffixes`" in caught.value.message,
    )


@pytest.mark.parametrize(
    ("path", "virtual", "expected"),
    [
        pytest.param("/", None, Root(), id="service"),
        pytest.param("/bucket", None, Bucket("bucket"), id="bucket"),
        pytest.param("/bucket/", None, Bucket("bucket"), id="row-3-slash-after-bucket"),
        pytest.param("/bucket/k", None, Object("bucket", "k", "k"), id="object"),
        pytest.param("/bucket//k/", None, Object("bucket", "/k/", "/k/"), id="slashes-stay"),
        pytest.param(
            "/bucket/a/../%2e", None, Object("bucket", "a/../.", "a/../%2e"), id="dots-stay"
        ),
        pytest.param("/bucket/%252F", None, Object("bucket", "%2F", "%252F"), id="decoded-once"),
        pytest.param("/bucket/a+b", None, Object("bucket", "a+b", "a+b"), id="plus-is-a-plus"),
        pytest.param("/", "bucket", Bucket("bucket"), id="row-2-virtual-host"),
        pytest.param("/other", "bucket", Object("bucket", "other", "other"), id="row-29-key"),
        pytest.param("//k", "bucket", Object("bucket", "/k", "/k"), id="virtual-leading-slash"),
    ],
)
def test_path_is_taken_apart_when_located(path: str, virtual: str | None, expected: S3Path):
    """Bucket first, then the key as it came and decoded once."""
    assert expected == locate(path, virtual)


@pytest.mark.parametrize(
    ("path", "virtual", "code"),
    [
        pytest.param("//bucket", None, "InvalidBucketName", id="row-28-double-slash"),
        pytest.param("/./bucket", None, "InvalidBucketName", id="row-28-dot"),
        pytest.param("/../bucket", None, "InvalidBucketName", id="row-28-dots"),
        pytest.param("//", None, "InvalidBucketName", id="slashes-only"),
        pytest.param("/b%75cket", None, "InvalidBucketName", id="escaped-bucket"),
        pytest.param("/bucket%2Fkey", None, "InvalidBucketName", id="escaped-slash"),
        pytest.param("/v20180820/jobs", None, "InvalidBucketName", id="row-104-s3-control"),
        pytest.param("/", "x-s3alias", "InvalidBucketName", id="row-30-virtual-alias"),
        pytest.param("/bucket/%zz", None, "InvalidURI", id="broken-escape"),
        pytest.param("/bucket/%ff", None, "InvalidURI", id="not-utf-8"),
        pytest.param("/bucket/a%00b", None, "InvalidURI", id="nul"),
        pytest.param("/bucket/" + "k" * 1025, None, "KeyTooLongError", id="1025-bytes"),
        pytest.param("/bucket/" + "%C3%A9" * 513, None, "KeyTooLongError", id="1026-bytes-utf-8"),
    ],
)
def test_path_is_refused_when_it_names_no_bucket_or_key(path: str, virtual: str | None, code: str):
    """Nothing is repaired."""
    with pytest.raises(RequestError) as caught:
        locate(path, virtual)
    assert code == caught.value.code


def test_key_of_1024_bytes_is_taken_when_located():
    """S3's limit, in bytes of UTF-8."""
    assert Object("bucket", "é" * 512, "%C3%A9" * 512) == locate("/bucket/" + "%C3%A9" * 512, None)


@given(keys)
def test_key_is_the_one_encoded_when_located(key: str):
    """I7: byte for byte, whatever it holds."""
    raw = encode_path(key)
    expected = Object("bucket", key, raw) if key else Bucket("bucket")
    assert expected == locate(f"/bucket/{raw}", None)
    assert expected == locate(f"/{raw}", "bucket")


@given(st.text(max_size=40), st.none() | st.text(max_size=20))
def test_nothing_but_a_request_error_is_raised_when_the_path_is_arbitrary(
    path: str, virtual: str | None
):
    """I26; and what is located has a bucket's name."""
    with suppress(RequestError):
        located = locate("/" + path, virtual)
        assert isinstance(located, Root) or is_bucket_name(located.bucket)


@given(st.text(max_size=40))
def test_nothing_but_a_request_error_is_raised_when_the_host_is_arbitrary(host: str):
    """I26."""
    with suppress(RequestError):
        HOSTS.bucket_of(host)


GOOD = ["abc", "a-b", "a.b", "a--b", "0a0", "a" * 63, "my.bucket-1", "a.-b", "1.2.3", "1.2.3.4.5"]
BAD = {
    "row-30-two-characters": "ab",
    "row-30-64-characters": "a" * 64,
    "row-30-upper-case": "Bucket",
    "row-30-access-point-alias": "my-ap-hash-s3alias",
    "row-30-object-lambda-alias": "my-olap--ol-s3",
    "row-30-directory-bucket": "base--use1-az4--x-s3",
    "row-30-directory-access-point": "base--use1-az4--xa-s3",
    "row-30-table-bucket": "data--table-s3",
    "row-30-multi-region-access-point": "m1.mrap",
    "row-30-arn": "arn:aws:s3:::bucket",
    "row-30-ip": "192.168.0.1",
    "row-104-control": "v20180820",
    "empty": "",
    "leading-hyphen": "-abc",
    "trailing-hyphen": "abc-",
    "leading-dot": ".abc",
    "trailing-dot": "abc.",
    "two-dots": "a..b",
    "underscore": "a_b",
    "new-line": "abc\n",
    "fullwidth": "abc\uff11",
    "space": "a b",
    "percent": "a%b",
}


@pytest.mark.parametrize("name", GOOD)
def test_bucket_name_passes_when_it_is_a_general_purpose_one(name: str):
    """AWS's naming rules."""
    check_bucket_name(name)


@pytest.mark.parametrize("name", BAD.values(), ids=BAD.keys())
def test_bucket_name_is_refused_when_it_is_anything_else(name: str):
    """Row 30: aliases and directory buckets are other doors to the same data."""
    with pytest.raises(RequestError) as caught:
        check_bucket_name(name)
    assert ("InvalidBucketName", {"BucketName": name}) == (caught.value.code, caught.value.members)


@pytest.mark.parametrize("char", ["-", ".", "a", "-.", ".-"])
def test_bucket_name_is_refused_at_once_when_it_is_made_to_backtrack(char: str):
    """Names come before authentication: 26 hyphens must not cost 2**26 steps, nor 60 more."""
    started = time.perf_counter()
    assert not is_bucket_name("a" + char * 26 + "!")
    assert time.perf_counter() - started < 1
