"""The data-plane listener, byte for byte: parsing, framing, `Expect`, keep-alive, time-outs."""

import logging
import re
import select
import socket
import time
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime
from hashlib import sha256

import pytest

from tests.support.connection import BrokenAnswerError, Connection, Response
from tests.support.inventory import VALID, document
from tests.support.site import ANA, ROOT, SECRETS, TOM, Site, wait_until
from tests.support.wire import (
    EMPTY,
    SIGNED_CHUNKS,
    SIGNED_CHUNKS_TRAILER,
    UNSIGNED,
    UNSIGNED_TRAILER,
    Key,
    Message,
    chunked_upload,
    in_framing,
    message,
    presigned,
    signed,
)

KEY = "/acme-orders/key"
HOST = b"Host: localhost\r\n"


def put(body: bytes = b"data", *headers: tuple[str, str], target: str = KEY) -> Message:
    """An upload by ana."""
    return signed(message("PUT", target, body, headers), ANA)


def get(target: str = KEY, *headers: tuple[str, str]) -> Message:
    """A read by ana."""
    return signed(message("GET", target, b"", headers), ANA)


def expecting(body: bytes, *, target: str = KEY, key: object = ANA) -> Message:
    """An upload that waits for `100 Continue`."""
    return signed(message("PUT", target, body, [("expect", "100-continue")]), key)  # type: ignore[arg-type]


def is_healthy(site: Site) -> bool:
    """Whether the next client is served."""
    return site.call(put()).status == 200 and site.call(get()).body == b"data"


# --- what is not HTTP -----------------------------------------------------------------------------

NOT_HTTP: dict[str, bytes] = {
    "bare-lf": b"GET /b HTTP/1.1\nHost: localhost\n\n",
    "bare-lf-in-a-header": b"GET /b HTTP/1.1\r\nHost: localhost\nx-amz-acl: a\r\n\r\n",
    "obs-fold": b"GET /b HTTP/1.1\r\nHost: localhost\r\nx-a: b\r\n c\r\n\r\n",
    "space-before-colon": b"GET /b HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "space-before-name": b"GET /b HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "no-colon": b"GET /b HTTP/1.1\r\nHost localhost\r\n\r\n",
    "two-lengths": b"PUT /b/k HTTP/1.1\r\n%bContent-Length: 1\r\nContent-Length: 2\r\n\r\nx" % HOST,
    "same-length-twice": b"PUT /b HTTP/1.1\r\n%bContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"
    % HOST,
    "length-list": b"PUT /b/k HTTP/1.1\r\n%bContent-Length: 1, 1\r\n\r\nx" % HOST,
    "length-plus": b"PUT /b/k HTTP/1.1\r\n%bContent-Length: +1\r\n\r\nx" % HOST,
    "length-hex": b"PUT /b/k HTTP/1.1\r\n%bContent-Length: 0x1\r\n\r\nx" % HOST,
    "length-negative": b"PUT /b/k HTTP/1.1\r\n%bContent-Length: -1\r\n\r\nx" % HOST,
    "length-and-coding": b"PUT /b/k HTTP/1.1\r\n%bContent-Length: 1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % HOST,
    "two-codings": b"PUT /b/k HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % HOST,
    "gzip-chunked": b"PUT /b/k HTTP/1.1\r\n%bTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
    % HOST,
    "chunked-gzip": b"PUT /b/k HTTP/1.1\r\n%bTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"
    % HOST,
    "coding-vertical-tab": b"PUT /b/k HTTP/1.1\r\n%bTransfer-Encoding: \x0bchunked\r\n\r\n" % HOST,
    "two-hosts": b"GET /b HTTP/1.1\r\n%bHost: evil\r\n\r\n" % HOST,
    "no-host": b"GET /b HTTP/1.1\r\n\r\n",
    "empty-host": b"GET /b HTTP/1.1\r\nHost:\r\n\r\n",
    "nul-in-a-value": b"GET /b HTTP/1.1\r\n%bx-a: b\x00c\r\n\r\n" % HOST,
    "nul-in-the-target": b"GET /b\x00c HTTP/1.1\r\n%b\r\n" % HOST,
    "control-in-a-value": b"GET /b HTTP/1.1\r\n%bx-a: b\x08c\r\n\r\n" % HOST,
    "bytes-in-the-target": b"GET /b/\xff\xfe HTTP/1.1\r\n%b\r\n" % HOST,
    "bytes-in-a-value": b"GET /b HTTP/1.1\r\n%bx-a: \xff\xfe\r\n\r\n" % HOST,
    "space-in-the-target": b"GET /b /c HTTP/1.1\r\n%b\r\n" % HOST,
    "backslash-in-the-target": b"GET /b\\c HTTP/1.1\r\n%b\r\n" % HOST,
    "long-line": b"GET /%b HTTP/1.1\r\n%b\r\n" % (b"a" * 20_000, HOST),
    "long-header": b"GET /b HTTP/1.1\r\n%bx-a: %b\r\n\r\n" % (HOST, b"a" * 20_000),
    "many-headers": b"GET /b HTTP/1.1\r\n%b%b\r\n" % (HOST, b"x-a: b\r\n" * 500),
    "http-1.0": b"GET /b HTTP/1.0\r\n%b\r\n" % HOST,
    "http-0.9": b"GET /b HTTP/0.9\r\n%b\r\n" % HOST,
    "http-0.9-bare": b"GET /b\r\n\r\n",
    "http-2.0": b"GET /b HTTP/2.0\r\n%b\r\n" % HOST,
    "http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http-1.2": b"GET /b HTTP/1.2\r\n%b\r\n" % HOST,
    "lower-case-version": b"GET /b http/1.1\r\n%b\r\n" % HOST,
    "garbage": b"\x01\x02garbage\xff\r\n\r\n",
    "tls-hello": bytes.fromhex("16030100a5010000a10303") + b"\x5a" * 160,
    "method-with-space": b"GE T /b HTTP/1.1\r\n%b\r\n" % HOST,
    "bad-chunk-size": b"PUT /b/k HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n" % HOST,
    "asterisk": b"OPTIONS * HTTP/1.1\r\n%b\r\n" % HOST,
    "connect": b"CONNECT localhost:443 HTTP/1.1\r\n%b\r\n" % HOST,
    "authority-form": b"GET localhost:443 HTTP/1.1\r\n%b\r\n" % HOST,
    "absolute-form": b"GET http://evil.example/b HTTP/1.1\r\n%b\r\n" % HOST,
    "fragment": b"GET /b#inventory HTTP/1.1\r\n%b\r\n" % HOST,
}


