"""The port Upstream: every implementation behaves the same, whatever the upstream says."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.adapters.upstream_httptools import HttptoolsUpstream
from gateway.core.errors import UpstreamUnavailable
from gateway.core.ports import UpstreamRequest
from tests.support.scripted_upstream import ScriptedUpstream, body_of, hang, say

MAKERS: dict[str, Callable[..., HttptoolsUpstream]] = {"httptools": HttptoolsUpstream}
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-amz-request-id: R1\r\n\r\nhello"


@pytest.fixture(params=MAKERS)
async def upstream(request):
    """One implementation, with short patience."""
    made = MAKERS[request.param](connections=4, connect_seconds=1.0, idle_seconds=0.4)
    yield made
    await made.close()


@pytest.fixture
async def server():
    """What stands in for S3."""
    async with ScriptedUpstream() as scripted:
        yield scripted


def call(server, method="GET", target="/b/key", headers=(), body=None) -> UpstreamRequest:
    """A request as the pipeline makes it."""
    lines = (("host", f"127.0.0.1:{server.port}"), *headers)
    return UpstreamRequest(method, server.url + target, lines, body)


async def answer(upstream, request) -> tuple[int, bytes]:
    """Send and read to the end."""
    async with upstream.send(request) as response:
        return response.status, await body_of(response)


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    """A body as a stream."""
    for part in parts:
        yield part


async def test_sends_what_was_signed_and_adds_nothing(upstream, server):
    """I7, I20: target and headers arrive byte for byte, and no other header comes with them."""
    server.plays.append(say(OK))
    headers = (("x-amz-meta-name", "caf\xc3\xa9"), ("x-amz-date", "20261120T000000Z"))
    target = "/b//../%2e%2E/key+with%20all?x=%2F&y&inventory="
    assert await answer(upstream, call(server, target=target, headers=headers)) == (200, b"hello")
    lines = server.heads[0].split(b"\r\n")[:-2]
    assert lines[0] == b"GET " + target.encode() + b" HTTP/1.1"
    assert sorted(lines[1:], key=bytes.lower) == sorted(
        [
            b"host: 127.0.0.1:%d" % server.port,
            b"x-amz-meta-name: caf\xc3\xa9",
            b"x-amz-date: 20261120T000000Z",
        ]
    )


async def test_gives_status_and_headers_as_received(upstream, server):
    """Duplicates and bytes above ASCII survive, one character per byte."""
    server.plays.append(
        say(
            b"HTTP/1.1 206 X\r\nX-Amz-Meta-A: caf\xc3\xa9\r\nVary: a\r\nVary: b\r\n"
            b"Content-Length: 0\r\n\r\n"
        )
    )
    async with upstream.send(call(server)) as response:
        assert response.status == 206
        assert ("x-amz-meta-a", "caf\xc3\xa9") in response.headers
        assert [value for name, value in response.headers if name == "vary"] == ["a", "b"]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param((OK,), id="at-once"),
        pytest.param(tuple(bytes([byte]) for byte in OK), id="byte-by-byte"),
        pytest.param(
            (
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n",
                b"3\r\nllo\r\n0\r\n\r\n",
            ),
            id="chunked",
        ),
        pytest.param((b"HTTP/1.1 100 Continue\r\n\r\n", OK), id="after-100"),
    ],
)
async def test_reads_the_body_in_every_framing(upstream, server, sent):
    """The same body comes out."""
    server.plays.append(say(*sent))
    assert await answer(upstream, call(server)) == (200, b"hello")


async def test_keeps_a_gzip_body_as_it_is(upstream, server):
    """I24: nothing is decompressed."""
    server.plays.append(
        say(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x00x")
    )
    assert await answer(upstream, call(server)) == (200, b"\x1f\x8b\x00x")


async def test_follows_no_redirect(upstream, server):
    """I8: a Location is an answer like any other."""
    server.plays.append(say(b"HTTP/1.1 307 T\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n"))
    assert await answer(upstream, call(server)) == (307, b"")
    assert len(server.heads) == 1


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_a_bodiless_answer_leaves_the_connection_fit(upstream, server, method):
    """A HEAD's length is not waited for, nor a 304's; the connection serves again."""
    status = b"200 OK" if method == "HEAD" else b"304 Not Modified"
    server.plays += [say(b"HTTP/1.1 " + status + b"\r\ncontent-length: 99\r\n\r\n"), say(OK)]
    assert (await answer(upstream, call(server, method)))[1] == b""
    assert await answer(upstream, call(server)) == (200, b"hello")
    assert server.connections == 1


async def test_connections_are_reused(upstream, server):
    """A pool that opened one per request would be no pool."""
    server.plays += [say(OK) for _ in range(5)]
    for _ in range(5):
        await answer(upstream, call(server))
    assert server.connections == 1


@pytest.mark.parametrize("body", [b"payload", None], ids=["bytes", "stream"])
async def test_uploads_arrive_whole(upstream, server, body):
    """Bytes and streams alike, with the declared length."""
    server.plays.append(server.keep_body(7))
    request = call(
        server, "PUT", headers=(("content-length", "7"),), body=body or pieces(b"pay", b"load")
    )
    assert await answer(upstream, request) == (200, b"")
    assert server.bodies == [b"payload"]
    assert server.heads[0].lower().count(b"content-length") == 1


FAULTS = {
    "closes-without-answer": (say(b"", then_close=True), "broke_off"),
    "resets": (say(b"", abort=True), "broke_off"),
    "half-a-head": (say(b"HTTP/1.1 200 OK\r\ncont", then_close=True), "broke_off"),
    "not-http": (say(b"220 smtp.example.org ESMTP\r\n\r\n", then_close=True), "broke_off"),
    "silence": (hang(), "timeout"),
}


@pytest.mark.parametrize(("play", "reason"), FAULTS.values(), ids=FAULTS)
async def test_no_answer_is_said_so(upstream, server, play, reason):
    """And the pool is healthy afterwards."""
    server.plays += [play, play, say(OK), say(OK)]
    request = call(server, "PUT", headers=(("content-length", "1"),), body=b"x")
    with pytest.raises(UpstreamUnavailable) as caught:
        await answer(upstream, request)
    assert reason in caught.value.reason
    assert caught.value.sent
    server.plays.popleft()
    assert await answer(upstream, call(server)) == (200, b"hello")


TRUNCATED = {
    "content-length": b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf",
    "chunked": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    "within-a-chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhalf",
}


@pytest.mark.parametrize("sent", TRUNCATED.values(), ids=TRUNCATED)
@pytest.mark.parametrize("abort", [False, True], ids=["closed", "reset"])
async def test_a_truncated_body_is_never_complete(upstream, server, sent, abort):
    """I22: a break is no end."""
    server.plays.append(say(sent, then_close=not abort, abort=abort))
    with pytest.raises(UpstreamUnavailable):
        await answer(upstream, call(server))


async def test_a_body_that_stalls_is_given_up(upstream, server):
    """The longest silence is bounded, not the whole."""
    server.plays.append(say(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf"))
    with pytest.raises(UpstreamUnavailable) as caught:
        await answer(upstream, call(server))
    assert caught.value.reason == "body_timeout"


@pytest.mark.parametrize(("method", "sends"), [("GET", 2), ("PUT", 1), ("DELETE", 1)])
async def test_a_write_is_never_repeated(upstream, server, method, sends):
    """One decision, one send: only reads are repeated when an idle connection turns out dead."""
    server.plays += [say(OK), say(b"", abort=True), say(OK)]
    await answer(upstream, call(server))
    body = b"x" if method == "PUT" else None
    request = call(server, method, headers=(("content-length", "1"),) * bool(body), body=body)
    if sends == 1:
        with pytest.raises(UpstreamUnavailable):
            await answer(upstream, request)
    else:
        assert (await answer(upstream, request))[0] == 200
    assert len(server.heads) == 1 + sends


async def test_nobody_listens(upstream):
    """`sent` is False: no byte can have reached S3."""
    request = UpstreamRequest("GET", "http://127.0.0.1:1/b/key", (("host", "x"),))
    with pytest.raises(UpstreamUnavailable) as caught:
        await answer(upstream, request)
    assert (caught.value.reason, caught.value.sent) == ("connect_failed", False)


async def test_the_pool_is_bounded(upstream, server):
    """A fifth request waits for a place, and says so when none comes free."""
    server.plays += [hang() for _ in range(5)]

    async def reason(request) -> str:
        try:
            await answer(upstream, request)
        except UpstreamUnavailable as error:
            return error.reason
        return ""

    upstream_calls = [reason(call(server)) for _ in range(4)]
    first = asyncio.gather(*upstream_calls)
    await first
    assert server.connections <= 8  # reads may be repeated once
    server.plays.clear()
    server.plays.append(say(OK))
    assert await answer(upstream, call(server)) == (200, b"hello")


async def test_an_answer_that_is_left_is_not_downloaded(upstream, server):
    """Leaving the context early drops the connection: the upstream sees it go."""
    server.plays.append(say(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n" + b"x" * 1000))

    class Left(Exception):  # noqa: N818
        pass

    async def leave() -> None:
        async with upstream.send(call(server)) as response:
            await response.read()
            raise Left

    with pytest.raises(Left):
        await leave()
    for _ in range(50):
        if server.closed:
            break
        await asyncio.sleep(0.02)
    assert server.closed == 1


async def test_a_body_that_fails_is_never_completed(upstream, server):
    """I21: the upstream gets fewer bytes than declared, and a broken connection."""
    server.plays.append(server.keep_body(10))

    async def broken() -> AsyncIterator[bytes]:
        yield b"12345"
        raise UpstreamUnavailable("client_broke_off")

    request = call(server, "PUT", headers=(("content-length", "10"),), body=broken())
    with pytest.raises(UpstreamUnavailable):
        await answer(upstream, request)
    for _ in range(50):
        if server.closed:
            break
        await asyncio.sleep(0.02)
    assert (server.bodies, server.closed) == ([], 1)


async def test_an_early_refusal_is_read_before_the_body_ends(upstream, server):
    """S3 may say no while the body is still on its way."""
    refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno"
    server.plays.append(say(refusal))

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(200):
            await asyncio.sleep(0.01)
            yield b"x" * 1000

    request = call(server, "PUT", headers=(("content-length", "200000"),), body=endless())
    assert await answer(upstream, request) == (403, b"no")
