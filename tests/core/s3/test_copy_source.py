"""The second bucket of a copy."""

from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import GatewayError
from gateway.core.s3.address import Hosts, is_bucket_name
from gateway.core.s3.copy_source import named_buckets
from gateway.core.s3.request import S3Request, read_request
from tests.support.captures import load_captures


def _request(
    source: str | None, query: str = "", headers: Iterable[tuple[str, str]] = ()
) -> S3Request:
    lines = [("Host", "h"), *headers]
    if source is not None:
        lines.append(("x-amz-copy-source", source))
    return read_request("PUT", f"/bucket/key{query}", lines, Hosts(names=("h",)))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(None, set(), id="no-copy"),
        pytest.param("source/key", {"source"}, id="plain"),
        pytest.param("/source/key", {"source"}, id="leading-slash"),
        pytest.param("source/key?versionId=1", {"source"}, id="version"),
        pytest.param("source/a%3Fb", {"source"}, id="escaped-question-mark"),
        pytest.param("%73ource/key", {"source"}, id="escaped-bucket"),
        pytest.param("source%2Fkey", {"source"}, id="escaped-slash"),
        pytest.param("source/../other/key", {"source"}, id="dots-are-a-key"),
        pytest.param("source//key", {"source"}, id="key-with-a-slash"),
    ],
)
def test_source_bucket_is_named_when_a_copy_is_asked_for(source: str | None, expected: set[str]):
    """I9: decoded once, as S3 does."""
    assert expected == named_buckets(_request(source))


def test_source_bucket_is_named_when_the_header_was_hoisted_into_the_query():
    """SDKs that presign put it there, and S3 reads it there."""
    request = _request(None, "?X-Amz-Copy-Source=source%2Fkey")
    assert {"source"} == named_buckets(request)


@pytest.mark.parametrize(
    ("source", "expected"),
    [("/source/key", {"source"}), ("source%2Fkey", {"source"})],
    ids=["leading-slash", "escaped-slash"],
)
def test_source_bucket_is_named_when_an_object_is_renamed(source: str, expected: set[str]):
    """I9: the third place for a bucket."""
    for request in (
        _request(None, headers=[("x-amz-rename-source", source)]),
        _request(None, f"?renameObject&X-Amz-Rename-Source={source}"),
    ):
        assert expected == named_buckets(request)


def test_both_sources_are_named_when_both_are_there():
    """Neither hides the other."""
    request = _request("one/key", headers=[("x-amz-rename-source", "two/key")])
    assert {"one", "two"} == named_buckets(request)


def test_rename_is_refused_when_its_source_names_no_bucket():
    """A bare key could be a bucket and its key to another reader."""
    with pytest.raises(GatewayError) as caught:
        named_buckets(_request(None, headers=[("x-amz-rename-source", "key")]))
    assert "x-amz-rename-source" == caught.value.members["ArgumentName"]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        pytest.param("", "InvalidArgument", id="empty"),
        pytest.param("source", "InvalidArgument", id="no-key"),
        pytest.param("source/", "InvalidArgument", id="empty-key"),
        pytest.param("//source/key", "InvalidBucketName", id="two-slashes"),
        pytest.param("Source/key", "InvalidBucketName", id="not-a-bucket"),
        pytest.param(
            "arn:aws:s3:us-east-1:123456789012:accesspoint/ap/object/key",
            "InvalidBucketName",
            id="access-point-arn",
        ),
        pytest.param("source/%zz", "InvalidURI", id="broken-escape"),
    ],
)
def test_copy_is_refused_when_its_source_names_no_bucket(source: str, code: str):
    """What cannot be checked is not passed."""
    with pytest.raises(GatewayError) as caught:
        named_buckets(_request(source))
    assert code == caught.value.code


@given(st.text(st.characters(max_codepoint=0xFF), max_size=40))
def test_nothing_but_a_gateway_error_is_raised_when_the_source_is_arbitrary(source: str):
    """I26."""
    with suppress(GatewayError):
        assert all(map(is_bucket_name, named_buckets(_request(source))))


def test_every_source_is_read_when_real_clients_copy():
    """Each capture that copies names the one bucket of the captures."""
    sources = [
        value
        for capture in load_captures().requests
        for name, value in capture.headers
        if name.lower() == "x-amz-copy-source"
    ]
    assert len(sources) > 10
    assert {"amzn-s3-demo-bucket"} == {
        bucket for source in sources for bucket in named_buckets(_request(source))
    }
