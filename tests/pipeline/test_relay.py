"""Pass-through: re-sign, stream up, stream back."""

import asyncio
import re
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.errors import (
    CredentialsUnavailable,
    FactsUnavailable,
    RequestError,
    UpstreamUnavailable,
)
from gateway.core.s3.endpoint import Endpoint
from gateway.core.s3.operations import Group
from gateway.core.sigv4.chunked import SMALLEST_CHUNK
from tests.support.fake_exchange import broke_off
from tests.support.fake_time import NOW
from tests.support.fake_upstream import FakeResponse, Sent
from tests.support.fake_upstream_credentials import UPSTREAM
from tests.support.stage import ANA, SOURCE, TOKEN_KEY, Stage, by_ana, known
from tests.support.strategies import CHECKSUMS
from tests.support.wire import (
    CHUNKED_MODES,
    EMPTY,
    FRAMINGS,
    SIGNED_CHUNKS,
    UNSIGNED,
    UNSIGNED_TRAILER,
    Message,
    chunked_upload,
    in_framing,
    message,
    presigned,
    signed,
)

GET = by_ana(message("GET", f"/{SOURCE}/a%20key?versionId=7"))
PUT = by_ana(message("PUT", f"/{SOURCE}/key", b"data"))
S3 = "https://s3.eu-central-1.amazonaws.com"


async def test_a_read_is_signed_anew_and_streamed(stage: Stage) -> None:
    """I1: facts, credentials, S3, and every piece as it comes."""
    stage.upstream.answers.append(
        FakeResponse(200, (("content-length", "6"), ("etag", '"e"')), [b"abc", b"def"])
    )
    exchange = await stage.dispatch(GET)
    assert stage.trace == [
        f"facts {SOURCE}",
        "credentials ana",
        "send GET",
        "start 200",
        "finish",
        "access 200",
    ]
    assert (exchange.status, exchange.body) == (200, b"abcdef")
    assert exchange.headers == [("content-length", "6"), ("etag", '"e"')]
    assert stage.log.event["bytes_out"] == 6
    assert stage.upstream.open == 0


@pytest.mark.parametrize(
    ("target", "host", "expected"),
    [
        (f"/{SOURCE}/a%20key?versionId=7", "localhost", f"/{SOURCE}/a%20key?versionId=7"),
        (f"/{SOURCE}//a/./b/%2e%2E/%2F", "localhost", f"/{SOURCE}//a/./b/%2e%2E/%2F"),
        (f"/{SOURCE}/%c3%bc+%2B", "localhost", f"/{SOURCE}/%c3%bc+%2B"),
        (f"/{SOURCE}/", "localhost", f"/{SOURCE}"),
        (f"/{SOURCE}?list-type=2&prefix=a%2Fb", "localhost", f"/{SOURCE}?list-type=2&prefix=a%2Fb"),
        ("/a/b", f"{SOURCE}.s3.example.org", f"/{SOURCE}/a/b"),
        ("/", f"{SOURCE}.s3.example.org", f"/{SOURCE}"),
    ],
)
async def test_the_key_goes_up_as_it_arrived(
    stage: Stage, target: str, host: str, expected: str
) -> None:
    """I7: never normalised, never encoded anew."""
    await stage.dispatch(by_ana(message("GET", target, host=host)))
    assert stage.upstream.sent[0].request.url == S3 + expected


async def test_presign_parameters_stay_here(stage: Stage) -> None:
    """I5: the rest of the query goes up in its order."""
    wire = presigned(
        message("GET", f"/{SOURCE}/key?versionId=7&response-content-type=a%2Fb"),
        TOKEN_KEY,
        at=NOW,
    )
    await stage.dispatch(wire)
    sent = stage.upstream.sent[0]
    assert sent.request.url == f"{S3}/{SOURCE}/key?versionId=7&response-content-type=a%2Fb"
    assert sent.header("x-amz-content-sha256") == UNSIGNED


async def test_the_clients_credentials_stay_here(stage: Stage) -> None:
    """I5: no header of the client's authentication reaches S3."""
    await stage.dispatch(signed(message("GET", f"/{SOURCE}/key"), TOKEN_KEY, at=NOW))
    sent = stage.upstream.sent[0]
    text = f"{sent.request.url} {sent.request.headers}"  # headers are in no repr
    assert TOKEN_KEY.access_key_id not in text
    assert str(TOKEN_KEY.token) not in text
    assert sent.header("x-amz-security-token") == UPSTREAM.session_token
    assert stage.credentials.asked[0].name == "tom"