def is_s3_error(answer: Response) -> bool:
    """Whether any S3 client could read it."""
    assert answer.header("content-type") == "application/xml"
    assert len(answer.header("x-amz-request-id") or "") == 16
    assert len(answer.header("x-amz-id-2") or "") == 76
    assert answer.error["RequestId"] == answer.header("x-amz-request-id")
    assert answer.error["HostId"] == answer.header("x-amz-id-2")
    return answer.head.startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("sent", [pytest.param(sent, id=name) for name, sent in NOT_HTTP.items()])
def test_what_is_not_http_gets_an_s3_error(site: Site, sent: bytes) -> None:
    """I26: a document that clients can read, one access event, and a healthy server."""
    mark = site.mark()
    with site.connect() as connection:
        connection.send(sent)
        answer = connection.receive()
    assert 400 <= answer.status < 500 or answer.status == 501
    assert is_s3_error(answer)
    assert b"evil" not in answer.body
    assert site.writes(mark) == []
    (event,) = site.events(mark, 1)
    assert (event["status"], event["remote"]) == (answer.status, "127.0.0.1")
    assert is_healthy(site)


@pytest.mark.parametrize("name", ["bare-lf", "two-hosts", "garbage", "tls-hello", "long-line"])
def test_a_connection_that_spoke_no_http_is_closed(site: Site, name: str) -> None:
    """I23: nothing that follows on it is read as a request."""
    mark = site.mark()
    with site.connect() as connection:
        connection.send(NOT_HTTP[name])
        assert connection.receive().header("connection") == "close"
        assert not connection.trickle([put().wire]) or connection.is_closed()
    assert site.writes(mark) == []


