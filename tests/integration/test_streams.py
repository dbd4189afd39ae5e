"""Objects up and down through a whole gateway: byte for byte, or visibly broken."""

import asyncio
import gzip
import os
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from zlib import crc32

import pytest

from gateway.core.inventory.document import read_configuration, write_configuration
from tests.support.connection import BrokenAnswerError, Connection
from tests.support.inventory import VALID, document
from tests.support.scripted_upstream import Play, ScriptedUpstream, hang, say
from tests.support.site import ANA, TOM, Site, wait_until
from tests.support.wire import (
    CHUNKED_MODES,
    FRAMINGS,
    SIGNED_CHUNKS,
    SIGNED_CHUNKS_TRAILER,
    UNSIGNED,
    UNSIGNED_TRAILER,
    Message,
    chunked_upload,
    in_framing,
    message,
    presigned,
    signed,
)

KEY = "/acme-orders/key"
PUT = "/acme-orders?inventory&id=inv-1"


def put(body: bytes, *headers: tuple[str, str], payload: str | None = None) -> Message:
    """An upload by ana."""
    return signed(message("PUT", KEY, body, headers), ANA, payload=payload)


def get(target: str = KEY, *headers: tuple[str, str]) -> Message:
    """A read by ana."""
    return signed(message("GET", target, b"", headers), ANA)


def put_inventory(body: str = VALID, target: str = PUT) -> Message:
    """A gated PUT by ana."""
    return signed(message("PUT", target, body.encode()), ANA)


# --- in front of the emulator ---------------------------------------------------------------------

BIG = os.urandom(1 << 20) * 20
CRC = ("x-amz-checksum-crc32", b64encode(crc32(BIG).to_bytes(4, "big")).decode())


@pytest.mark.parametrize(
    "upload",
    [
        pytest.param(lambda: put(BIG), id="signed"),
        pytest.param(lambda: put(BIG, payload=UNSIGNED), id="unsigned"),
        pytest.param(lambda: presigned(message("PUT", KEY, BIG), TOM), id="presigned"),
        pytest.param(
            lambda: chunked_upload(KEY, BIG, ANA, mode=SIGNED_CHUNKS, chunk=1 << 16), id="chunks"
        ),
        pytest.param(
            lambda: chunked_upload(
                KEY, BIG, ANA, mode=SIGNED_CHUNKS_TRAILER, chunk=1 << 20, trailer=CRC
            ),
            id="chunks-and-trailer",
        ),
        pytest.param(
            lambda: chunked_upload(KEY, BIG, ANA, mode=UNSIGNED_TRAILER, chunk=9000, trailer=CRC),
            id="trailer",
        ),
    ],
)
def test_twenty_mebibytes_go_up_and_down_unchanged(
    site: Site, upload: Callable[[], Message]
) -> None:
    """I24: whatever protects the body on its way."""
    assert site.call(upload()).status == 200
    assert site.emulator.buckets["acme-orders"].objects["key"].body == BIG
    answer = site.call(get())
    assert (answer.status, len(answer.body)) == (200, len(BIG))
    assert answer.body == BIG


def test_a_compressed_object_stays_compressed(site: Site) -> None:
    """I24: nobody inflates it, on the way up or down."""
    body = gzip.compress(b"data" * 1000)
    assert site.call(put(body, ("content-encoding", "gzip"))).status == 200
    answer = site.call(get())
    assert (answer.header("content-encoding"), answer.body) == ("gzip", body)


def test_metadata_beyond_ascii_makes_the_round_trip(site: Site) -> None:
    """As UTF-8 bytes, the way SDKs send it."""
    text = "gr\u00fc\u00df \u4e16\u754c".encode().decode("latin-1")
    assert site.call(put(b"data", ("x-amz-meta-hello", text))).status == 200
    stored = site.emulator.buckets["acme-orders"].objects["key"].metadata
    assert stored == {"hello": "gr\u00fc\u00df \u4e16\u754c"}
    answer = site.call(signed(message("HEAD", KEY), ANA))
    assert answer.header("x-amz-meta-hello") == text


