"""The list of buckets: read strictly, written anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.s3.bucket_list import (
    BucketPage,
    ListedBucket,
    read_bucket_page,
    write_bucket_list,
)

XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
A = ListedBucket("a", (("CreationDate", "2026-01-01T00:00:00.000Z"), ("BucketRegion", "us-west-2")))
B = ListedBucket("b", ())
OWNER = (("ID", "0a1b"), ("DisplayName", "Team <& co>"))


def document(inner: str, attributes: str = XMLNS) -> bytes:
    """A list as S3 writes it."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ListAllMyBucketsResult {attributes}>{inner}'
        "</ListAllMyBucketsResult>"
    ).encode()


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param("<Buckets/>", BucketPage((), (), ""), id="empty"),
        pytest.param(
            "<Owner><DisplayName>Team &lt;&amp; co&gt;</DisplayName><ID>0a1b</ID></Owner>"
            "<Buckets><Bucket><Name>a</Name><BucketRegion>us-west-2</BucketRegion>"
            "<CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>"
            "<Bucket><Name>b</Name></Bucket></Buckets>"
            "<ContinuationToken>t==</ContinuationToken><Prefix>p</Prefix>",
            BucketPage((A, B), OWNER, "t=="),
            id="whole",
        ),
        pytest.param(
            "<Buckets>\n <Bucket>\n <Name>b</Name>\n </Bucket>\n</Buckets>",
            BucketPage((B,), (), ""),
            id="pretty",
        ),
        pytest.param(
            "<Buckets><Bucket><Name>b</Name><New>secret</New></Bucket><Other>c</Other></Buckets>"
            "<More><Bucket><Name>c</Name></Bucket></More>",
            BucketPage((B,), (), ""),
            id="unknown-elements-are-dropped",
        ),
        pytest.param("<Buckets/><Owner/>", BucketPage((), (), ""), id="empty-owner"),
    ],
)
def test_a_page_is_read(inner: str, expected: BucketPage) -> None:
    """What is known of it, and nothing else."""
    assert read_bucket_page(document(inner)) == expected


@pytest.mark.parametrize("attributes", ["", XMLNS, 'xmlns="urn:another"'])
def test_the_namespace_may_be_any(attributes: str) -> None:
    """Other servers leave it out."""
    assert read_bucket_page(document("<Buckets/>", attributes)).buckets == ()


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<Error><Code>x</Code></Error>", id="another-root"),
        pytest.param(document(""), id="no-buckets"),
        pytest.param(document("<Buckets/><Buckets/>"), id="two-lists"),
        pytest.param(document("<Buckets><Bucket/></Buckets>"), id="no-name"),
        pytest.param(document("<Buckets><Bucket><Name/></Bucket></Buckets>"), id="empty-name"),
        pytest.param(
            document("<Buckets><Bucket><Name>a</Name><Name>b</Name></Bucket></Buckets>"),
            id="two-names",
        ),
        pytest.param(
            document(
                '<Buckets><Bucket><Name>a</Name><x:Name xmlns:x="u">b</x:Name></Bucket></Buckets>'
            ),
            id="two-names-in-two-namespaces",
        ),
        pytest.param(
            document("<Buckets><Bucket><Name>a<b/>c</Name></Bucket></Buckets>"), id="split-name"
        ),
        pytest.param(
            document("<Buckets/><ContinuationToken>a<b/></ContinuationToken>"), id="split-token"
        ),
        pytest.param(
            document("<Buckets><Bucket><Name>a<!-- -->b</Name></Bucket></Buckets>"), id="comment"
        ),
        pytest.param(document("<Buckets>")[:-10], id="cut-short"),
        pytest.param(b'{"Buckets": []}', id="json"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(page: bytes) -> None:
    """A name that is not seen is a name that is passed on."""
    with pytest.raises(ValueError, match=r"\w"):
        read_bucket_page(page)


@given(st.binary(max_size=200) | st.text(max_size=100).map(document))
def test_no_page_does_more_than_be_refused(page: bytes) -> None:
    """I26."""
    try:
        read_bucket_page(page)
    except ValueError:
        return
    assert b"<Buckets" in page


def test_a_list_is_written_as_s3_writes_it() -> None:
    """With what was asked for, and no more."""
    written = write_bucket_list([A, B], OWNER, prefix="p&", token="b")
    assert written == document(
        "<Owner><ID>0a1b</ID><DisplayName>Team &lt;&amp; co&gt;</DisplayName></Owner><Buckets>"
        "<Bucket><Name>a</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate>"
        "<BucketRegion>us-west-2</BucketRegion></Bucket><Bucket><Name>b</Name></Bucket></Buckets>"
        "<ContinuationToken>b</ContinuationToken><Prefix>p&amp;</Prefix>"
    )
    assert read_bucket_page(written) == BucketPage((A, B), OWNER, "b")


def test_an_empty_list_is_one() -> None:
    """For a principal that may see nothing."""
    assert write_bucket_list([], (), prefix=None, token="") == document("<Buckets></Buckets>")
