"""The buckets that a body names, in every shape that S3 takes."""

from collections.abc import Iterator
from typing import Any, Final

import botocore.loaders
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import RequestError
from gateway.core.s3.body_buckets import ELEMENTS, OPERATIONS, named_in_body
from gateway.core.s3.operations import Operation, operations

NS = b' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
MODEL: Final[dict[str, Any]] = botocore.loaders.Loader().load_service_model("s3", "service-2")
TABLES = b"arn:aws:s3tables:eu-central-1:111122223333:bucket/"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"", set(), id="empty"),
        pytest.param(b"<RestoreRequest><Days>1</Days></RestoreRequest>", set(), id="plain-restore"),
        pytest.param(
            b"<R"
            + NS
            + b"><OutputLocation><S3><BucketName>one</BucketName></S3></OutputLocation></R>",
            {"one"},
            id="restore",
        ),
        pytest.param(b"<L><TargetBucket> logs </TargetBucket></L>", {"logs"}, id="logging"),
        pytest.param(
            b'<?xml version="1.0" encoding="UTF-8"?><R><Rule><Destination><Bucket>arn:aws:s3:::one'
            b"</Bucket></Destination></Rule><Rule><Bucket>arn:aws:s3:::two</Bucket></Rule></R>",
            {"one", "two"},
            id="replication",
        ),
        pytest.param(
            b"<A><Bucket>arn:aws-us-gov:s3:::one</Bucket></A>", {"one"}, id="another-partition"
        ),
        pytest.param(
            b"<M><T><TableBucketArn>" + TABLES + b"one</TableBucketArn></T></M>",
            {"one"},
            id="metadata-table",
        ),
        pytest.param(b"<R><Bucket>&#111;ne</Bucket></R>", {"one"}, id="character-reference"),
        pytest.param(b"<s:R xmlns:s='urn:x'><s:Bucket>one</s:Bucket></s:R>", {"one"}, id="prefix"),
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
        pytest.param(b"<R><BucketName>foreign<x/>:acme-a</BucketName></R>", id="child"),
        pytest.param(b"<R><Bucket><x/>arn:aws:s3:::one</Bucket></R>", id="child-before"),
        pytest.param(
            b"<M><TableBucketArn>" + TABLES + b"one<x/></TableBucketArn></M>", id="child-of-a-table"
        ),
    ],
)
def test_what_readers_disagree_on_is_refused(body):
    """Two readers that see two buckets are a way past the check."""
    with pytest.raises(RequestError) as caught:
        named_in_body(body)
    assert caught.value.code == "MalformedXML"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"foreign:acme-a", id="colon"),
        pytest.param(b"x:arn:aws:s3:::acme-a", id="before-the-arn"),
        pytest.param(b"arn:aws:s3:::acme-a:b", id="behind-the-arn"),
        pytest.param(b"arn:aws:s3:::acme-a/key", id="key"),
        pytest.param(b"arn:aws:s3:eu-central-1::acme-a", id="region"),
        pytest.param(b"arn:aws:s3::111122223333:acme-a", id="account"),
        pytest.param(b"arn:aws:sqs:::acme-a", id="service"),
        pytest.param(b"arn::s3:::acme-a", id="no-partition"),
        pytest.param(b"arn:AWS:s3:::acme-a", id="capital-partition"),
        pytest.param(b"arn:aws:s3:eu-central-1:111122223333:accesspoint/acme-a", id="access-point"),
        pytest.param(TABLES + b"acme-a", id="table-bucket"),
        pytest.param(b"acme-a-s3alias", id="alias"),
        pytest.param(b"Acme", id="no-name"),
        pytest.param(b"acme-a\nforeign", id="two-lines"),
        pytest.param(b"acme-a&#xA0;", id="blank-that-is-not-xmls"),
    ],
)
@pytest.mark.parametrize("element", [b"Bucket", b"BucketName", b"TargetBucket"])
def test_what_is_no_bucket_is_refused(element, text):
    """I9: a bucket's name or its whole ARN, so that nobody else finds another name in it."""
    with pytest.raises(RequestError) as caught:
        named_in_body(b"<R><%b>%b</%b></R>" % (element, text, element))
    assert caught.value.code == "MalformedXML"
    assert element.decode() in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"acme-a", id="bare-name"),
        pytest.param(b"arn:aws:s3:::acme-a", id="bucket"),
        pytest.param(TABLES, id="no-name"),
        pytest.param(TABLES + b"acme-a/table/1", id="table"),
        pytest.param(b"x" + TABLES + b"acme-a", id="before-the-arn"),
        pytest.param(TABLES.replace(b"bucket", b"table") + b"acme-a", id="another-kind"),
        pytest.param(TABLES.replace(b"1111", b"") + b"acme-a", id="short-account"),
        pytest.param(TABLES.replace(b"eu-central-1", b"") + b"acme-a", id="no-region"),
        pytest.param(TABLES.replace(b"eu-central-1", b"a:b") + b"acme-a", id="colon-in-region"),
    ],
)
def test_what_is_no_table_bucket_is_refused(text):
    """I9: its ARN whole."""
    with pytest.raises(RequestError) as caught:
        named_in_body(b"<M><TableBucketArn>%b</TableBucketArn></M>" % text)
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


def _texts(shape: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The names of the elements of a shape's body that hold text."""
    description = MODEL["shapes"][shape]
    members = description.get("members", {"": description.get("member")})
    for name, target in members.items():
        if target is None or "location" in target or target["shape"] in seen:
            continue
        if MODEL["shapes"][target["shape"]]["type"] not in {"structure", "list"}:
            yield target.get("locationName", name)
        yield from _texts(target["shape"], seen | {shape})


#: Elements of the model that hold no bucket, whatever they are called.
OTHERS = {"BucketAccountId", "BucketKeyEnabled", "RestrictPublicBuckets"}


@pytest.mark.parametrize("operation", [pytest.param(item, id=item.name) for item in operations()])
def test_every_body_that_names_a_bucket_is_read(operation: Operation):
    """I9: a botocore that knows one more turns this red; the gate reads what is gated."""
    shape = MODEL["operations"][operation.name].get("input", {}).get("shape")
    texts = set(_texts(shape)) if shape else set()
    named = {name for name in texts if "bucket" in name.lower()} - OTHERS
    assert named <= ELEMENTS
    assert not named or operation.name in OPERATIONS or operation.is_gated
