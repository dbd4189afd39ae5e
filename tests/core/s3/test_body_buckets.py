"""The buckets that a body names, in every shape that S3 takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import RequestError
from gateway.core.s3.body_buckets import OPERATIONS, named_in_body
from gateway.core.s3.operations import operations

NS = b' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"", set(), id="empty"),
        pytest.param(b"<RestoreRequest><Days>1</Days></RestoreRequest>", set(), id="plain-restore"),
        pytest.param(
            b"<R"
            + NS
            + b"><OutputLocation><S3><BucketName>a</BucketName></S3></OutputLocation></R>",
            {"a"},
            id="restore",
        ),
        pytest.param(b"<L><TargetBucket> logs </TargetBucket></L>", {"logs"}, id="logging"),
        pytest.param(
            b'<?xml version="1.0" encoding="UTF-8"?><R><Rule><Destination><Bucket>arn:aws:s3:::one'
            b"</Bucket></Destination></Rule><Rule><Bucket>arn:aws:s3:::two</Bucket></Rule></R>",
            {"one", "two"},
            id="replication",
        ),
        pytest.param(b"<R><Bucket>arn:aws:s3:::o<x/>ne</Bucket></R>", {"one"}, id="split-text"),
        pytest.param(b"<R><Bucket>&#111;ne</Bucket></R>", {"one"}, id="character-reference"),
        pytest.param(b"<s:R xmlns:s='urn:x'><s:Bucket>one</s:Bucket></s:R>", {"one"}, id="prefix"),
        pytest.param(b"<R><Bucket/></R>", {""}, id="empty-name"),
    ],
)
def test_every_bucket_is_found(body, expected):
    """Whatever the namespace, whatever splits the text."""
    assert named_in_body(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<R><Bucket>a<!-- -->b</Bucket></R>", id="comment"),
        pytest.param(b"<R><Bucket><![CDATA[a]]></Bucket></R>", id="cdata"),
        pytest.param(b"<!DOCTYPE R><R/>", id="doctype"),
        pytest.param(b"<R><?x y?></R>", id="instruction"),
        pytest.param(b'<?xml version="1.0" encoding="UTF-7"?><R/>', id="another-encoding"),
        pytest.param("<R/>".encode("utf-16"), id="utf-16"),
        pytest.param(b"<R>", id="not-closed"),
        pytest.param(b"<R>&x;</R>", id="entity"),
    ],
)
def test_what_readers_disagree_on_is_refused(body):
    """Two readers that see two buckets are a way past the check."""
    with pytest.raises(RequestError) as caught:
        named_in_body(body)
    assert caught.value.code == "MalformedXML"


@given(st.binary(max_size=200))
def test_no_body_does_more_than_be_refused(body):
    """I26."""
    try:
        named_in_body(body)
    except RequestError as error:
        assert error.code == "MalformedXML"  # noqa: PT017


def test_the_operations_exist():
    """A name that the table does not know would check nothing."""
    assert {operation.name for operation in operations()} >= OPERATIONS
