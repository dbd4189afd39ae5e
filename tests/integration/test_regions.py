"""A bucket that is not where the gateway believed it to be, on the wire; every send is counted."""

import asyncio
import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import pytest

from gateway.core.inventory.document import read_configuration, write_configuration
from tests.support.connection import Response
from tests.support.inventory import document
from tests.support.scripted_upstream import Play, ScriptedUpstream, say
from tests.support.site import ANA, ROOT, Site
from tests.support.wire import UNSIGNED, Message, chunked_upload, message, presigned, signed

HOME, AWAY, FORBIDDEN = "eu-central-1", "ap-south-1", "us-west-2"
#: More than a test needs, since each wants one of its own that has been known for a while.
_BUCKETS = 60
_SCOPE = re.compile(rb"Credential=[^/]+/[0-9]{8}/([a-z0-9-]+)/s3/")


@dataclass(slots=True)
class Moved:
    """A gateway that believes a bucket at home, and an upstream that does not."""

    site: Site
    upstream: ScriptedUpstream
    bucket: str

    def call(self, wire: Message, *plays: Play) -> Response:
        """One request, and what the upstream says to what it gets of it."""
        self.upstream.plays.clear()
        self.upstream.plays.extend(plays)
        self.upstream.heads.clear()
        self.upstream.looked_up.clear()
        return self.site.call(wire)

    @property
    def sent(self) -> list[str]:
        """What the upstream got: method and the Region that it was signed for."""
        found = []
        for head in self.upstream.heads:
            scope = _SCOPE.search(head)
            assert scope is not None
            found.append(f"{head.split(b' ')[0].decode()} {scope[1].decode()}")
        return found


@pytest.fixture(scope="module")
def _known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Iterator[str]]]:
    settings = {"regions": ("eu-*", "ap-*", "us-east-1")}
    with Site(tmp_path_factory.mktemp("regions"), settings, ScriptedUpstream()) as site:
        for number in range(_BUCKETS):
            assert site.call(signed(message("GET", f"/acme-{number}/key"), ANA)).status == 204
        time.sleep(1.1)  # what was learned this second is not asked for again
        yield site, (f"acme-{number}" for number in count())


@pytest.fixture
def moved(_known: tuple[Site, Iterator[str]]) -> Iterator[Moved]:
    """A bucket that has moved away; HeadBucket knows."""
    site, names = _known
    assert site.scripted is not None
    bucket = next(names)
    site.scripted.regions[bucket] = AWAY
    yield Moved(site, site.scripted, bucket)
    site.scripted.regions.clear()
    assert site.problems == []


def answered(status: int, code: str = "", *headers: bytes, length: int | None = None) -> Play:
    """An answer with an error document, or, without a code, with none at all."""
    text = (
        f"<Error><Code>{code}</Code><Region>{FORBIDDEN}</Region></Error>".encode() if code else b""
    )
    lines = [
        b"HTTP/1.1 %d X" % status,
        b"x-amz-bucket-region: " + FORBIDDEN.encode(),  # the answer's own word, which is not taken
        b"content-length: %d" % (len(text) if length is None else length),
        *headers,
    ]
    return say(b"\r\n".join(lines) + b"\r\n\r\n" + text)


def redirected() -> Play:
    """301, as S3 words it."""
    return answered(301, "PermanentRedirect", b"location: http://evil.example/")


def after(size: int, play: Play) -> Play:
    """The same, once a body of this size is in."""

    async def whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(size)
        await play(reader, writer)

    return whole


def early(_: int, play: Play) -> Play:
    """The same, in the middle of a body; what follows of it is thrown away, as S3 does."""

    async def amid(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1000)
        await play(reader, writer)
        while await reader.read(65536):
            pass
        raise ConnectionResetError

    return amid