async def test_headers_cross_by_an_allow_list(stage: Stage) -> None:
    """I20: nothing hop-by-hop passes, in either direction."""
    plain = message(
        "GET",
        f"/{SOURCE}/key",
        headers=[
            ("Range", "bytes=0-1"),
            ("X-Amz-Meta-A", "b"),
            ("Cookie", "c"),
            ("te", "trailers"),
        ],
    )
    stage.upstream.answers.append(
        FakeResponse(
            206,
            (("content-length", "2"), ("set-cookie", "c"), ("x-amz-meta-a", "b"), ("via", "v")),
            [b"ab"],
        )
    )
    exchange = await stage.dispatch(by_ana(plain).plus(("connection", "te")))
    sent = stage.upstream.sent[0]
    assert (sent.header("range"), sent.header("x-amz-meta-a")) == ("bytes=0-1", "b")
    assert not {"cookie", "te", "connection"} & set(dict(sent.request.headers))
    assert exchange.headers == [("content-length", "2"), ("x-amz-meta-a", "b")]


async def test_an_upload_keeps_its_hash(stage: Stage) -> None:
    """I20, I24: Content-Length is generated, the bytes and their hash are the client's."""
    await stage.dispatch(PUT, [b"da", b"ta"])
    sent = stage.upstream.sent[0]
    assert (sent.body, sent.complete) == (b"data", True)
    assert sent.header("content-length") == "4"
    assert sent.header("x-amz-content-sha256") == sha256(b"data").hexdigest()


async def test_a_tampered_upload_reaches_s3_under_the_signed_hash(stage: Stage) -> None:
    """I21: so that S3 itself refuses it."""
    await stage.dispatch(PUT, [b"DATA"])
    assert stage.upstream.sent[0].header("x-amz-content-sha256") == sha256(b"data").hexdigest()


async def test_a_tampered_upload_is_never_completed_where_the_gateway_checks(stage: Stage) -> None:
    """I21: the setting payload_check; the client reads S3's own error."""
    stage.check_payload = True
    exchange = await stage.dispatch(PUT, [b"DA", b"TA"])
    assert (exchange.status, exchange.code) == (400, "XAmzContentSHA256Mismatch")
    sent = stage.upstream.sent[0]
    assert (sent.complete, sent.body) == (False, b"DA")
    await stage.dispatch(PUT, [b"da", b"ta"])
    sent = stage.upstream.sent[1]
    assert (sent.complete, sent.body) == (True, b"data")


async def test_a_tampered_chunked_upload_is_never_completed(stage: Stage) -> None:
    """I21: the upstream sees a body that ends early; the client reads why."""
    wire = chunked_upload(
        f"/{SOURCE}/key", b"a" * 200_000, ANA, at=NOW, tamper=lambda b: b[:-500] + b"x" + b[-499:]
    )
    exchange = await stage.dispatch(wire)
    assert exchange.code == "SignatureDoesNotMatch"
    sent = stage.upstream.sent[0]
    assert not sent.complete
    assert len(sent.body) < 200_000


@pytest.mark.parametrize("mode", CHUNKED_MODES)
async def test_a_chunked_upload_of_small_chunks_is_never_completed(stage: Stage, mode: str) -> None:
    """I25: S3 refuses it in the same words; here it would hold everybody's event loop."""
    wire = in_framing(
        "length", f"/{SOURCE}/key", bytes(200), ANA, mode=mode, algorithm="crc32", at=NOW, chunk=1
    )
    exchange = await stage.dispatch(wire)
    assert (exchange.status, exchange.code) == (403, "InvalidChunkSizeError")
    assert not stage.upstream.sent[0].complete


framings = pytest.mark.parametrize("framing", FRAMINGS)
chunked_modes = pytest.mark.parametrize("mode", CHUNKED_MODES)
algorithms = st.sampled_from(sorted(CHECKSUMS))
#: Of every chunk but the last.
chunk_sizes = st.integers(SMALLEST_CHUNK, SMALLEST_CHUNK + 90)
FILLER = b"~"