def test_a_long_line_is_431(site: Site) -> None:
    """So that users know what to shorten."""
    with site.connect() as connection:
        connection.send(NOT_HTTP["long-line"])
        assert connection.receive().code == "RequestHeaderSectionTooLarge"


def test_a_pipelined_request_after_garbage_is_not_served(site: Site) -> None:
    """I23: what follows garbage is garbage."""
    mark = site.mark()
    with site.connect() as connection:
        connection.send(NOT_HTTP["bare-lf-in-a-header"] + put().wire)
        assert connection.receive().status == 400
        assert connection.is_closed()
    assert site.writes(mark) == []


@pytest.mark.parametrize("connection_header", ["x-amz-date", "close, authorization", "host"])
def test_connection_may_not_nominate_a_header(site: Site, connection_header: str) -> None:
    """I20: it would ask the next hop to drop what was judged."""
    answer = site.call(get().plus(("connection", connection_header)))
    assert (answer.status, answer.code) == (400, "BadRequest")


# --- what every answer looks like -----------------------------------------------------------------


def test_no_banner_has_a_version(site: Site) -> None:
    """Nothing says which server or library this is."""
    answers = [
        site.call(message("GET", KEY)),
        site.call(get("/acme-orders/none")),
        site.call(put()),
    ]
    with site.connect() as connection:
        connection.send(NOT_HTTP["garbage"])
        answers.append(connection.receive())
    for answer in answers:
        server = answer.header("server") or ""
        assert re.search(r"\d\.|aiohttp|python", server, re.IGNORECASE) is None
        assert b"aiohttp" not in answer.head + answer.body


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(get, id="s3"),
        pytest.param(lambda: message("GET", KEY), id="gateway"),
        pytest.param(
            lambda: put(VALID.encode(), target="/acme-orders?inventory&id=inv-1"), id="gated"
        ),
    ],
)
def test_every_answer_has_one_date(site: Site, wire: object) -> None:
    """A client whose clock is wrong corrects it by the answer's (RFC 9110, section 6.6.1)."""
    site.call(put())
    answer = site.call(wire())  # type: ignore[operator]
    (date,) = re.findall(rb"^date: (.*)\r$", answer.head, re.IGNORECASE | re.MULTILINE)
    assert abs(parsedate_to_datetime(date.decode()).timestamp() - time.time()) < 60


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        pytest.param(lambda: signed(message("HEAD", "/acme-orders/none"), ANA), 404, id="s3"),
        pytest.param(lambda: message("HEAD", KEY), 403, id="gateway"),
        pytest.param(lambda: signed(message("HEAD", "/foreign/key"), ANA), 403, id="confined"),
        pytest.param(
            lambda: signed(message("HEAD", "/acme-orders?inventory"), ANA), 405, id="inventory"
        ),
    ],
)
def test_an_error_to_head_has_no_body(site: Site, wire: object, status: int) -> None:
    """And the connection goes on: a body would be read as the next answer."""
    with site.connect() as connection:
        connection.send(wire().wire)  # type: ignore[operator]
        assert connection.receive("HEAD").status == status
        connection.send(put().wire)
        assert connection.receive().status == 200


def test_head_tells_the_length_of_what_get_would_send(site: Site) -> None:
    """Without a byte of it."""
    site.call(put(b"x" * 1234))
    with site.connect() as connection:
        connection.send(signed(message("HEAD", KEY), ANA).wire)
        answer = connection.receive("HEAD")
        assert (answer.status, answer.header("content-length")) == (200, "1234")
        connection.send(get().wire)
        assert connection.receive().body == b"x" * 1234


def test_a_204_is_bare(site: Site) -> None:
    """No Content-Type, no length, no coding (RFC 9110 section 8.6)."""
    answer = site.call(signed(message("DELETE", KEY), ANA))
    assert answer.status == 204
    names = {name for name, _ in answer.headers}
    assert not {"content-type", "content-length", "transfer-encoding"} & names