@pytest.mark.parametrize(
    "key", ["a//b", "./a", "a/../b", "%2F", "a%20b", "a+b", "%C3%BC", "a%2Fb;c=d", "~a'(b)*!"]
)
def test_keys_are_opaque(site: Site, key: str) -> None:
    """I7: what was written is found under the same spelling, and S3 saw that spelling."""
    mark = site.mark()
    wire = signed(message("PUT", f"/acme-orders/{key}", b"data"), ANA)
    assert site.call(wire).status == 200
    assert site.writes(mark) == [f"PUT /acme-orders/{key}"]
    assert site.call(get(f"/acme-orders/{key}")).body == b"data"


def test_conditions_and_ranges_are_s3s(site: Site) -> None:
    """304 and 206 pass as they are."""
    etag = site.call(put(b"0123456789")).header("etag") or ""
    same = site.call(get(KEY, ("if-none-match", etag)))
    part = site.call(get(KEY, ("range", "bytes=2-4")))
    assert (same.status, same.body) == (304, b"")
    assert (part.status, part.body, part.header("content-range")) == (206, b"234", "bytes 2-4/10")


def test_a_listing_in_chunks_is_relayed(site: Site) -> None:
    """The emulator's errors and lists come in HTTP chunks."""
    site.call(put(b"data"))
    listing = site.call(get("/acme-orders?list-type=2"))
    missing = site.call(get("/acme-orders/none"))
    assert b"<Key>key</Key>" in listing.body
    assert (missing.status, missing.code) == (404, "NoSuchKey")


@pytest.mark.parametrize("algorithm", ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"])
@pytest.mark.parametrize("mode", CHUNKED_MODES)
@pytest.mark.parametrize("framing", FRAMINGS)
def test_every_framing_of_chunks_is_taken(
    site: Site, framing: str, mode: str, algorithm: str
) -> None:
    """I24: on the wire, HTTP chunks and aws-chunks with borders of their own."""
    data = BIG[:150_001]
    wire = in_framing(framing, KEY, data, ANA, mode=mode, algorithm=algorithm, chunk=70_000)
    body = wire.body
    if framing == "te":
        sizes = (1, 65_524, 7, 50_000, len(body))
        places = sorted({0, *(min(sum(sizes[:n]), len(body)) for n in range(1, 6))})
        pieces = [body[start:end] for start, end in pairwise(places)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
    with site.connect() as connection:
        connection.send(wire.head, body)
        assert connection.receive().status == 200
    stored = site.emulator.buckets["acme-orders"].objects["key"]
    assert stored.body == data
    answer = site.call(signed(message("HEAD", KEY), ANA))
    assert answer.header("content-encoding") == ("gzip" if framing == "gzip" else None)


@pytest.mark.parametrize(
    ("mode", "at", "code"),
    [
        (SIGNED_CHUNKS, 100_000, "SignatureDoesNotMatch"),
        (SIGNED_CHUNKS, -8, "SignatureDoesNotMatch"),
        (SIGNED_CHUNKS_TRAILER, -8, "SignatureDoesNotMatch"),
        (UNSIGNED_TRAILER, 100_000, "BadDigest"),
    ],
)
def test_a_tampered_chunked_upload_is_not_stored(site: Site, mode: str, at: int, code: str) -> None:
    """I21: S3 sees an upload that never ended; the client reads why."""
    data = BIG[:300_000]
    crc = ("x-amz-checksum-crc32", b64encode(crc32(data).to_bytes(4, "big")).decode())

    def tamper(framed: bytes) -> bytes:
        position = at % len(framed)
        other = b"1" if framed[position : position + 1] == b"0" else b"0"  # a digit in either case
        return framed[:position] + other + framed[position + 1 :]

    trailer = None if mode == SIGNED_CHUNKS else crc
    mark = site.mark()
    wire = chunked_upload(KEY, data, ANA, mode=mode, trailer=trailer, tamper=tamper)
    answer = site.call(wire)
    assert (answer.status >= 400, answer.code) == (True, code)
    wait_until(lambda: len(site.writes(mark)) == 1)
    assert [r.complete for r in site.received(mark) if r.method == "PUT"] == [False]
    assert site.emulator.buckets["acme-orders"].objects == {}


def test_a_tampered_signed_upload_is_refused_by_s3(site: Site) -> None:
    """I21: the client's hash went up with it."""
    wire = put(b"data")
    answer = site.call(Message(wire.method, wire.target, wire.headers, b"DATA"))
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")
    assert site.emulator.buckets["acme-orders"].objects == {}


def test_two_hundred_gated_puts_at_once(site: Site) -> None:
    """I16, I23, row-108: each has its own decision, answer and event; none is lost or mixed up."""
    mark = site.mark()

    def one(number: int) -> tuple[int, str, int]:
        good = number % 2
        text = document(inventory_id=f"n{number}", encryption="" if not good else KMS_OR_S3)
        answer = site.call(put_inventory(text, f"/acme-orders?inventory&id=n{number}"))
        return number, answer.header("x-inventory-gateway-decision-id") or "", answer.status

    with ThreadPoolExecutor(40) as pool:
        results = list(pool.map(one, range(200)))
    assert {number: status for number, _, status in results} == {
        number: 204 if number % 2 else 403 for number in range(200)
    }
    assert len({decision for _, decision, _ in results}) == 200
    stored = site.emulator.buckets["acme-orders"].inventories
    assert set(stored) == {f"n{number}" for number in range(1, 200, 2)}
    assert all(f"<Id>{name}</Id>".encode() in body for name, body in stored.items())
    assert len(site.events(mark, 200)) == 200
    decisions = [line for line in site.lines(mark) if line["event"] == "decision"]
    assert {line["decision_id"] for line in decisions} == {decision for _, decision, _ in results}


KMS_OR_S3 = "<Encryption><SSE-S3/></Encryption>"


def test_the_same_id_at_once_is_judged_each_time(site: Site) -> None:
    """Row-108: whoever is last wins, and what it wrote was judged."""
    good, bad = put_inventory(), put_inventory(document(encryption=""))
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda wire: site.call(wire).status, [good, bad] * 16))
    assert statuses == [204, 403] * 16
    assert b"SSE-S3" in site.emulator.buckets["acme-orders"].inventories["inv-1"]


