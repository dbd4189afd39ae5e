"""ListBuckets for principals that may see some buckets only."""

from xml.etree import ElementTree as ET

import pytest

from gateway.core.errors import UpstreamUnavailable
from gateway.core.s3.endpoint import Endpoint
from tests.support.fake_exchange import FakeExchange
from tests.support.fake_time import NOW
from tests.support.fake_upstream import FakeResponse
from tests.support.stage import ANA, Stage, by_ana, known
from tests.support.wire import EMPTY, message, presigned

NS = "{http://s3.amazonaws.com/doc/2006-03-01/}"
LIST = by_ana(message("GET", "/"))
HEADERS = (
    ("x-amz-request-id", "UP1"),
    ("content-length", "9"),
    ("content-type", "text/plain"),
    ("etag", '"of all"'),
    ("set-cookie", "c=1"),
)


def page(*names: str, token: str = "", headers: tuple[tuple[str, str], ...] = ()) -> FakeResponse:
    """One page of S3's list."""
    buckets = "".join(
        f"<Bucket><Name>{name}</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate>"
        f"<BucketArn>arn:aws:s3:::{name}</BucketArn></Bucket>"
        for name in names
    )
    more = f"<ContinuationToken>{token}</ContinuationToken>" if token else ""
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner>'
        f"<ID>0a1b</ID></Owner><Buckets>{buckets}</Buckets>{more}</ListAllMyBucketsResult>"
    )
    return FakeResponse(200, (*HEADERS, *headers), [text.encode()])


def names(exchange: FakeExchange) -> list[str | None]:
    """The buckets of an answer."""
    return [name.text for name in ET.fromstring(exchange.body).iter(f"{NS}Name")]  # noqa: S314


def token(exchange: FakeExchange) -> str | None:
    """What leads on."""
    return ET.fromstring(exchange.body).findtext(f"{NS}ContinuationToken")  # noqa: S314


async def test_a_principal_sees_its_own_buckets(stage: Stage) -> None:
    """I9: nothing in the answer tells of another: no name, ARN, tag or length."""
    stage.upstream.answers.append(page("acme-a", "evil", "xacme-b", "acme-c", "ACME-D"))
    exchange = await stage.dispatch(LIST)
    assert (exchange.status, names(exchange), token(exchange)) == (200, ["acme-a", "acme-c"], None)
    assert exchange.headers == [("x-amz-request-id", "UP1"), ("content-type", "application/xml")]
    assert not any(word in exchange.body for word in (b"evil", b"xacme", b"ACME"))
    assert b"<Owner><ID>0a1b</ID></Owner>" in exchange.body
    event = stage.log.event
    assert (event["status"], event["bytes_out"]) == (200, len(exchange.body))
    assert (event["operation"], event["upstream_request_id"]) == ("ListBuckets", "UP1")


async def test_s3_is_asked_for_its_own_page(stage: Stage) -> None:
    """I5, I7: signed anew with nothing of the client's head but the filters."""
    stage.upstream.answers.append(page())
    plain = message(
        "GET",
        "/?x-id=ListBuckets&prefix=a%2B&max-buckets=2&bucket-region=eu-central-1",
        headers=[("x-amz-meta-a", "b"), ("accept-encoding", "gzip")],
    )
    await stage.dispatch(presigned(plain, ANA, at=NOW))
    sent = stage.upstream.sent[0]
    assert sent.request.url == (
        "https://s3.eu-central-1.amazonaws.com/"
        "?x-id=ListBuckets&prefix=a%2B&bucket-region=eu-central-1&max-buckets=1000"
    )
    assert set(dict(sent.request.headers)) == {
        "host",
        "x-amz-date",
        "x-amz-content-sha256",
        "x-amz-security-token",
        "authorization",
    }
    assert sent.header("x-amz-content-sha256") == EMPTY
    assert stage.credentials.asked[0].name == "ana"
    assert stage.facts.asked == []


async def test_a_configured_region_is_asked(stage: Stage) -> None:
    """One endpoint, one Region."""
    stage.endpoint = Endpoint("http://minio:9000", "us-west-2")
    stage.upstream.answers.append(page())
    await stage.dispatch(LIST)
    assert "/us-west-2/s3/" in (stage.upstream.sent[0].header("authorization") or "")


async def test_all_pages_are_read(stage: Stage) -> None:
    """The token of some servers is the name of a bucket: it stays here."""
    stage.upstream.answers += [page("acme-b", "secret", token="secret&amp;"), page("acme-a")]
    exchange = await stage.dispatch(LIST)
    assert names(exchange) == ["acme-a", "acme-b"]
    assert b"secret" not in exchange.body
    assert stage.upstream.sent[1].request.url.endswith(
        "max-buckets=1000&continuation-token=secret%26"
    )