def test_keep_alive_works_after_errors(site: Site) -> None:
    """One connection, five answers."""
    wires = [
        (message("GET", KEY), 403),
        (get("/acme-orders/none"), 404),
        (put(), 200),
        (signed(message("PUT", "/acme-orders?inventory&id=inv-1", b"<x/>"), ANA), 400),
        (get(), 200),
    ]
    with site.connect() as connection:
        for wire, status in wires:
            connection.send(wire.wire)
            answer = connection.receive()
            assert (answer.status, answer.header("connection")) == (status, None)


def test_a_client_that_asks_for_it_is_closed_on(site: Site) -> None:
    """`Connection: close` is honoured and said."""
    with site.connect() as connection:
        connection.send(get().plus(("connection", "close")).wire)
        assert connection.receive().header("connection") == "close"
        assert connection.is_closed()


def test_pipelined_requests_are_answered_in_order(site: Site) -> None:
    """I23, row-106: each is routed, signed and judged on its own."""
    mark = site.mark()
    wires = [
        put(b"one", target="/acme-orders/1"),
        message("PUT", "/acme-orders?inventory&id=inv-1", VALID.encode()),
        signed(message("PUT", "/acme-orders?inventory&id=inv-1", VALID.encode()), ANA),
        get("/acme-orders/1"),
        signed(
            message("PUT", "/acme-orders?inventory&id=inv-1", document(encryption="").encode()), ANA
        ),
        get("/acme-orders/2"),
    ]
    with site.connect() as connection:
        connection.send(b"".join(wire.wire for wire in wires))
        answers = [connection.receive() for _ in wires]
    assert [answer.status for answer in answers] == [200, 403, 204, 200, 403, 404]
    assert answers[3].body == b"one"
    assert site.writes(mark) == ["PUT /acme-orders/1", "PUT /acme-orders?inventory&id=inv-1"]
    assert len(site.events(mark, len(wires))) == len(wires)


def test_a_request_in_a_body_is_a_body(site: Site) -> None:
    """I23: nothing is found in it."""
    inner = put(target="/acme-orders/smuggled").wire
    mark = site.mark()
    with site.connect() as connection:
        connection.send(put(inner).wire)
        assert connection.receive().status == 200
        connection.send(get().wire)
        assert connection.receive().body == inner
    assert site.writes(mark) == [f"PUT {KEY}"]


def test_a_refused_body_is_not_the_next_request(site: Site) -> None:
    """I23: what the gateway did not read of a body is read to its end, or the connection ends."""
    inner = put(target="/acme-orders/smuggled").wire
    mark = site.mark()
    with site.connect() as connection:
        connection.send(message("PUT", KEY, inner).wire)
        assert connection.receive().status == 403
        connection.send(get("/acme-orders/none").wire)
        assert connection.receive().status == 404
    assert site.writes(mark) == []


# --- Expect ---------------------------------------------------------------------------------------


def test_continue_is_said_once_the_signature_holds(site: Site) -> None:
    """Then the body is asked for, and stored."""
    wire = expecting(b"data")
    with site.connect() as connection:
        connection.send(wire.head)
        assert connection.receive().status == 100
        connection.send(wire.body)
        assert connection.receive().status == 200
        connection.send(get().wire)
        assert connection.receive().body == b"data"


def test_continue_is_said_for_a_configuration(site: Site) -> None:
    """The gate asks for its body, too."""
    wire = expecting(VALID.encode(), target="/acme-orders?inventory&id=inv-1")
    with site.connect() as connection:
        connection.send(wire.head)
        assert connection.receive().status == 100
        connection.send(wire.body)
        assert connection.receive().status == 204


EXPECT = ("expect", "100-continue")
WAITING = message("PUT", KEY, b"data", [EXPECT])


def chunked(mode: str, framing: str = "length") -> Callable[[Key], Message]:
    """An aws-chunked upload that waits."""
    options = {"mode": mode, "algorithm": "crc64nvme", "headers": [EXPECT]}
    return lambda key: in_framing(framing, KEY, b"data", key, **options)  # type: ignore[arg-type]