OK = say(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
HEAD_OK = say(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")
Maker = Callable[[str], Message]


def ask(method: str, tail: str = "/key", body: bytes = b"") -> Maker:
    """A request by one who may do everything."""
    return lambda bucket: signed(message(method, f"/{bucket}{tail}", body), ROOT)


LOGGING = (
    b"<BucketLoggingStatus><LoggingEnabled><TargetBucket>acme-logs</TargetBucket></LoggingEnabled>"
    b"</BucketLoggingStatus>"
)


@pytest.mark.parametrize(
    ("make", "first", "then"),
    [
        pytest.param(ask("GET"), redirected(), OK, id="get-301"),
        pytest.param(ask("GET"), answered(307, "TemporaryRedirect"), OK, id="get-307"),
        pytest.param(ask("GET"), answered(400, "AuthorizationHeaderMalformed"), OK, id="get-400"),
        pytest.param(ask("GET"), answered(301), OK, id="get-301-bare"),
        pytest.param(ask("HEAD"), answered(301, length=9), HEAD_OK, id="head-301"),
        pytest.param(ask("HEAD"), answered(400, length=9), HEAD_OK, id="head-400"),
        pytest.param(ask("DELETE"), redirected(), OK, id="delete-301"),
        pytest.param(ask("PUT"), redirected(), OK, id="empty-put-301"),
        pytest.param(
            ask("PUT", "?logging", LOGGING),
            after(len(LOGGING), redirected()),
            after(len(LOGGING), OK),
            id="body-in-memory-301",
        ),
        pytest.param(
            ask("PUT", "?logging", LOGGING),
            after(len(LOGGING), answered(400, "AuthorizationHeaderMalformed")),
            after(len(LOGGING), OK),
            id="body-in-memory-400",
        ),
        pytest.param(
            lambda bucket: presigned(message("GET", f"/{bucket}/key"), ROOT),
            redirected(),
            OK,
            id="presigned-301",
        ),
    ],
)
def test_a_request_that_can_be_repeated_is_answered(
    moved: Moved, make: Maker, first: Play, then: Play
) -> None:
    """I8: two sends, the second for where HeadBucket says; the client sees nothing of it."""
    wire = make(moved.bucket)
    answer = moved.call(wire, first, then)
    assert answer.status == 200
    assert moved.sent == [f"{wire.method} {HOME}", f"{wire.method} {AWAY}"]
    assert moved.upstream.looked_up == [moved.bucket]
    assert moved.call(make(moved.bucket), then).status == 200
    assert (moved.sent, moved.upstream.looked_up) == ([f"{wire.method} {AWAY}"], [])


@pytest.mark.parametrize(
    ("make", "when"),
    [
        pytest.param(ask("PUT", "/key", b"data"), after, id="signed"),
        pytest.param(
            lambda bucket: signed(
                message("PUT", f"/{bucket}/key", b"x" * 3_000_000), ROOT, payload=UNSIGNED
            ),
            early,
            id="three-megabytes",
        ),
        pytest.param(
            lambda bucket: chunked_upload(f"/{bucket}/key", b"data", ROOT), after, id="aws-chunked"
        ),
    ],
)
@pytest.mark.parametrize(
    "first",
    [redirected(), answered(400, "AuthorizationHeaderMalformed")],
    ids=["301", "400"],
)
def test_a_stream_is_sent_once_and_the_clients_retry_succeeds(
    moved: Moved, make: Maker, when: Callable[[int, Play], Play], first: Play
) -> None:
    """One send; 503 makes every SDK send it again, and then it goes where the bucket is."""
    wire = make(moved.bucket)
    answer = moved.call(wire, when(len(wire.body), first))
    assert (answer.status, answer.code) == (503, "ServiceUnavailable")
    assert answer.header("retry-after") == "1"
    assert (moved.sent, moved.upstream.looked_up) == ([f"PUT {HOME}"], [moved.bucket])
    assert moved.call(wire, moved.upstream.keep_body(len(wire.body))).status == 200
    assert (moved.sent, moved.upstream.looked_up) == ([f"PUT {AWAY}"], [])


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_two_regions_that_name_each_other_end_after_one_retry(moved: Moved, method: str) -> None:
    """Two sends, whatever they say; nothing of it reaches the client."""
    play = answered(301, length=9) if method == "HEAD" else redirected()
    answer = moved.call(ask(method)(moved.bucket), play, play, OK)
    assert answer.status == 502
    assert (answer.header("location"), answer.header("x-amz-bucket-region")) == (None, None)
    assert moved.sent == [f"{method} {HOME}", f"{method} {AWAY}"]
    assert len(moved.upstream.looked_up) == 1


@pytest.mark.parametrize(
    ("told", "status"),
    [
        pytest.param(HOME, 502, id="the-same"),
        pytest.param("", 502, id="none"),
        pytest.param(FORBIDDEN, 403, id="not-on-the-list"),
        pytest.param("ap-south-1.evil.example", 502, id="no-name"),
        pytest.param("ap-south-1/..", 502, id="a-path"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_no_other_region_is_gone_to(moved: Moved, method: str, told: str, status: int) -> None:
    """I8: one send where HeadBucket names no other Region that is on the list."""
    moved.upstream.regions[moved.bucket] = told
    answer = moved.call(ask(method)(moved.bucket), redirected(), OK)
    assert (answer.status, moved.sent) == (status, [f"{method} {HOME}"])
    assert answer.header("location") is None
    assert b"evil" not in answer.body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_location_is_never_connected_to(moved: Moved, status: int) -> None:
    """I8: nobody comes to where it points, and the client does not learn of it."""
    moved.upstream.regions[moved.bucket] = HOME
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.2)
        where = b"location: http://127.0.0.1:%d/" % canary.getsockname()[1]
        play = answered(status, "TemporaryRedirect", where)
        answer = moved.call(ask("GET")(moved.bucket), play, OK)
        with pytest.raises(TimeoutError):
            canary.accept()
    assert (answer.status, answer.header("location"), len(moved.sent)) == (502, None, 1)


def test_a_bad_request_to_head_stays_one(moved: Moved) -> None:
    """One send and one look-up, where the bucket is at home."""
    moved.upstream.regions[moved.bucket] = HOME
    answer = moved.call(ask("HEAD")(moved.bucket), answered(400), OK)
    assert (answer.status, answer.body) == (400, b"")
    assert answer.header("x-amz-bucket-region") is None
    assert (moved.sent, len(moved.upstream.looked_up)) == ([f"HEAD {HOME}"], 1)
    assert moved.call(ask("HEAD")(moved.bucket), answered(400), OK).status == 400
    assert (moved.sent, moved.upstream.looked_up) == ([f"HEAD {HOME}"], [])


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    "first",
    [
        redirected(),
        answered(307, "TemporaryRedirect"),
        answered(400, "AuthorizationHeaderMalformed"),
    ],
    ids=["301", "307", "400"],
)
def test_an_inventory_is_judged_anew_where_the_bucket_is(
    moved: Moved, method: str, first: Play
) -> None:
    """I11: one send per decision; the second decision knows the Region, and a PUT breaks INV015."""
    target = f"/{moved.bucket}?inventory&id=inv-1"
    body = document().encode() if method == "PUT" else b""
    size = len(write_configuration(read_configuration(body))) if body else 0
    mark = moved.site.mark()
    answer = moved.call(signed(message(method, target, body), ANA), after(size, first))
    assert (answer.status, answer.code) == (503, "ServiceUnavailable")
    assert moved.sent == [f"{method} {HOME}"]
    again = moved.call(signed(message(method, target, body), ANA))
    expected = (403, []) if method == "PUT" else (204, [f"DELETE {AWAY}"])
    assert (again.status, moved.sent) == expected
    assert (method == "PUT") == (b"INV015" in again.body)
    moved.site.events(mark, 2)
    decisions = [line for line in moved.site.lines(mark) if line["event"] == "decision"]
    assert len({line["decision_id"] for line in decisions}) == len(decisions) == 2
    outcomes = ["refused" if method == "PUT" else "forwarded", "failed"]
    assert sorted(line["custom"]["outcome"] for line in decisions) == sorted(outcomes)