@pytest.mark.parametrize(
    ("query", "expected", "following"),
    [
        pytest.param("max-buckets=2", ["acme-1", "acme-2"], "acme-2", id="first"),
        pytest.param(
            "max-buckets=2&continuation-token=acme-2", ["acme-3", "acme-4"], None, id="last"
        ),
        pytest.param("continuation-token=acme-3", ["acme-4"], None, id="rest"),
        pytest.param(
            "max-buckets=4", ["acme-1", "acme-2", "acme-3", "acme-4"], None, id="just-all"
        ),
        pytest.param("max-buckets=10000&continuation-token=z", [], None, id="behind-the-end"),
        pytest.param(
            "continuation-token=", ["acme-1", "acme-2", "acme-3", "acme-4"], None, id="none"
        ),
    ],
)
async def test_pages_are_of_what_may_be_seen(
    stage: Stage, query: str, expected: list[str], following: str | None
) -> None:
    """As long as asked for, however many are left out between."""
    stage.upstream.answers.append(page("acme-1", "b", "acme-2", "c", "acme-3", "acme-4", "d"))
    exchange = await stage.dispatch(by_ana(message("GET", f"/?{query}")))
    assert (names(exchange), token(exchange)) == (expected, following)
    assert "acme" not in stage.upstream.sent[0].request.url


async def test_the_prefix_is_echoed(stage: Stage) -> None:
    """S3 filters by it, and says so."""
    stage.upstream.answers.append(page("acme-1"))
    exchange = await stage.dispatch(by_ana(message("GET", "/?prefix=acme%26")))
    assert b"<Prefix>acme&amp;</Prefix>" in exchange.body


@pytest.mark.parametrize(
    "query",
    ["max-buckets=0", "max-buckets=10001", "max-buckets=1e3", "max-buckets=", "max-buckets=-1",
     "max-buckets=%C2%B2", "max-buckets=1000000", "max-buckets=1&max-buckets=2",
     "max-buckets=0000001" + "9" * 4400, "max-buckets=010",
     "continuation-token=a&continuation-token=b", "prefix=a&prefix=b", "prefix=%01"],
)  # fmt: skip
async def test_a_page_that_is_none_is_refused(stage: Stage, query: str) -> None:
    """In S3's words, before it is asked."""
    exchange = await stage.dispatch(by_ana(message("GET", f"/?{query}")))
    assert (exchange.status, exchange.code) == (400, "InvalidArgument")
    assert stage.upstream.sent == []


@pytest.mark.parametrize(
    ("answered", "reason"),
    [
        pytest.param(page("acme-a", headers=(("content-encoding", "gzip"),)), "answer_malformed",
                     id="encoded"),
        pytest.param(FakeResponse(200, (), [b"acme-a evil"]), "answer_malformed", id="no-list"),
        pytest.param(FakeResponse(200, (), [b""]), "answer_malformed", id="nothing"),
        pytest.param(FakeResponse(200, (), [b"x" * (1 << 20), b"x"]), "answer_too_large",
                     id="large"),
        pytest.param(
            FakeResponse(200, (), [b"<List"], UpstreamUnavailable("body_broke_off")),
            "body_broke_off",
            id="broken-off",
        ),
        pytest.param(FakeResponse(307, (("location", "https://evil/"),)), "upstream_redirect",
                     id="redirect"),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_not_passed_on(
    stage: Stage, answered: FakeResponse, reason: str
) -> None:
    """Never unfiltered: a 502 instead."""
    stage.upstream.answers.append(answered)
    exchange = await stage.dispatch(LIST)
    assert (exchange.status, exchange.code) == (502, "ServiceUnavailable")
    assert b"evil" not in exchange.body
    assert stage.log.event["reason"] == reason


async def test_an_identity_encoding_is_none(stage: Stage) -> None:
    """Some servers say so."""
    stage.upstream.answers.append(page("acme-a", headers=(("content-encoding", "identity"),)))
    assert names(await stage.dispatch(LIST)) == ["acme-a"]


async def test_a_list_without_end_is_broken_off(stage: Stage) -> None:
    """I25: a server that always has another page keeps nobody for ever."""
    stage.upstream.answers += [page("acme-a", token="t") for _ in range(200)]
    exchange = await stage.dispatch(LIST)
    assert (exchange.status, len(stage.upstream.sent)) == (502, 100)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [(403, "AccessDenied", 403), (503, "SlowDown", 503), (403, "InvalidAccessKeyId", 503)],
)
async def test_an_error_of_s3_is_passed_on(
    stage: Stage, status: int, code: str, expected: int
) -> None:
    """But for those about the gateway's own credentials."""
    document = f"<Error><Code>{code}</Code></Error>".encode()
    stage.upstream.answers.append(FakeResponse(status, (), [document]))
    exchange = await stage.dispatch(LIST)
    assert exchange.status == expected
    assert (exchange.body == document) == (status == expected)


async def test_one_who_may_use_all_gets_the_list_untouched(stage: Stage) -> None:
    """I24: not even read."""
    stage.store.add(known(buckets=["acme-*", "*"]))
    stage.upstream.answers.append(FakeResponse(200, (("content-length", "4"),), [b"<a/>"]))
    exchange = await stage.dispatch(by_ana(message("GET", "/?max-buckets=7")))
    assert (exchange.status, exchange.body) == (200, b"<a/>")
    assert stage.upstream.sent[0].request.url.endswith("/?max-buckets=7")


async def test_head_of_the_service_is_no_operation(stage: Stage) -> None:
    """I10: its length would tell, too."""
    exchange = await stage.dispatch(by_ana(message("HEAD", "/")))
    assert (exchange.status, stage.upstream.sent) == (501, [])