MODES = {
    "signed": lambda key: signed(WAITING, key),
    "unsigned": lambda key: signed(WAITING, key, payload=UNSIGNED),
    "presigned": lambda key: presigned(WAITING, key),
    "chunks": chunked(SIGNED_CHUNKS),
    "chunks-and-trailer": chunked(SIGNED_CHUNKS_TRAILER),
    "trailer": chunked(UNSIGNED_TRAILER),
    "trailer-in-http-chunks": chunked(UNSIGNED_TRAILER, "te"),
}


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("mode", MODES)
def test_continue_is_said_in_every_payload_mode(
    site: Site, secure: Site, scheme: str, mode: str
) -> None:
    """At once: aiobotocore, and boto3 over https, would wait for it until they give up."""
    asked = secure if scheme == "https" else site
    wire = MODES[mode](ANA)
    body = wire.body
    if dict(wire.lines).get("transfer-encoding") == "chunked":
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with asked.connect() as connection:
        connection.send(wire.head)
        assert connection.receive().status == 100
        connection.send(body)
        assert connection.receive().status == 200
        connection.send(get().wire)
        assert connection.receive().body == b"data"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("mode", MODES)
def test_no_continue_is_said_before_the_signature_holds(
    site: Site, secure: Site, scheme: str, mode: str
) -> None:
    """I1: a stranger's body is not even asked for."""
    asked = secure if scheme == "https" else site
    mark = asked.mark()
    with asked.connect() as connection:
        connection.send(MODES[mode](Key(ANA.access_key_id, "another secret")).head)
        answer = connection.receive()
        assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    assert asked.writes(mark) == []


def test_a_body_whose_hash_is_undeclared_is_asked_for_first(site: Site) -> None:
    """The signature is made over its hash, so that it cannot be verified without it."""
    wire = signed(WAITING, ANA, declare=False)
    with site.connect() as connection:
        connection.send(wire.head)
        assert connection.receive().status == 100
        connection.send(b"DATA")
        assert connection.receive().code == "SignatureDoesNotMatch"
    with site.connect() as connection:
        connection.send(wire.head)
        assert connection.receive().status == 100
        connection.send(wire.body)
        assert connection.receive().status == 200


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        pytest.param(lambda: expecting(b"data", target="/foreign/key"), 403, id="confined"),
        pytest.param(
            lambda: message("PUT", KEY, b"data", [("expect", "100-continue")]), 403, id="anonymous"
        ),
        pytest.param(
            lambda: expecting(b"data").less("x-amz-date").plus(("x-amz-date", "20200101T000000Z")),
            400,
            id="old-signature",
        ),
        pytest.param(
            lambda: expecting(b"x" * 70_000, target="/acme-orders?inventory&id=inv-1"),
            400,
            id="document-too-large",
        ),
    ],
)
def test_a_refused_expectation_gets_its_error_and_no_continue(
    site: Site, wire: object, status: int
) -> None:
    """The body never has to be sent; the connection ends, since nobody knows whether it will be."""
    mark = site.mark()
    request = wire()  # type: ignore[operator]
    with site.connect() as connection:
        connection.send(request.head)
        answer = connection.receive()
        assert (answer.status, answer.header("connection")) == (status, "close")
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.is_closed()
    assert site.writes(mark) == []


def test_continue_is_said_where_there_is_nothing_to_wait_for(site: Site) -> None:
    """Else the AWS CLI takes this answer for the next one, too; the connection stays."""
    with site.connect() as connection:
        for body in (b"", b"data"):
            connection.send(expecting(body).wire)
            assert [connection.receive().status for _ in range(2)] == [100, 200]


def test_a_refused_expectation_of_nothing_ends_the_connection(site: Site) -> None:
    """A client that takes an answer without a 100 for the next one as well has no next one."""
    with site.connect() as connection:
        connection.send(expecting(b"", target="/foreign/key").wire)
        answer = connection.receive()
        assert (answer.status, answer.header("connection")) == (403, "close")


def test_a_body_that_did_not_wait_needs_no_continue(site: Site) -> None:
    """Some clients send it at once."""
    with site.connect() as connection:
        connection.send(expecting(b"data").wire)
        answer = connection.receive()
        if answer.status == 100:
            answer = connection.receive()
        assert answer.status == 200


