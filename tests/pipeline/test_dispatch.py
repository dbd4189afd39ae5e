"""One request from its head to its access event."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.core.errors import FactsUnavailable, RequestError
from gateway.core.ports import Stage as Part
from gateway.core.s3.endpoint import Endpoint
from gateway.core.s3.operations import Group
from gateway.pipeline.dispatch import Head
from tests.support.fake_exchange import FakeExchange, broke_off
from tests.support.fake_time import NOW
from tests.support.fake_upstream import FakeResponse
from tests.support.stage import (
    ANA,
    CONFIGURATION,
    SOURCE,
    TOKEN_KEY,
    Stage,
    by_ana,
    known,
    put_inventory,
)
from tests.support.wire import (
    UNSIGNED,
    UNSIGNED_TRAILER,
    Key,
    Message,
    chunked_upload,
    message,
    presigned,
    presigned_v2,
    signed,
)

GET = message("GET", f"/{SOURCE}/key")
COPY = "x-amz-copy-source"


def put_plain() -> Message:
    """A PUT of a configuration, to be signed."""
    return message("PUT", f"/{SOURCE}?inventory&id=daily", CONFIGURATION)


TOUCHED = ("facts", "credentials", "send", "evaluate", "record")


def untouched(stage: Stage) -> bool:
    """Whether no port but the client's side was used."""
    return not any(call.startswith(TOUCHED) for call in stage.trace)