def test_objects_at_once_are_never_mixed_up(site: Site) -> None:
    """I23: each reader gets the bytes of its own key."""
    bodies = {f"/acme-orders/{n}": bytes([n]) * (50_000 + n) for n in range(32)}

    def one(target: str) -> bool:
        body = bodies[target]
        wrote = site.call(signed(message("PUT", target, body), ANA)).status
        return wrote == 200 and site.call(get(target)).body == body

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(one, bodies))


@pytest.mark.parametrize("status", [500, 503])
def test_a_fault_of_s3_is_relayed(site: Site, status: int) -> None:
    """Row-101: once; the gateway does not repeat a write."""
    site.call(put_inventory())  # facts are known from here on
    site.emulator.fail_next(1, status, "SlowDown")
    mark = site.mark()
    answer = site.call(put_inventory())
    assert (answer.status, answer.code) == (status, "SlowDown")
    assert len(site.writes(mark)) == 1


# --- in front of an upstream that misbehaves ------------------------------------------------------


def upstream_of(site: Site, *plays: Play) -> ScriptedUpstream:
    """The upstream, told what to say next."""
    assert site.scripted is not None
    site.scripted.plays.extend(plays)
    return site.scripted


def broken(site: Site, wire: Message) -> bytes:
    """Send; the answer must break off. What was received of it."""
    with site.connect() as connection:
        connection.send(wire.wire)
        with pytest.raises(BrokenAnswerError) as caught:
            connection.receive()
    return bytes(caught.value.args[0]) if caught.value.args else b""