@pytest.mark.parametrize("value", ["100-Continue", "100-continue, x", "evil"])
def test_other_expectations_do_not_hang(site: Site, value: str) -> None:
    """I25: they are answered one way or the other."""
    wire = signed(message("PUT", KEY, b"data", [("expect", value)]), ANA)
    with site.connect(timeout=5) as connection:
        connection.send(wire.wire)
        answer = connection.receive()
        if answer.status == 100:
            answer = connection.receive()
        assert answer.status in {200, 400, 417}


def test_a_client_that_does_not_wait_can_still_read_its_error(site: Site) -> None:
    """It sends 5 MiB before it looks: without lingering it would read a reset instead."""
    wire = message("PUT", KEY, b"x" * (5 << 20))
    with site.connect() as connection:
        connection.send(wire.head)
        half = len(wire.body) // 2
        connection.send(wire.body[:half])
        time.sleep(0.05)  # by now it has been refused
        connection.send(wire.body[half:])
        assert connection.receive().code == "AccessDenied"


# --- bodies ---------------------------------------------------------------------------------------


def test_a_chunked_body_can_be_held_only_where_it_is_small(site: Site) -> None:
    """S3 takes no Transfer-Encoding, so the length must be told."""
    plain = Message("PUT", KEY, (("host", "localhost"),))
    wire = signed(plain, ANA, payload=sha256(b"data").hexdigest())
    with site.connect() as connection:
        connection.send(wire.plus(("transfer-encoding", "chunked")).head, b"4\r\ndata\r\n0\r\n\r\n")
        assert connection.receive().status == 411
        connection.send(get("/acme-orders/none").wire)
        assert connection.receive().status == 404


def test_an_aws_chunked_body_in_http_chunks_is_taken(site: Site) -> None:
    """Its length is in x-amz-decoded-content-length."""
    wire = chunked_upload(KEY, b"a" * 100_000, ANA).less("content-length")
    body = wire.body
    pieces = [body[start : start + 30_000] for start in range(0, len(body), 30_000)]
    with site.connect() as connection:
        connection.send(wire.plus(("transfer-encoding", "chunked")).head)
        for piece in pieces:
            connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        connection.send(b"0\r\n\r\n")
        assert connection.receive().status == 200
    assert site.call(get()).body == b"a" * 100_000


@pytest.mark.parametrize("target", [KEY, "/acme-orders?inventory&id=inv-1"])
def test_a_slow_body_is_timed_out(impatient: Site, target: str) -> None:
    """I25, row-42: RequestTimeout after the idle time, and the connection ends."""
    mark = impatient.mark()
    wire = put(VALID.encode(), target=target)
    with impatient.connect() as connection:
        connection.send(wire.head, wire.body[:10])
        answer = connection.receive()
        assert (answer.status, answer.code) == (400, "RequestTimeout")
        assert answer.header("connection") == "close"
    uploads = [request for request in impatient.received(mark) if request.method == "PUT"]
    assert all(not request.complete for request in uploads)
    assert impatient.emulator.buckets["acme-orders"].objects == {}


UNKNOWN = Key("GWNOBODY", "nobody-knows-this-secret")


def drip(connection: Connection) -> bool:
    """Send a byte; whether an answer comes before the next is due."""
    connection.send(b"x")
    return bool(select.select([connection.socket], [], [], 0.1)[0])


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(
            put(b"x" * 60_000, target="/acme-orders?inventory&id=inv-1").head, id="configuration"
        ),
        pytest.param(
            signed(message("PUT", KEY, b"x" * 60_000), UNKNOWN, declare=False).head,
            id="hash-undeclared-and-key-unknown",
        ),
    ],
)
def test_a_small_body_that_trickles_is_timed_out(impatient: Site, head: bytes) -> None:
    """I25: never silent for the idle time, but not all here within it either."""
    with impatient.connect() as connection:
        connection.send(head)
        assert any(drip(connection) for _ in range(100))
        answer = connection.receive()
        assert (answer.status, answer.code) == (400, "RequestTimeout")
        assert answer.header("connection") == "close"