def objects(*, min_size: int, max_size: int) -> st.SearchStrategy[bytes]:
    """Up to two chunks of filler, and what is drawn behind it."""
    blocks = st.integers(0, 2).map(lambda count: FILLER * SMALLEST_CHUNK * count)
    return st.builds(bytes.__add__, blocks, st.binary(min_size=min_size, max_size=max_size))


def singly(whole: bytes) -> list[bytes]:
    """One byte at a time, but for the most of the filler."""
    return re.findall(rb"%b{4000}|." % FILLER, whole, re.DOTALL)


def relayed(wire: Message, pieces: list[bytes]) -> tuple[int, list[Sent]]:
    """The client's status, and what S3 saw."""
    stage = Stage()
    stage.upstream.answers.append(FakeResponse(200))
    exchange = asyncio.run(stage.dispatch(wire, pieces))
    return exchange.status, stage.upstream.sent


def is_short(sent: Sent) -> bool:
    """Whether S3 got fewer bytes than it was told to expect."""
    assert sent.complete or len(sent.body) < int(sent.header("content-length") or 0)
    return not sent.complete


def unframed(framed: bytes) -> tuple[bytes, bytes]:
    """The data of the chunks that went to S3, and their trailer lines."""
    data = b""
    while True:
        line, _, framed = framed.partition(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        if not size:
            return data, framed
        data, framed = data + framed[:size], framed[size + 2 :]


@framings
@chunked_modes
@given(
    objects(min_size=0, max_size=200),
    chunk_sizes,
    algorithms,
    st.lists(st.integers(0, 17_500), max_size=6),
)
@settings(max_examples=40, deadline=None)
def test_a_chunked_upload_is_the_same_for_every_split(
    framing: str, mode: str, data: bytes, chunk: int, algorithm: str, cuts: list[int]
) -> None:
    """I20, I24: the object, its checksum and its encoding, however the bytes arrive."""
    wire = in_framing(
        framing, f"/{SOURCE}/key", data, ANA, mode=mode, algorithm=algorithm, at=NOW, chunk=chunk
    )
    whole = wire.body
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    splits = [
        [whole],
        [whole[start:end] for start, end in pairwise(places)],
        singly(whole),
    ]
    seen = set()
    for pieces in splits:
        status, (sent,) = relayed(wire, pieces)
        assert (status, sent.complete) == (200, True)
        assert sent.header("content-length") == str(len(sent.body))
        assert sent.header("content-encoding") == ("gzip" if framing == "gzip" else None)
        seen.add(sent.body)
    (framed,) = seen
    body, trailer = unframed(framed)
    assert body == data
    name = f"x-amz-checksum-{algorithm}".encode()
    assert (name in trailer) == (mode != SIGNED_CHUNKS)


@framings
@chunked_modes
@given(objects(min_size=1, max_size=100), chunk_sizes, algorithms, st.data())
@settings(max_examples=40, deadline=None)
def test_a_chunked_upload_is_never_completed_when_a_byte_was_changed_or_is_missing(
    framing: str, mode: str, data: bytes, chunk: int, algorithm: str, draw: st.DataObject
) -> None:
    """I21: or it is the same object, promised in other letters."""
    wire = in_framing(
        framing, f"/{SOURCE}/key", data, ANA, mode=mode, algorithm=algorithm, at=NOW, chunk=chunk
    )
    lines = [at for at, byte in enumerate(wire.body) if byte != FILLER[0]]
    at = draw.draw(st.sampled_from(lines) | st.integers(0, len(wire.body) - 1))
    byte = draw.draw(st.integers(0, 255).filter(lambda value: value != wire.body[at]))
    changed = wire.body[:at] + bytes([byte]) + wire.body[at + 1 :]
    shortened, (half,) = relayed(wire, [wire.body[:at]] if at else [])
    assert shortened == 400
    assert is_short(half)
    cut = draw.draw(st.integers(0, len(changed)))
    status, (sent,) = relayed(wire, [part for part in (changed[:cut], changed[cut:]) if part])
    assert is_short(sent) == (status != 200)
    if status == 200:
        assert unframed(sent.body)[0] == data
        same = changed.lower() == wire.body.lower()
        # of base64's last digit some bits say nothing; without a key nobody has signed them
        assert same or (mode == UNSIGNED_TRAILER and at >= wire.body.rindex(b":"))


async def test_a_chunked_upload_is_framed_for_s3(stage: Stage) -> None:
    """Its length is that of our own framing; aws-chunked is no property of the object."""
    wire = chunked_upload(f"/{SOURCE}/key", b"a" * 200_000, ANA, at=NOW)
    exchange = await stage.dispatch(wire)
    assert not exchange.hastened  # an object takes as long as it takes
    sent = stage.upstream.sent[0]
    assert sent.complete
    assert sent.header("content-length") == str(len(sent.body))
    assert sent.header("content-encoding") is None


async def test_a_client_that_leaves_gets_its_own_error(stage: Stage) -> None:
    """Not a 502: it was the client's body that ended early."""
    exchange = await stage.dispatch(PUT, [b"da", broke_off()])
    assert (exchange.status, exchange.code) == (400, "IncompleteBody")
    assert not stage.upstream.sent[0].complete
    assert stage.log.event["error"] == "IncompleteBody"


async def test_a_body_of_unknown_length_reaches_nobody(stage: Stage) -> None:
    """411 before anything is sent."""
    plain = Message("PUT", f"/{SOURCE}/key", (("host", "localhost"),))
    exchange = await stage.dispatch(by_ana(plain).plus(("transfer-encoding", "chunked")))
    assert (exchange.status, stage.upstream.sent) == (411, [])


# --- the answer -----------------------------------------------------------------------------------


def error(code: str) -> list[bytes]:
    """An error document in two pieces."""
    return [b"<Error><Code>", code.encode() + b"</Code><StringToSign>AWS4</StringToSign></Error>"]


@pytest.mark.parametrize(
    ("status", "code"), [(404, "NoSuchKey"), (403, "AccessDenied"), (412, "PreconditionFailed")]
)
async def test_an_error_of_s3_is_passed_on(stage: Stage, status: int, code: str) -> None:
    """Word for word."""
    pieces = error(code)
    stage.upstream.answers.append(
        FakeResponse(status, (("x-amz-request-id", "UP1"), ("content-length", "1")), pieces)
    )
    exchange = await stage.dispatch(GET)
    assert (exchange.status, exchange.body) == (status, b"".join(pieces))
    assert stage.log.event["upstream_request_id"] == "UP1"
    assert stage.log.event["bytes_out"] == len(exchange.body)


async def test_an_error_to_head_has_no_body(stage: Stage) -> None:
    """Nothing is waited for."""
    stage.upstream.answers.append(FakeResponse(404, (), [b"never"]))
    exchange = await stage.dispatch(by_ana(message("HEAD", f"/{SOURCE}/key")))
    assert (exchange.status, exchange.body) == (404, b"")


@pytest.mark.parametrize(
    "code", ["SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken", "InvalidToken"]
)
async def test_errors_about_our_own_signature_stay_here(stage: Stage, code: str) -> None:
    """I5: they quote our key id, canonical request and token."""
    stage.upstream.answers.append(FakeResponse(403, (), error(code)))
    exchange = await stage.dispatch(GET)
    assert (exchange.status, exchange.code) == (503, "ServiceUnavailable")
    assert b"StringToSign" not in exchange.body
    assert stage.log.faults[0]["reason"] == "upstream_refused_credentials"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_redirects_stay_here(stage: Stage, status: int, method: str) -> None:
    """I8: clients would follow them with their credentials."""
    stage.upstream.answers.append(
        FakeResponse(status, (("location", "https://evil.example/"),), error("TemporaryRedirect"))
    )
    exchange = await stage.dispatch(by_ana(message(method, f"/{SOURCE}/key")))
    assert exchange.status == 502
    assert exchange.header("location") is None
    assert b"evil" not in exchange.body
    assert len(stage.upstream.sent) == 1


async def test_a_wrong_region_stays_here(stage: Stage) -> None:
    """I8: R paws and s3cmd would follow the Region that S3 names."""
    stage.upstream.answers.append(FakeResponse(400, (), error("AuthorizationHeaderMalformed")))
    exchange = await stage.dispatch(GET)
    assert (exchange.status, exchange.code) == (502, "ServiceUnavailable")


async def test_not_modified_is_passed_on(stage: Stage) -> None:
    """304 answers a condition; it is no redirect."""
    stage.upstream.answers.append(FakeResponse(304, (("etag", '"e"'),)))
    exchange = await stage.dispatch(GET)
    assert (exchange.status, exchange.headers) == (304, [("etag", '"e"')])


async def test_an_answer_that_breaks_off_is_broken_off(stage: Stage) -> None:
    """I22: after the head no error can be told; the connection is broken and never finished."""
    stage.upstream.answers.append(
        FakeResponse(
            200, (("content-length", "6"),), [b"abc"], UpstreamUnavailable("body_broke_off")
        )
    )
    exchange = await stage.dispatch(GET)
    assert (exchange.aborted, exchange.finished, exchange.body) == (True, False, b"abc")
    event = stage.log.event
    assert (event["status"], event["error"], event["reason"], event["bytes_out"]) == (
        200,
        "UpstreamUnavailable",
        "body_broke_off",
        3,
    )


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (UpstreamUnavailable("connect_failed", sent=False), 502),
        (UpstreamUnavailable("answer_timeout", timeout=True), 504),
    ],
)
async def test_no_answer_is_a_502_or_504(
    stage: Stage, fault: UpstreamUnavailable, status: int
) -> None:
    """With a code that SDKs retry."""
    stage.upstream.answers.append(fault)
    exchange = await stage.dispatch(GET)
    assert (exchange.status, exchange.code) == (status, "ServiceUnavailable")