def ok(length: int) -> bytes:
    """The head of a 200."""
    return b"HTTP/1.1 200 OK\r\nx-amz-request-id: UP1\r\ncontent-length: %d\r\n\r\n" % length


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "play",
    [
        pytest.param(say(ok(1000), b"x" * 500, then_close=True), id="closed"),
        pytest.param(say(ok(1000), b"x" * 500, abort=True), id="reset"),
        pytest.param(say(CHUNKED, b"5\r\nabcde\r\n", then_close=True), id="chunks-closed"),
        pytest.param(say(CHUNKED, b"5\r\nabcde\r\n5\r\nab", abort=True), id="chunk-reset"),
        pytest.param(say(CHUNKED, b"5\r\nabcde\r\nzz\r\n"), id="chunk-garbage"),
        pytest.param(say(ok(1000), b"x" * 500), id="silent"),
    ],
)
def test_a_download_that_breaks_off_is_never_whole(scripted: Site, play: Play) -> None:
    """I22: the client's connection breaks; it cannot take what it has for the object."""
    mark = scripted.mark()
    upstream_of(scripted, play)
    broken(scripted, get())
    (event,) = scripted.events(mark, 1)
    assert event["status"] == 200
    assert event["reason"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(CHUNKED + b"5\r\nabcde\r\n3\r\nfgh\r\n0\r\n\r\n", b"abcdefgh", id="chunked"),
        pytest.param(CHUNKED + b"5;ext=1\r\nabcde\r\n0\r\nx-t: v\r\n\r\n", b"abcde", id="trailer"),
        pytest.param(CHUNKED + b"0\r\n\r\n", b"", id="empty-chunked"),
        pytest.param(ok(5) + b"abcde", b"abcde", id="length"),
        pytest.param(ok(0), b"", id="empty"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + ok(1) + b"a", b"a", id="after-100"),
    ],
)
def test_an_answer_is_relayed_in_a_framing_of_our_own(
    scripted: Site, answer: bytes, expected: bytes
) -> None:
    """I20, I24: chunked or with a length, the bytes are the same; the connection goes on."""
    upstream_of(scripted, say(answer), say(ok(4) + b"next"))
    with scripted.connect() as connection:
        connection.send(get().wire)
        received = connection.receive()
        assert (received.status, received.body) == (200, expected)
        connection.send(get().wire)
        assert connection.receive().body == b"next"


def test_a_slow_drip_is_an_answer(scripted: Site) -> None:
    """A byte at a time, longer in all than any silence may be."""
    upstream_of(scripted, say(*[bytes([byte]) for byte in ok(30) + b"x" * 30]))
    answer = scripted.call(get())
    assert (answer.status, answer.body) == (200, b"x" * 30)


def test_headers_that_come_twice_are_passed_on_twice(scripted: Site) -> None:
    """Which of the two counts is the client's to say; none of them frames the answer."""
    head = b"HTTP/1.1 200 OK\r\nx-amz-meta-a: 1\r\nx-amz-meta-a: 2\r\ncontent-length: 4\r\n\r\n"
    upstream_of(scripted, say(head + b"body"))
    answer = scripted.call(get())
    assert [value for name, value in answer.headers if name == "x-amz-meta-a"] == ["1", "2"]
    assert answer.body == b"body"


@pytest.mark.parametrize("pieces", [1, 2], ids=["one-packet", "two-packets"])
def test_bytes_behind_an_answer_reach_nobody(scripted: Site, pieces: int) -> None:
    """I23: an answer that nobody asked for is neither appended nor given to the next client."""
    evil = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"
    parts = [ok(4) + b"good" + evil] if pieces == 1 else [ok(4) + b"good", evil]
    upstream_of(scripted, say(*parts), say(ok(4) + b"next"))
    with scripted.connect(timeout=5) as connection:
        connection.send(get().wire)
        first = connection.receive()
        assert first.status == 502 or first.body == b"good"
        time.sleep(0.05)
        connection.send(get("/acme-orders/other").wire)
        second = connection.receive()
        assert second.body == b"next"
        assert b"evil" not in first.head + first.body + second.head


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n"
            b"8\r\nabcdefgh\r\n0\r\n\r\n",
            id="length-and-coding",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 8\r\n\r\nabcdefgh",
            id="two-lengths",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-length: 4, 4\r\n\r\nabcd",
            id="length-list",
        ),
    ],
)
def test_an_answer_with_two_framings_is_not_passed_on(scripted: Site, head: bytes) -> None:
    """I20: no client may read more or less of it than we did."""
    upstream_of(scripted, *[say(head, then_close=True)] * 2)  # a read may be repeated
    with scripted.connect(timeout=5) as connection:
        connection.send(get().wire)
        try:
            answer = connection.receive()
        except BrokenAnswerError:
            return
        if answer.status == 200:
            assert len(answer.body) == int(answer.header("content-length") or len(answer.body))
            connection.send(message("GET", KEY).wire)
            assert connection.receive().status == 403
        else:
            assert answer.status == 502