def test_a_body_that_trickles_is_taken(impatient: Site) -> None:
    """The time-out is for silence."""
    wire = put(b"abcd", target="/acme-orders/slow")
    with impatient.connect() as connection:
        connection.send(wire.head)
        for byte in wire.body:
            time.sleep(0.15)
            connection.send(bytes([byte]))
        assert connection.receive().status == 200


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: loc"], ids=["nothing", "line", "header"]
)
def test_a_slow_head_is_timed_out(impatient: Site, sent: bytes) -> None:
    """I25: a connection that says nothing whole is closed."""
    with impatient.connect(timeout=5) as connection:
        connection.send(sent)
        assert connection.is_closed()


def test_an_idle_connection_is_closed(impatient: Site) -> None:
    """I25: after an answer, too."""
    with impatient.connect(timeout=5) as connection:
        connection.send(message("GET", KEY).wire)
        assert connection.receive().status == 403
        assert connection.is_closed()


def test_a_client_that_leaves_within_its_body_stores_nothing(site: Site) -> None:
    """I21: the upstream is released and sees an upload that never ended."""
    mark = site.mark()
    wire = put(b"x" * 1_000_000)
    connection = site.connect()
    connection.send(wire.head, wire.body[:300_000])
    connection.close()
    (event,) = site.events(mark, 1)
    assert event["error"] in {"IncompleteBody", "ClientDisconnected"}
    wait_until(lambda: any(request.method == "PUT" for request in site.received(mark)))
    assert site.emulator.buckets["acme-orders"].objects == {}
    assert [r.complete for r in site.received(mark) if r.method == "PUT"] == [False]
    assert is_healthy(site)


def test_a_client_that_leaves_within_its_document_changes_nothing(site: Site) -> None:
    """I11, row-33: half a document is judged by nobody."""
    mark = site.mark()
    wire = put(VALID.encode(), target="/acme-orders?inventory&id=inv-1")
    connection = site.connect()
    connection.send(wire.head, wire.body[:100])
    connection.close()
    (event,) = site.events(mark, 1)
    assert event["error"] in {"IncompleteBody", "ClientDisconnected"}
    assert site.writes(mark) == []


def test_a_client_that_leaves_within_a_download_is_noted(site: Site) -> None:
    """I25: nothing goes on for nobody."""
    site.call(put(b"x" * (32 << 20)))
    mark = site.mark()
    connection = site.connect()
    connection.send(get().wire)
    connection.socket.recv(1000)
    connection.close()
    (event,) = site.events(mark, 1)
    assert event["error"] == "ClientDisconnected"
    assert event["bytes_out"] < 32 << 20


def test_a_client_that_stops_reading_is_broken_off(impatient: Site) -> None:
    """I25: it holds a connection to S3, which others wait for."""
    target = "/acme-orders/big"
    impatient.call(put(b"x" * (32 << 20), target=target))
    mark = impatient.mark()
    with impatient.connect(timeout=30) as connection:
        connection.send(get(target).wire)
        (event,) = impatient.events(mark, 1)
        assert event["error"] == "ClientDisconnected"
        assert event["bytes_out"] < 32 << 20
        with pytest.raises(BrokenAnswerError):
            connection.receive()


def test_a_client_that_reads_slowly_reads_it_all(patient: Site) -> None:
    """I25: for longer than the idle time, with the window full all along."""
    target, body = "/acme-orders/big", bytes(range(256)) * 65_536
    patient.call(put(body, target=target))
    with patient.connect(timeout=30) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        connection.send(get(target).wire)
        start = b""
        for _ in range(50):
            time.sleep(0.1)
            start += connection.socket.recv(32 * 1024)
        head, _, begun = start.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        while len(begun) < len(body):
            piece = connection.socket.recv(1 << 20)
            assert piece
            begun += piece
    assert begun == body