async def test_a_client_that_leaves_a_download_frees_the_upstream(stage: Stage) -> None:
    """I25: the rest is not fetched, and the connection is given back."""
    stage.upstream.answers.append(FakeResponse(200, (), [b"a", b"b", b"c"]))
    exchange = await stage.dispatch(GET, gone_after=2)
    assert exchange.aborted
    assert stage.upstream.open == 0
    assert stage.log.event["error"] == "ClientDisconnected"


# --- a bucket that is elsewhere -------------------------------------------------------------------

AWAY = "ap-south-1"
HELD = b"<BucketLoggingStatus><LoggingEnabled><TargetBucket>acme-logs</TargetBucket>"
HELD += b"</LoggingEnabled></BucketLoggingStatus>"


def elsewhere(status: int = 301, code: str = "PermanentRedirect") -> FakeResponse:
    """S3 names another Region and endpoint, in the header, the document and the Location."""
    headers = (("x-amz-bucket-region", "us-gov-1"), ("location", "https://evil.example/"))
    return FakeResponse(status, headers, error(code))


@pytest.mark.parametrize(
    ("wire", "answered"),
    [
        pytest.param(GET, elsewhere(), id="get-301"),
        pytest.param(GET, elsewhere(307, "TemporaryRedirect"), id="get-307"),
        pytest.param(GET, elsewhere(400, "AuthorizationHeaderMalformed"), id="get-400"),
        pytest.param(by_ana(message("HEAD", f"/{SOURCE}/key")), elsewhere(301), id="head-301"),
        pytest.param(
            by_ana(message("HEAD", f"/{SOURCE}/key")), FakeResponse(400), id="head-400-bare"
        ),
        pytest.param(by_ana(message("DELETE", f"/{SOURCE}/key")), elsewhere(), id="delete"),
        pytest.param(by_ana(message("PUT", f"/{SOURCE}/empty")), elsewhere(), id="empty-put"),
        pytest.param(
            by_ana(message("PUT", f"/{SOURCE}?logging", HELD)), elsewhere(), id="body-in-memory"
        ),
        pytest.param(
            signed(message("PUT", f"/{SOURCE}/key", b"data"), ANA, at=NOW, declare=False),
            elsewhere(),
            id="body-in-memory-undeclared",
        ),
    ],
)
async def test_a_request_that_can_be_repeated_goes_to_the_buckets_region(
    stage: Stage, wire: Message, answered: FakeResponse
) -> None:
    """I8: once, to the Region that HeadBucket says, whatever the answer named; signed for it."""
    stage.store.add(known(groups=Group))
    stage.facts.moved[SOURCE] = AWAY
    stage.upstream.answers += [answered, FakeResponse(200, (("content-length", "0"),))]
    exchange = await stage.dispatch(wire)
    assert exchange.status == 200
    first, second = stage.upstream.sent
    assert first.request.url.startswith(S3)
    assert second.request.url == first.request.url.replace("eu-central-1", AWAY)
    assert f"/{AWAY}/s3/aws4_request" in (second.header("authorization") or "")
    assert (second.body, second.complete) == (first.body, True)
    assert second.header("host") == f"s3.{AWAY}.amazonaws.com"
    assert stage.facts.asked == [(SOURCE, "ana", "")] * 2
    assert stage.log.event["status"] == 200