@pytest.mark.parametrize(
    ("play", "status"),
    [
        pytest.param(say(b"garbage\r\n\r\n"), 502, id="garbage"),
        pytest.param(say(b"HTTP/1.1 200 OK\r\n", then_close=True), 502, id="half-a-head"),
        pytest.param(say(b"", abort=True), 502, id="reset"),
        pytest.param(hang(), 504, id="silence"),
        pytest.param(
            say(b"HTTP/1.1 307 T\r\nlocation: http://evil/\r\ncontent-length: 0\r\n\r\n"),
            502,
            id="redirect",
        ),
        pytest.param(
            say(b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000 + b"\r\n\r\n"), 502, id="huge-head"
        ),
    ],
)
def test_no_answer_is_an_s3_error(scripted: Site, play: Play, status: int) -> None:
    """Row-96, row-101: never a success, and no redirect."""
    upstream_of(scripted, play, play)
    answer = scripted.call(signed(message("DELETE", KEY), ANA))
    assert (answer.status, answer.code) == (status, "ServiceUnavailable")
    assert answer.header("location") is None


def test_a_write_is_sent_once(scripted: Site) -> None:
    """Row-101: an upstream that closes under a reused connection sees no second attempt."""
    upstream = upstream_of(scripted, say(ok(0)), say(b"", abort=True), say(ok(0)))
    assert scripted.call(get()).status == 200
    assert scripted.call(put(b"data")).status == 502
    assert [head.split(b" ")[0] for head in upstream.heads] == [b"GET", b"PUT"]
    assert len(upstream.plays) == 1


def test_an_early_error_of_s3_reaches_the_client(scripted: Site) -> None:
    """S3 refuses before the body is through: the client reads it, and nothing hangs."""
    denied = b"<Error><Code>AccessDenied</Code></Error>"
    head = b"HTTP/1.1 403 F\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(denied)
    upstream_of(scripted, say(head + denied, then_close=True))
    wire = put(b"x" * (4 << 20))
    with scripted.connect() as connection:
        connection.trickle([wire.head, wire.body[: 1 << 20]])
        time.sleep(0.1)
        connection.trickle([wire.body[1 << 20 :]])
        answer = connection.receive()
    assert answer.status in {403, 502}


def test_an_upload_is_framed_by_us(scripted: Site) -> None:
    """I20: one Content-Length, ours; no hop-by-hop header; Host is the upstream's."""
    upstream = upstream_of(scripted)
    upstream.plays.append(upstream.keep_body(4))
    wire = put(
        b"data", ("x-amz-meta-a", "b"), ("te", "trailers"), ("upgrade-insecure-requests", "1")
    )
    assert scripted.call(wire.plus(("connection", "keep-alive, te"))).status == 200
    head = upstream.heads[0].decode().lower()
    names = [line.partition(":")[0] for line in head.split("\r\n")[1:] if line]
    assert (names.count("content-length"), "content-length: 4" in head) == (1, True)
    assert not {"connection", "te", "transfer-encoding", "keep-alive", "upgrade"} & set(names)
    assert not {"accept-encoding", "user-agent", "accept"} & set(names)
    assert f"host: 127.0.0.1:{upstream.port}" in head
    assert len(names) == len(set(names))
    assert upstream.bodies == [b"data"]


@pytest.mark.parametrize("size", [1, 300_000, 3_000_000])
def test_a_tampered_upload_is_never_completed_where_the_gateway_checks(
    checking: Site, size: int
) -> None:
    """I21: the setting payload_check, for an upstream that would store anything."""
    upstream = upstream_of(checking)
    upstream.plays.extend([upstream.keep_body(size)] * 2)
    wire = put(b"x" * (size - 1) + b"y")
    answer = checking.call(replace(wire, body=b"x" * size))
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")
    wait_until(lambda: upstream.closed == upstream.connections)
    assert upstream.bodies == []
    assert checking.call(wire).status == 200
    assert upstream.bodies == [wire.body]