def test_connections_beyond_the_setting_are_refused(crowded: Site) -> None:
    """I25: closed at once and told of once; when one leaves, another may come."""
    mark = crowded.mark()
    first, second = crowded.connect(), crowded.connect()
    for connection in (first, second):
        connection.send(get("/acme-orders/none").wire)
        assert connection.receive().status == 404
    for _ in range(3):
        with crowded.connect() as connection:
            assert not connection.trickle([message("GET", KEY).wire]) or connection.is_closed()
    first.send(get("/acme-orders/none").wire)
    assert first.receive().status == 404
    told = [line for line in crowded.lines(mark) if line["event"] == "connections are refused"]
    assert [line["level"] for line in told] == ["warning"]
    first.close()

    def served() -> bool:
        with crowded.connect() as connection:
            if not connection.trickle([message("GET", KEY).wire]):
                return False
            try:
                return connection.receive().status == 403
            except (BrokenAnswerError, ConnectionError):
                return False

    wait_until(served)
    second.close()


# --- what is kept ---------------------------------------------------------------------------------


def test_every_request_has_one_access_event(site: Site) -> None:
    """Whatever became of it; and each has an id of its own."""
    mark = site.mark()
    sent: Sequence[bytes] = [
        put().wire,
        get().wire,
        message("GET", KEY).wire,
        NOT_HTTP["garbage"],
        NOT_HTTP["http-1.0"],
        signed(message("PUT", "/acme-orders?inventory&id=inv-1", VALID.encode()), ANA).wire,
        signed(message("PUT", "/acme-orders?inventory&id=inv-1", b"<x/>"), ANA).wire,
        signed(message("HEAD", "/acme-orders/none"), ANA).wire,
    ]
    for wire in sent:
        with site.connect() as connection:
            connection.send(wire)
            connection.receive("HEAD" if wire.startswith(b"HEAD") else "GET")
    events = site.events(mark, len(sent))
    # an event may follow the answer, and so the next request's
    statuses = [event["status"] for event in events]
    assert sorted(statuses) == [200, 200, 204, 400, 400, 400, 403, 404]
    assert len({event["request_id"] for event in events}) == len(sent)


def test_no_secret_is_in_any_line_or_answer(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """I5, I19: secret keys, signatures, tokens and Authorization; in debug logs neither."""
    caplog.set_level(logging.DEBUG)
    mark = site.mark()
    wires = [
        put(),
        presigned(message("GET", KEY), TOM),
        signed(message("GET", KEY), TOM),
        signed(message("GET", "/acme-orders/none"), TOM),
        presigned(message("GET", "/foreign/key"), TOM),
        presigned(message("GET", KEY), TOM, expires=0),
        presigned(message("GET", f"{KEY}?%zz"), TOM),
        signed(message("PUT", "/acme-orders?inventory&id=inv-1", VALID.encode()), TOM),
        signed(message("PUT", "/acme-orders?inventory&id=inv-1", b"<x/>"), TOM),
        presigned(message("PUT", "/acme-orders?inventory&id=inv-1", VALID.encode()), TOM),
        signed(message("GET", KEY), ROOT, service="sts"),
        signed(message("GET", KEY), TOM).plus(("x-a", "b\x01")),
        presigned(message("GET", KEY), TOM).plus(("x-a", "b" * 20_000)),
    ]
    answers = [site.call(wire) for wire in wires]
    lines = site.stream.getvalue()[mark.lines :].decode()
    site.events(mark, len(wires))
    kept = lines + caplog.text + repr(answers) + "".join(repr(a.body) for a in answers)
    for wire in wires:
        text = dict(wire.lines).get("authorization") or wire.target
        signature = text.rpartition("Signature=")[2]
        assert len(signature) == 64
        assert signature not in kept
    assert [secret for secret in SECRETS if secret in kept] == []
    # botocore, in a debug log that the gateway never turns on, shows its own HeadBucket
    others = [r for r in caplog.records if not r.name.startswith("botocore")]
    assert "AWS4-HMAC-SHA256" not in lines + repr(answers) + "".join(r.getMessage() for r in others)
    assert EMPTY not in lines


def test_a_broken_answer_is_seen_as_one(site: Site) -> None:
    """The tests' own connection tells a short answer from a whole one."""
    site.call(put(b"x" * 1000))
    with site.connect() as connection:
        connection.send(get().wire)
        connection.socket.shutdown(socket.SHUT_RD)
        with pytest.raises(BrokenAnswerError):
            connection.receive()