async def test_the_next_request_goes_there_at_once(stage: Stage) -> None:
    """What was learned is remembered."""
    stage.facts.moved[SOURCE] = AWAY
    stage.upstream.answers += [elsewhere(), FakeResponse(200), FakeResponse(200)]
    await stage.dispatch(GET)
    await stage.dispatch(GET)
    assert [AWAY in sent.request.url for sent in stage.upstream.sent] == [False, True, True]


async def test_a_stream_is_not_repeated(stage: Stage) -> None:
    """A client's body is read once; SDKs retry a 503, and then it goes where the bucket is."""
    stage.facts.moved[SOURCE] = AWAY
    stage.upstream.answers += [elsewhere(), FakeResponse(200, (("content-length", "0"),))]
    exchange = await stage.dispatch(PUT, [b"da", b"ta"])
    assert (exchange.status, exchange.code) == (503, "ServiceUnavailable")
    assert exchange.header("Retry-After") == "1"
    assert AWAY.encode() not in exchange.body
    assert len(stage.upstream.sent) == 1
    assert (stage.log.event["reason"], stage.log.faults[0]["detail"]) == ("bucket_moved", AWAY)
    assert (await stage.dispatch(PUT)).status == 200
    assert AWAY in stage.upstream.sent[1].request.url


async def test_a_chunked_stream_is_not_repeated(stage: Stage) -> None:
    """Its chain is seeded by the first signature."""
    stage.facts.moved[SOURCE] = AWAY
    stage.upstream.answers.append(elsewhere())
    exchange = await stage.dispatch(chunked_upload(f"/{SOURCE}/key", b"data", ANA, at=NOW))
    assert (exchange.status, len(stage.upstream.sent)) == (503, 1)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_second_redirection_ends_it(stage: Stage, method: str) -> None:
    """One retry: two Regions that name each other keep nobody busy."""
    stage.facts.moved[SOURCE] = AWAY
    stage.upstream.answers += [elsewhere(), elsewhere(), FakeResponse(200)]
    exchange = await stage.dispatch(by_ana(message(method, f"/{SOURCE}/key")))
    assert exchange.status == 502
    assert exchange.header("location") is None
    assert len(stage.upstream.sent) == 2