def test_a_204_of_the_upstream_stays_bare(scripted: Site) -> None:
    """Row-97: even where the upstream sends a length with it."""
    upstream_of(scripted, say(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"))
    answer = scripted.call(signed(message("DELETE", KEY), ANA))
    names = {name for name, _ in answer.headers}
    assert answer.status == 204
    assert not {"content-type", "content-length", "transfer-encoding"} & names


def test_a_client_that_leaves_frees_the_upstream(scripted: Site) -> None:
    """I25: the connection to S3 is dropped, not drained."""
    upstream = upstream_of(scripted, say(ok(1 << 30), *[b"x" * (1 << 16)] * 400))
    closed = upstream.closed
    connection = scripted.connect()
    connection.send(get().wire)
    connection.socket.recv(1000)
    connection.socket.setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
    )
    connection.close()
    wait_until(lambda: upstream.closed > closed)


RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"


def leave(connection: Connection) -> None:
    """By a reset, so that the gateway hears of it at once."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    connection.close()


def test_the_outcome_of_a_whole_upload_is_awaited_for_a_client_that_left(patient: Site) -> None:
    """S3 may store it anyway: the access event says what it did."""
    upstream = upstream_of(patient)
    release = threading.Event()

    async def hesitate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream.bodies.append(await reader.readexactly(4))
        await asyncio.to_thread(release.wait)
        writer.write(ok(0))

    upstream.plays.append(hesitate)
    mark, closed = patient.mark(), upstream.closed
    connection = patient.connect()
    connection.send(put(b"data").wire)
    wait_until(lambda: upstream.bodies == [b"data"])
    leave(connection)
    time.sleep(0.2)
    assert upstream.closed == closed
    release.set()
    (event,) = patient.events(mark, 1)
    assert (event["status"], event["upstream_request_id"]) == (200, "UP1")


def test_a_silent_upstream_is_not_awaited_for_ever(scripted: Site) -> None:
    """I25: its own idle time bounds what a client that left still holds."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        await hang()(reader, writer)

    upstream = upstream_of(scripted, silent)
    mark, closed = scripted.mark(), upstream.closed
    connection = scripted.connect()
    connection.send(put(b"data").wire)
    wait_until(lambda: len(upstream.heads) == 1)
    leave(connection)
    wait_until(lambda: upstream.closed > closed)
    (event,) = scripted.events(mark, 1)
    assert event["error"] in {"UpstreamTimeout", "ClientDisconnected"}


def test_half_an_upload_is_dropped_at_once_when_its_client_leaves(patient: Site) -> None:
    """I21: S3 sees one that never ended; so does one that still waits for its turn."""
    upstream = upstream_of(patient, hang())
    mark, closed = patient.mark(), upstream.closed
    wire = put(b"x" * (1 << 20))
    sending, waiting = patient.connect(), patient.connect()
    sending.send(wire.head, wire.body[: 1 << 19])
    wait_until(lambda: len(upstream.heads) == 1)
    waiting.send(wire.head, wire.body[:1000])  # there is one connection to S3, and it is taken
    time.sleep(0.2)
    leave(waiting)
    (event,) = patient.events(mark, 1)
    assert (event["error"], event["status"]) == ("ClientDisconnected", 0)
    assert upstream.closed == closed
    leave(sending)
    wait_until(lambda: upstream.closed > closed)
    assert {event["error"] for event in patient.events(mark, 2)} == {"ClientDisconnected"}
    assert len(upstream.heads) == 1


def test_a_gated_put_whose_answer_is_lost_is_unknown(scripted: Site) -> None:
    """I17, row-101: the record stands; the client reads an error and never a success."""
    mark = scripted.mark()
    upstream_of(scripted, say(b"", abort=True))
    answer = scripted.call(put_inventory(document(account=None, encryption=KMS_OR_S3)))
    assert answer.status == 403  # the scripted upstream confirms no owner, so policy refuses
    good = scripted.call(put_inventory())
    assert good.status == 502
    outcomes = [line["custom"]["outcome"] for line in scripted.lines(mark) if "custom" in line]
    assert outcomes == ["refused", "unknown"]


def test_the_canonical_document_is_what_travels(scripted: Site) -> None:
    """I12: byte for byte, under its own hash."""
    canonical = write_configuration(read_configuration(VALID.encode()))
    upstream = upstream_of(scripted)
    upstream.plays.append(upstream.keep_body(len(canonical)))
    assert scripted.call(put_inventory()).status == 200
    assert upstream.bodies == [canonical]


def test_the_answer_to_a_gated_call_is_bounded(scripted: Site) -> None:
    """Row-99, I25: more than a configuration is no answer to one."""
    upstream_of(scripted, say(ok(1 << 20), b"x" * (1 << 20)))
    assert scripted.call(put_inventory()).status == 502


def test_the_next_client_is_served(scripted: Site) -> None:
    """After all that."""
    upstream_of(scripted, say(ok(4) + b"fine"))
    assert scripted.call(get()).body == b"fine"