UNVERIFIED = [
    pytest.param(GET, "AccessDenied", id="anonymous"),
    pytest.param(
        signed(GET, replace(ANA, secret="wrong"), at=NOW), "SignatureDoesNotMatch", id="secret"
    ),
    pytest.param(signed(GET, Key("NOBODY"), at=NOW), "SignatureDoesNotMatch", id="unknown-key"),
    pytest.param(
        replace(presigned(GET, ANA, at=NOW), target="/acme-other/key"), "AccessDenied", id="bare"
    ),
    pytest.param(
        signed(GET, ANA, at=NOW).plus((COPY, "acme-a/b")), "AccessDenied", id="unsigned-copy-source"
    ),
    pytest.param(
        presigned(GET, ANA, at=NOW).plus(("x-amz-acl", "public-read")),
        "AccessDenied",
        id="unsigned-acl-beside-a-presigned-url",
    ),
    pytest.param(
        by_ana(GET).plus(("x-amz-date", "20261120T123058Z")), "BadRequest", id="second-date"
    ),
    pytest.param(
        presigned(by_ana(GET), ANA, at=NOW), "InvalidArgument", id="two-mechanisms"
    ),
    pytest.param(
        GET.plus(("authorization", "AWS AKID:c2ln")), "InvalidRequest", id="sigv2-header"
    ),
    pytest.param(
        replace(GET, target="/b23/k?AWSAccessKeyId=A&Signature=s&Expires=1"),
        "InvalidRequest",
        id="sigv2-query",
    ),
    pytest.param(
        replace(put_inventory(), target=f"/{SOURCE}?inventory&id=other"),
        "SignatureDoesNotMatch",
        id="other-inventory-id",
    ),
    pytest.param(
        chunked_upload(
            f"/{SOURCE}/k", b"data", ANA, at=NOW, mode=UNSIGNED_TRAILER,
            trailer=("x-amz-checksum-crc32", "AAAAAA=="),
        ).plus(("x-amz-meta-a", "b")),
        "AccessDenied",
        id="unsigned-metadata-of-an-upload",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("wire", "code"), UNVERIFIED)
async def test_an_unverified_request_touches_nothing(
    stage: Stage, wire: Message, code: str
) -> None:
    """I1, I2, I3: no look-up, no credential, nothing sent, no byte of the body read."""
    exchange = await stage.dispatch(wire, [b"never read"])
    assert exchange.code == code
    assert untouched(stage)
    assert exchange.reads == 0
    assert len(stage.log.events) == 1


def by_url_v2(plain: Message, key: Key = ANA) -> Message:
    """Presigned with SigV2, good for a minute."""
    return presigned_v2(plain, key, expires=int(NOW.timestamp()) + 60)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_a_sigv2_url_goes_up_as_sigv4(stage: Stage, method: str) -> None:
    """I5: the setting is on; nothing of its authentication reaches S3."""
    stage.sigv2_presigned = True
    body = b"data" if method == "PUT" else b""
    wire = by_url_v2(message(method, f"/{SOURCE}/key", body), TOKEN_KEY)
    assert (await stage.dispatch(wire)).status == 204
    sent = stage.upstream.sent[0]
    assert sent.request.url.endswith(f"amazonaws.com/{SOURCE}/key")
    assert sent.header("x-amz-content-sha256") == UNSIGNED
    assert (sent.header("authorization") or "").startswith("AWS4-HMAC-SHA256 ")
    assert (sent.body, sent.complete) == (body, True)
    assert str(TOKEN_KEY.token) not in f"{sent.request.url} {sent.request.headers}"
    assert stage.log.event["principal"] == "tom"


@pytest.mark.parametrize(
    "target",
    [
        f"/{SOURCE}?inventory&id=daily",
        f"/{SOURCE}/?inventory=&id=daily",
        f"/{SOURCE}/key?inventory&id=daily",
        f"/{SOURCE}?acl",
        f"/{SOURCE}",
        f"/{SOURCE}/key?tagging",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("taken", [True, False])
async def test_sigv2_opens_no_configuration(
    stage: Stage, target: str, method: str, taken: bool
) -> None:
    """I14: it signs neither the id nor the body; the setting makes no difference."""
    stage.sigv2_presigned = taken
    body = CONFIGURATION if method == "PUT" else b""
    exchange = await stage.dispatch(by_url_v2(message(method, target, body)), secure=True)
    assert exchange.code in {"InvalidRequest", "NotImplemented"}
    assert untouched(stage)


@pytest.mark.parametrize("fault", [None, FactsUnavailable("facts_timeout")])
async def test_the_guess_of_a_sigv2_urls_region_is_confined(
    stage: Stage, fault: FactsUnavailable | None
) -> None:
    """I8: where the bucket's Region is not known, the guess is not signed for beyond `regions`."""
    stage.sigv2_presigned = True
    stage.facts.regions, stage.facts.fault = {}, fault
    stage.endpoint = Endpoint("https://s3.{region}.amazonaws.com", regions=("eu-*",))
    assert (await stage.dispatch(by_url_v2(GET))).code == "AccessDenied"
    assert stage.upstream.sent == []
    stage.endpoint = Endpoint("https://s3.{region}.amazonaws.com", regions=("us-*",))
    assert (await stage.dispatch(by_url_v2(GET))).status == 204
    assert stage.upstream.sent[0].request.url.startswith("https://s3.us-east-1.")


async def test_sigv2_is_off_unless_it_is_said(stage: Stage) -> None:
    """A good signature all the same."""
    exchange = await stage.dispatch(by_url_v2(GET))
    assert (exchange.status, exchange.code) == (400, "InvalidRequest")
    assert 'Config(signature_version="s3v4")' in exchange.error["Message"]
    assert untouched(stage)


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(
            signed(message("PUT", f"/{SOURCE}/key", b"data"), ANA, at=NOW, payload=UNSIGNED),
            id="unsigned",
        ),
        pytest.param(
            presigned(message("PUT", f"/{SOURCE}/key", b"data"), ANA, at=NOW), id="presigned"
        ),
        pytest.param(by_url_v2(message("PUT", f"/{SOURCE}/key", b"data")), id="sigv2"),
        pytest.param(
            chunked_upload(
                f"/{SOURCE}/k", b"data", ANA, at=NOW, mode=UNSIGNED_TRAILER,
                trailer=("x-amz-checksum-crc32", "rfPzYw=="),
            ),
            id="unsigned-trailer",
        ),
        pytest.param(presigned(put_plain(), ANA, at=NOW), id="configuration"),
    ],
)  # fmt: skip
async def test_a_principal_may_have_to_sign_its_bodies(stage: Stage, wire: Message) -> None:
    """Over TLS as well: refused before anything is asked of anybody, and before the body is."""
    stage.sigv2_presigned = True
    key = known()
    stage.store.add(replace(key, principal=replace(key.principal, unsigned_payload=False)))
    exchange = await stage.dispatch(wire, secure=True)
    assert (exchange.status, exchange.code) == (403, "AccessDenied")
    assert "unsigned_payload" in exchange.error["Message"]
    assert untouched(stage)
    assert exchange.reads == 0
    stage.store.add(key)
    assert (await stage.dispatch(wire, secure=True)).status == 204


async def test_unsigned_headers_are_named(stage: Stage) -> None:
    """I3: as S3 does."""
    exchange = await stage.dispatch(
        by_ana(GET).plus((COPY, "acme-a/b"), ("x-amz-acl", "public-read"))
    )
    assert exchange.error["HeadersNotSigned"] == "x-amz-acl, x-amz-copy-source"


async def test_all_lines_of_a_signed_header_count(stage: Stage) -> None:
    """I4: a second line after signing breaks the signature."""
    plain = message("GET", f"/{SOURCE}/key", headers=[("x-amz-meta-a", "1")])
    wire = by_ana(plain).plus(("x-amz-meta-a", "2"))
    assert (await stage.dispatch(wire)).code == "SignatureDoesNotMatch"
    twice = message("GET", f"/{SOURCE}/key", headers=[("x-amz-meta-a", "1"), ("x-amz-meta-a", "2")])
    stage.upstream.answers.append(FakeResponse(200))
    assert (await stage.dispatch(by_ana(twice))).status == 200
    lines = [value for name, value in stage.upstream.sent[0].request.headers if "meta" in name]
    assert lines == ["1", "2"]


async def test_unknown_key_and_wrong_secret_answer_alike(stage: Stage) -> None:
    """I6: status, headers and document are the same but for the ids."""
    texts = []
    for key in (replace(ANA, secret="wrong"), Key("GWNOBODY")):
        exchange = await stage.dispatch(signed(GET, key, at=NOW))
        names = [name for name, _ in exchange.headers]
        members = {k: v for k, v in exchange.error.items() if k not in {"RequestId", "HostId"}}
        texts.append((exchange.status, names, members))
    assert texts[0] == texts[1]
    first, second = stage.log.events
    assert {**first, "access_key_id": "", "request_id": ""} == {
        **second,
        "access_key_id": "",
        "request_id": "",
    }


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(signed(GET, TOKEN_KEY, at=NOW), id="header"),
        pytest.param(presigned(GET, TOKEN_KEY, at=NOW), id="query"),
    ],
)
async def test_a_session_token_that_is_known_is_taken(stage: Stage, wire: Message) -> None:
    """And stays here."""
    stage.upstream.answers.append(FakeResponse(200))
    assert (await stage.dispatch(wire)).status == 200
    sent = stage.upstream.sent[0].request
    assert str(TOKEN_KEY.token) not in f"{sent.url} {sent.headers}"  # headers are in no repr


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(by_ana(message("GET", "/foreign/key")), id="path"),
        pytest.param(
            by_ana(message("PUT", f"/{SOURCE}/k", headers=[(COPY, "/foreign/k")])), id="header"
        ),
        pytest.param(
            presigned(message("PUT", f"/{SOURCE}/k?x-amz-copy-source=foreign%2Fk"), ANA, at=NOW),
            id="presigned-query",
        ),
        pytest.param(put_inventory(bucket="foreign"), id="inventory-of-a-foreign-bucket"),
        pytest.param(
            by_ana(message("DELETE", "/foreign?inventory&id=daily")), id="inventory-removal"
        ),
    ],
)
async def test_a_foreign_bucket_is_not_even_looked_up(stage: Stage, wire: Message) -> None:
    """I9: confinement comes before the first call."""
    exchange = await stage.dispatch(wire)
    assert (exchange.status, exchange.code) == (403, "AccessDenied")
    assert "'foreign'" in exchange.error["Message"]
    assert untouched(stage)


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        (by_ana(message("PUT", f"/{SOURCE}?analytics&id=a", b"<x/>")), 403),
        (by_ana(message("GET", f"/{SOURCE}?session")), 501),
        (by_ana(message("GET", f"/{SOURCE}/?session=", host="localhost")), 501),
        (by_ana(message("GET", "/?session", host=f"{SOURCE}.s3.example.org")), 501),
        (by_ana(message("POST", "/WriteGetObjectResponse", b"x")), 400),
        (
            by_ana(
                message("POST", "/WriteGetObjectResponse", b"x", host=f"{SOURCE}.s3.example.org")
            ),
            501,
        ),
        (by_ana(message("PUT", "/", b"x")), 501),
        (by_ana(message("POST", "/", b"x")), 501),
        (by_ana(message("OPTIONS", f"/{SOURCE}/key")), 501),
        (by_ana(message("PUT", f"/{SOURCE}?session", b"x")), 501),
        (by_ana(message("POST", f"/{SOURCE}", b"form")), 501),
        (by_ana(message("PATCH", f"/{SOURCE}/key", b"x")), 501),
        (by_ana(message("DELETE", f"/{SOURCE}")), 403),
    ],
)
async def test_what_is_not_granted_is_not_signed(stage: Stage, wire: Message, status: int) -> None:
    """I10: refused before credentials are asked for."""
    exchange = await stage.dispatch(wire)
    assert exchange.status == status
    assert untouched(stage)


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("?Inventory&id=daily", "InvalidArgument"),
        ("?%69nventory&id=daily", "InvalidArgument"),
        ("?inventory&inventory&id=daily", "InvalidArgument"),
        ("?inventory&acl&id=daily", "InvalidArgument"),
        ("?inventory&id=daily&id=other", "InvalidArgument"),
        ("?inventory&id=daily&foo=bar", "InvalidArgument"),
        ("?inventory;id=daily", "InvalidArgument"),
        ("?inventory", "InvalidArgument"),
        ("/a/../b?inventory&id=daily", "InvalidURI"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_doubtful_inventory_is_never_relayed(
    stage: Stage, method: str, target: str, code: str
) -> None:
    """I14: not even for one who may administer the bucket."""
    stage.store.add(known(buckets=["*"], groups=Group))
    exchange = await stage.dispatch(by_ana(message(method, f"/{SOURCE}{target}")))
    assert (exchange.status, exchange.code) == (400, code)
    assert untouched(stage)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_a_body_where_none_belongs_is_refused(stage: Stage, method: str) -> None:
    """It would be forwarded as the start of another request, or dropped."""
    exchange = await stage.dispatch(by_ana(message(method, f"/{SOURCE}/key", b"x")))
    assert (exchange.status, exchange.reads) == (400, 0)
    assert untouched(stage)


async def test_an_undeclared_payload_is_read_and_verified(stage: Stage) -> None:
    """As older curl signs: the body's hash is in the signature only."""
    plain = message("PUT", f"/{SOURCE}/key", b"data")
    wire = signed(plain, ANA, at=NOW, declare=False)
    assert (await stage.dispatch(wire)).status == 204
    assert stage.upstream.sent[0].body == b"data"
    tampered = await stage.dispatch(replace(wire, body=b"DATA"))
    assert tampered.code == "SignatureDoesNotMatch"
    assert len(stage.upstream.sent) == 1


async def test_an_undeclared_payload_is_bounded(stage: Stage) -> None:
    """I25: it has to be held, so it has to be small."""
    plain = message("PUT", f"/{SOURCE}/key", b"x" * 70_000)
    exchange = await stage.dispatch(signed(plain, ANA, at=NOW, declare=False))
    assert (exchange.code, exchange.reads) == ("EntityTooLarge", 0)


# --- the answer to an error -----------------------------------------------------------------------


async def test_an_error_is_an_s3_document(stage: Stage) -> None:
    """Root Error, ids last and in the headers, Retry-After and Allow where they belong."""
    exchange = await stage.dispatch(by_ana(message("POST", f"/{SOURCE}?inventory", b"x")))
    assert exchange.status == 405
    assert exchange.headers == [
        ("content-type", "application/xml"),
        ("x-amz-request-id", "request-1"),
        ("x-amz-id-2", "host-1"),
        ("Allow", "DELETE, GET, PUT"),
    ]
    assert list(exchange.error) == [
        "Code",
        "Message",
        "Method",
        "ResourceType",
        "RequestId",
        "HostId",
    ]
    assert exchange.error["RequestId"] == "request-1"


async def test_an_error_to_head_is_a_head(stage: Stage) -> None:
    """No body, the same headers."""
    exchange = await stage.dispatch(message("HEAD", f"/{SOURCE}/key"))
    assert (exchange.status, exchange.body) == (403, b"")
    assert exchange.header("x-amz-request-id") == "request-1"
    assert stage.log.event["bytes_out"] == 0


async def test_hostile_names_do_not_break_the_document(stage: Stage) -> None:
    """I26: what the client wrote is escaped."""
    wire = message("PUT", f"/{SOURCE}?inventory&id=%3C%26%22%3E%0B&%3Cb%3E=1")
    exchange = await stage.dispatch(by_ana(wire))
    assert exchange.error["ArgumentName"] == "<b>"


async def test_a_bug_is_a_500_with_its_id(stage: Stage) -> None:
    """I26: the stack is for the log, the id for both."""
    stage.engine.answer = None
    stage.engine.fault = ZeroDivisionError("secret detail")  # type: ignore[assignment]
    exchange = await stage.dispatch(put_inventory())
    assert (exchange.status, exchange.code) == (500, "InternalError")
    assert exchange.error["RequestId"] == "request-1"
    assert b"secret detail" not in exchange.body
    assert stage.log.faults == [
        {
            "message": "internal error",
            "exception": "ZeroDivisionError",
            "request_id": "request-1",
        }
    ]
    assert stage.upstream.sent == []


async def test_a_bug_after_the_first_byte_breaks_the_connection(stage: Stage) -> None:
    """I22: no error document in the middle of an object."""
    stage.upstream.answers.append(
        FakeResponse(200, (), [b"abc"], ZeroDivisionError())  # type: ignore[arg-type]
    )
    exchange = await stage.dispatch(by_ana(GET))
    assert (exchange.aborted, exchange.body) == (True, b"abc")
    assert stage.log.event["status"] == 200


@pytest.mark.parametrize(
    ("wire", "gone_after"),
    [(GET, 0), (by_ana(GET), 0), (put_inventory(), 0)],
    ids=["error", "relayed", "gated"],
)
async def test_a_client_that_has_gone_is_noted(
    stage: Stage, wire: Message, gone_after: int
) -> None:
    """One access event all the same, and the connection is dropped."""
    exchange = await stage.dispatch(wire, gone_after=gone_after)
    assert exchange.aborted
    assert len(stage.log.events) == 1


async def test_a_decision_stands_when_the_client_has_gone(stage: Stage) -> None:
    """I16: record and outcome are there, though nobody read the answer."""
    await stage.dispatch(put_inventory(), gone_after=0)
    assert stage.journal.outcome.kind == "forwarded"
    assert stage.log.event["error"] == "ClientDisconnected"


async def test_a_cancelled_request_has_its_event(stage: Stage) -> None:
    """Shutting down cuts it short; what is known is logged."""
    stage.upstream.answers.append(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await stage.dispatch(by_ana(GET))
    assert stage.log.event["status"] == 0


async def test_a_cancelled_put_has_its_outcome(stage: Stage) -> None:
    """I17: S3 may have acted, so nobody knows; the allow stands with that outcome."""
    stage.upstream.answers.append(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await stage.dispatch(put_inventory())
    assert stage.journal.only.allow
    assert stage.journal.outcome.kind == "unknown"


# --- the access event -----------------------------------------------------------------------------


async def test_the_event_of_a_relayed_request(stage: Stage) -> None:
    """Who, what, where, how it ended, how long it took."""
    stage.upstream.answers.append(FakeResponse(200, (("x-amz-request-id", "UP1"),), [b"abc"]))
    await stage.dispatch(by_ana(GET), remote="192.0.2.7")
    assert stage.log.event == {
        "request_id": "request-1",
        "remote": "192.0.2.7",
        "method": "GET",
        "operation": "GetObject",
        "bucket": SOURCE,
        "key": "key",
        "principal": "ana",
        "access_key_id": ANA.access_key_id,
        "status": 200,
        "bytes_out": 3,
        "duration_ms": 1000.0,  # the watch is read at the start, once verified, and at the end
        "upstream_request_id": "UP1",
    }


async def test_a_request_is_counted_once_at_its_end(stage: Stage) -> None:
    """By operation, group, status and bucket; its verification for itself."""
    stage.upstream.answers.append(FakeResponse(200, (), [b"abc"]))
    await stage.dispatch(by_ana(GET))
    assert stage.metrics.requests == [("GetObject", "objects", 200, 1.0, SOURCE)]
    assert stage.metrics.stages == [(Part.VERIFICATION, 0.5)]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (message("GET", "http://evil/"), ("", "", 400, "")),
        (message("GET", f"/{SOURCE}/key"), ("GetObject", "objects", 403, "")),
        (by_ana(message("GET", "/others/key")), ("GetObject", "objects", 403, "")),
        (by_ana(message("PUT", f"/{SOURCE}?acl")), ("PutBucketAcl", "bucket-admin", 403, "")),
    ],
    ids=["unread", "anonymous", "another's-bucket", "another-group"],
)
async def test_what_is_refused_is_counted_without_its_bucket(
    stage: Stage, request_: Message, expected: tuple[str, str, int, str]
) -> None:
    """Names that strangers make up are without number; a client's own are not."""
    await stage.dispatch(request_)
    ((operation, group, status, _, bucket),) = stage.metrics.requests
    assert (operation, group, status, bucket) == expected
    assert stage.metrics.stages == []


async def test_what_the_listener_could_not_parse_is_counted(stage: Stage) -> None:
    """As a request of no operation."""
    exchange = FakeExchange([], stage.trace)
    error = RequestError("BadRequest", "not HTTP")
    await stage.dispatcher.reject(Head("", "", ()), error, exchange)
    assert stage.metrics.requests == [("", "", 400, 0.0, "")]


async def test_the_event_of_a_request_that_could_not_be_read(stage: Stage) -> None:
    """What is not known is empty."""
    exchange = await stage.dispatch(message("GET", "http://evil/"))
    assert exchange.code == "InvalidURI"
    event = stage.log.event
    assert (event["operation"], event["bucket"], event["key"], event["principal"]) == ("",) * 4
    assert event["error"] == "InvalidURI"


async def test_the_event_of_a_bucket_has_no_key(stage: Stage) -> None:
    """And names the bucket."""
    await stage.dispatch(by_ana(message("GET", f"/{SOURCE}?list-type=2")))
    assert (stage.log.event["bucket"], stage.log.event["key"]) == (SOURCE, "")


@pytest.mark.parametrize("sign", [signed, presigned], ids=["header", "query"])
@pytest.mark.parametrize(
    ("name", "key_id", "region"),
    [
        pytest.param("n" * 4000, "GWNOBODY", "eu-central-1", id="signed-headers"),
        pytest.param("x-n", "K" * 4000, "eu-central-1", id="access-key-id"),
        pytest.param("x-n", "GWNOBODY", "a" * 4000 + "-1", id="region"),
    ],
)
async def test_nothing_long_of_a_stranger_is_remembered(
    stage: Stage, sign: Callable[..., Message], name: str, key_id: str, region: str
) -> None:
    """I25: what speeds up clients must not let others fill the memory."""
    modules = [module for path, module in sys.modules.items() if path.startswith("gateway.core")]
    found = [each for module in modules for each in vars(module).values()]
    counts = [each.cache_info for each in found if hasattr(each, "cache_info")]
    assert len(counts) > 5

    async def remembered(name: str, key_id: str, region: str) -> int:
        wire = message("GET", "/acme-orders/key", headers=[(name, "v")])
        exchange = await stage.dispatch(sign(wire, Key(key_id), at=NOW, region=region))
        assert exchange.status in {400, 403}
        return sum(info().currsize for info in counts)

    before = await remembered("x-n", "GWNOBODY", "eu-central-1")
    for _ in range(3):
        name, key_id = f"{name}n" if len(name) > 9 else name, key_id.replace("KK", "KKK", 1)
        region = region.replace("aa", "aaa", 1)
        assert await remembered(name, key_id, region) == before


async def test_hostile_text_is_one_bounded_line(stage: Stage) -> None:
    """I19: control characters become question marks, and long names are cut."""
    await stage.dispatch(message("M" * 50, f"/{SOURCE}/%0D%0Aevil%1b" + "a" * 900))
    event = stage.log.event
    assert event["method"] == "M" * 20
    assert str(event["key"]).startswith("??evil?aaa")
    long = Key("K" * 200)
    await stage.dispatch(signed(GET, long, at=NOW))
    assert stage.log.events[1]["access_key_id"] == "K" * 128


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(by_ana(GET), id="header"),
        pytest.param(presigned(GET, TOKEN_KEY, at=NOW), id="query"),
        pytest.param(signed(GET, replace(ANA, secret="wrong"), at=NOW), id="refused"),
        pytest.param(presigned(GET, replace(TOKEN_KEY, token="other"), at=NOW), id="token"),
        pytest.param(put_inventory(), id="gated"),
        pytest.param(put_inventory(b"<x/>"), id="malformed"),
    ],
)
async def test_no_secret_reaches_log_record_or_answer(stage: Stage, wire: Message) -> None:
    """I5, I19: secret keys, signatures, tokens and Authorization stay out of all that is kept."""
    exchange = await stage.dispatch(wire)
    kept = repr(
        [stage.log.events, stage.log.faults, stage.log.decisions, stage.journal.records]
    ) + repr([exchange.headers, exchange.body])
    authorization = dict(wire.lines).get("authorization", "")
    signature = (authorization or wire.target).rpartition("Signature=")[2]
    secrets = [signature, ANA.secret, TOKEN_KEY.secret, str(TOKEN_KEY.token), "AWS4-HMAC"]
    secrets += [stage.credentials.credential.secret_access_key, "upstream/token=="]
    assert [secret for secret in secrets if secret in kept] == []


async def test_what_is_not_http_gets_a_document_and_an_event(stage: Stage) -> None:
    """The listener could not parse it."""
    exchange = FakeExchange(trace=stage.trace)
    error = RequestError("BadRequest", "it is not valid HTTP/1.1")
    await stage.dispatcher.reject(Head("", "", (), "192.0.2.7"), error, exchange)
    assert (exchange.status, exchange.code) == (400, "BadRequest")
    assert stage.trace == ["answer 400", "access 400"]
    assert (stage.log.event["remote"], stage.log.event["error"]) == ("192.0.2.7", "BadRequest")


async def test_a_body_that_breaks_off_is_the_clients_fault(stage: Stage) -> None:
    """400 for the client, nothing for the operator."""
    await stage.dispatch(put_inventory(), [broke_off()])
    assert stage.log.event["error"] == "IncompleteBody"
    assert stage.log.faults == []