@pytest.mark.parametrize(
    ("told", "status"),
    [
        pytest.param("eu-central-1", 502, id="the-same"),
        pytest.param("", 502, id="unknown"),
        pytest.param("us-west-2", 403, id="not-on-the-list"),
        pytest.param("eu-west-1.evil.example", 403, id="no-region"),
        pytest.param("evil.example/eu-west-1", 403, id="a-path"),
    ],
)
async def test_a_region_that_is_not_another_allowed_one_is_not_gone_to(
    stage: Stage, told: str, status: int
) -> None:
    """I8: an answer chooses nothing beyond the template and the list."""
    stage.endpoint = Endpoint("https://s3.{region}.amazonaws.com", regions=("eu-*", "evil*"))
    stage.facts.moved[SOURCE] = told
    stage.upstream.answers.append(elsewhere())
    exchange = await stage.dispatch(GET)
    assert (exchange.status, len(stage.upstream.sent)) == (status, 1)


async def test_a_bucket_in_a_region_not_on_the_list_is_not_gone_to(stage: Stage) -> None:
    """Nor where that is known from the start."""
    stage.endpoint = Endpoint("https://s3.{region}.amazonaws.com", regions=("us-*",))
    exchange = await stage.dispatch(GET)
    assert (exchange.status, exchange.code, stage.upstream.sent) == (403, "AccessDenied", [])
    assert "'eu-central-1'" in exchange.error["Message"]


async def test_without_facts_nobody_knows_where_it_is(stage: Stage) -> None:
    """The answer's own word is not taken."""
    stage.facts.fault = FactsUnavailable("facts_timeout")
    stage.upstream.answers.append(elsewhere())
    exchange = await stage.dispatch(GET)
    assert (exchange.status, len(stage.upstream.sent)) == (502, 1)


async def test_a_configured_region_is_never_left(stage: Stage) -> None:
    """I8: nobody is even asked."""
    stage.endpoint = Endpoint("http://minio:9000", "us-west-2")
    stage.facts.moved[SOURCE] = AWAY
    stage.upstream.answers.append(elsewhere())
    exchange = await stage.dispatch(GET)
    assert (exchange.status, len(stage.upstream.sent), stage.facts.asked) == (502, 1, [])


async def test_a_bad_request_to_head_stays_one_where_the_region_is_right(stage: Stage) -> None:
    """A HEAD of an object under a customer's key is one, too."""
    hint = ("x-amz-bucket-region", AWAY)
    stage.upstream.answers.append(FakeResponse(400, (("x-amz-request-id", "UP1"), hint)))
    exchange = await stage.dispatch(by_ana(message("HEAD", f"/{SOURCE}/key")))
    assert (exchange.status, exchange.headers) == (400, [("x-amz-request-id", "UP1")])
    assert len(stage.upstream.sent) == 1


# --- where and as whom ----------------------------------------------------------------------------


async def test_a_configured_region_needs_no_facts(stage: Stage) -> None:
    """One endpoint, one Region."""
    stage.endpoint = Endpoint("http://minio:9000", "us-west-2")
    await stage.dispatch(GET)
    assert stage.trace[0] == "credentials ana"
    sent = stage.upstream.sent[0]
    assert sent.request.url == f"http://minio:9000/{SOURCE}/a%20key?versionId=7"
    assert "/us-west-2/s3/" in (sent.header("authorization") or "")


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [({SOURCE: "ap-south-1"}, "ap-south-1"), ({}, "eu-central-1")],
    ids=["the-buckets", "unknown-the-clients"],
)
async def test_the_region_is_the_buckets_own(
    stage: Stage, buckets: dict[str, str], expected: str
) -> None:
    """Or what the client signed for, where it is not known."""
    stage.facts.regions = buckets
    await stage.dispatch(GET)
    assert stage.upstream.sent[0].request.url.startswith(f"https://s3.{expected}.amazonaws.com/")


async def test_the_list_of_buckets_is_asked_for_where_the_client_signed(stage: Stage) -> None:
    """It has no bucket to look up."""
    stage.store.add(known(buckets=["*"]))
    await stage.dispatch(by_ana(message("GET", "/")))
    assert stage.trace[:2] == ["credentials ana", "send GET"]
    assert stage.upstream.sent[0].request.url == f"{S3}/"


async def test_without_credentials_nothing_is_sent(stage: Stage) -> None:
    """503; never an anonymous request."""
    stage.credentials.fault = CredentialsUnavailable("credentials_expired")
    exchange = await stage.dispatch(GET)
    assert (exchange.status, stage.upstream.sent) == (503, [])


async def test_object_traffic_goes_on_without_facts(stage: Stage) -> None:
    """Signed for where the client signed; S3 itself refuses what is wrong."""
    stage.facts.fault = FactsUnavailable("facts_timeout")
    exchange = await stage.dispatch(GET)
    assert exchange.status == 204
    assert stage.upstream.sent[0].request.url.startswith(S3)


@pytest.mark.parametrize(
    "lengths",
    [("4", "8"), ("4", "4"), ("4, 4",), ("+4",), ("",), ("\xb2",)],
    ids=["two", "twice", "list", "plus", "empty", "superscript"],
)
async def test_an_answer_of_doubtful_length_is_not_passed_on(
    stage: Stage, lengths: tuple[str, ...]
) -> None:
    """I20: no client may read more or less of it than we did."""
    headers = tuple(("content-length", length) for length in lengths)
    stage.upstream.answers.append(FakeResponse(200, headers, [b"abcd"]))
    exchange = await stage.dispatch(GET)
    assert (exchange.status, exchange.code) == (502, "ServiceUnavailable")
    assert stage.log.event["reason"] == "answer_framing"


async def test_bytes_beyond_the_declared_length_are_not_passed_on(stage: Stage) -> None:
    """I23: they would be read as the next answer; the connection is broken instead."""
    stage.upstream.answers.append(
        FakeResponse(200, (("content-length", "4"),), [b"good", b"HTTP/1.1 200 OK"])
    )
    exchange = await stage.dispatch(GET)
    assert (exchange.aborted, exchange.body) == (True, b"good")


async def test_a_bucket_operation_with_a_body_is_relayed(stage: Stage) -> None:
    """Configurations that policy does not judge stream like objects."""
    stage.store.add(known(groups=Group))
    stage.upstream.answers.append(FakeResponse(200))
    exchange = await stage.dispatch(by_ana(message("PUT", f"/{SOURCE}?tagging", b"<Tagging/>")))
    assert (exchange.status, stage.upstream.sent[0].body) == (200, b"<Tagging/>")


async def test_a_get_declares_no_body(stage: Stage) -> None:
    """I20: no Content-Length is invented."""
    await stage.dispatch(GET)
    sent = stage.upstream.sent[0]
    assert sent.header("content-length") is None
    assert sent.header("x-amz-content-sha256") == EMPTY
    assert sent.request.body is None


async def test_a_fault_of_the_upstream_is_not_blamed_on_the_client(stage: Stage) -> None:
    """The client's body had come in whole."""
    stage.upstream.answers.append(FakeResponse(500, (), [b"x"], UpstreamUnavailable("broke_off")))
    exchange = await stage.dispatch(PUT, [b"data"])
    assert (exchange.status, exchange.code) == (502, "ServiceUnavailable")


async def test_a_stalled_client_reads_a_time_out(stage: Stage) -> None:
    """S3's RequestTimeout, not a 504."""
    stalled = RequestError("RequestTimeout", "Your socket connection was not read from.")
    exchange = await stage.dispatch(PUT, [b"da", stalled])
    assert exchange.code == "RequestTimeout"


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        pytest.param(
            "POST",
            f"/{SOURCE}/key?restore",
            b"<RestoreRequest><Type>SELECT</Type><OutputLocation><S3><BucketName>foreign"
            b"</BucketName><Prefix>p</Prefix></S3></OutputLocation></RestoreRequest>",
            id="restore-by-default",
        ),
        pytest.param(
            "PUT",
            f"/{SOURCE}?logging",
            b"<BucketLoggingStatus><LoggingEnabled><TargetBucket>foreign</TargetBucket>"
            b"<TargetPrefix>p</TargetPrefix></LoggingEnabled></BucketLoggingStatus>",
            id="logging-where-exports-is-granted",
        ),
        pytest.param(
            "POST",
            f"/{SOURCE}?metadataTable",
            b"<MetadataTableConfiguration><S3TablesDestination><TableBucketArn>arn:aws:s3tables:"
            b"eu-central-1:444455556666:bucket/foreign</TableBucketArn><TableName>t</TableName>"
            b"</S3TablesDestination></MetadataTableConfiguration>",
            id="tables-where-exports-is-granted",
        ),
    ],
)
async def test_a_bucket_in_a_relayed_body_is_checked(
    stage: Stage, method: str, target: str, body: bytes
) -> None:
    """I9: RestoreObject (in the default group `objects`) can write to any bucket it names."""
    stage.store.add(known(groups=Group))
    exchange = await stage.dispatch(by_ana(message(method, target, body)))
    assert (exchange.status, stage.upstream.sent) == (403, [])


@pytest.mark.parametrize("declare", [True, False], ids=["hash-declared", "hash-undeclared"])
async def test_a_body_that_names_a_permitted_bucket_is_passed_on(
    stage: Stage, *, declare: bool
) -> None:
    """As it came, under its own hash."""
    stage.store.add(known(groups=Group))
    body = b"<BucketLoggingStatus><LoggingEnabled><TargetBucket>acme-logs</TargetBucket>"
    body += b"</LoggingEnabled></BucketLoggingStatus>"
    wire = signed(message("PUT", f"/{SOURCE}?logging", body), ANA, at=NOW, declare=declare)
    stage.upstream.answers.append(FakeResponse(200, (("content-length", "0"),)))
    exchange = await stage.dispatch(wire)
    assert (exchange.status, stage.upstream.sent[0].body) == (200, body)
