"""What the lean upstream does beyond the contract (tests/contract/test_upstream.py)."""

import asyncio
import ssl

import pytest

from gateway.adapters import upstream_httptools
from gateway.adapters.upstream_httptools import HttptoolsUpstream
from gateway.core.errors import UpstreamUnavailable
from gateway.core.ports import UpstreamRequest
from tests.support.scripted_upstream import ScriptedUpstream, body_of, hang, say

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


@pytest.fixture
async def server():
    """What stands in for S3."""
    async with ScriptedUpstream() as scripted:
        yield scripted


@pytest.fixture
async def upstream():
    """With short patience."""
    made = HttptoolsUpstream(connections=2, connect_seconds=0.5, idle_seconds=0.4)
    yield made
    await made.close()


def call(server, method="GET", body=None, headers=()):
    """A request."""
    return UpstreamRequest(method, server.url + "/b/key", (("host", "h"), *headers), body)


async def read(upstream, request):
    """Send and read to the end."""
    async with upstream.send(request) as response:
        return await body_of(response)


REFUSED = {
    "no-length": b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    "two-lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    "length-and-chunked": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n"
    b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare-lf": b"HTTP/1.1 200 OK\ncontent-length: 5\n\nhello",
    "endless-head": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000,
    "upgrade": b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
}


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
async def test_an_answer_whose_end_is_in_doubt_is_refused(upstream, server, sent):
    """I23: no byte of one exchange may be taken for another's."""
    server.plays.append(say(sent, then_close=True))
    with pytest.raises(UpstreamUnavailable):
        await read(upstream, call(server))


async def test_bytes_nobody_asked_for_end_the_connection(upstream, server):
    """I23: a second answer is never given to the next request."""
    server.plays += [say(OK, OK), say(OK)]
    await read(upstream, call(server))
    await asyncio.sleep(0.1)
    assert await read(upstream, call(server)) == b"hello"
    assert server.connections == 2


async def test_a_second_answer_in_the_same_packet_is_nobodys(upstream, server):
    """I23: neither its status, its headers nor its body mix with the first's."""
    evil = b"HTTP/1.1 403 Evil\r\nx-evil: 1\r\ncontent-length: 4\r\n\r\nevil"
    server.plays += [say(OK + evil), say(OK)]
    async with upstream.send(call(server)) as response:
        body = await body_of(response)
        names = {name for name, _ in response.headers}
        assert (response.status, body, "x-evil" in names) == (200, b"hello", False)
    assert await read(upstream, call(server)) == b"hello"
    assert server.connections == 2


async def test_an_idle_connection_is_not_kept_for_ever(upstream, server, monkeypatch):
    """S3 closes idle connections; we do so first."""
    server.plays += [say(OK), say(OK)]
    await read(upstream, call(server))
    monkeypatch.setattr(upstream_httptools, "_KEEPALIVE_SECONDS", -1)
    await read(upstream, call(server))
    assert server.connections == 2


async def test_a_connection_that_must_close_is_not_reused(upstream, server):
    """`Connection: close` is obeyed."""
    closing = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello"
    server.plays += [say(closing), say(OK)]
    await read(upstream, call(server))
    await read(upstream, call(server))
    assert server.connections == 2


async def test_a_full_pool_says_so(upstream, server):
    """No place within the time: nothing was sent."""
    server.plays += [hang(), hang()]
    slow = [asyncio.ensure_future(read(upstream, call(server, "DELETE"))) for _ in range(2)]
    await asyncio.sleep(0.05)
    upstream._connect_seconds = 0.05
    with pytest.raises(UpstreamUnavailable) as caught:
        await read(upstream, call(server))
    assert (caught.value.reason, caught.value.sent) == ("connect_timeout", False)
    await asyncio.gather(*slow, return_exceptions=True)


async def test_a_slow_reader_stops_the_upstream(server):
    """I25: what waits for a slow client is bounded."""
    size = 8 << 20
    upstream = HttptoolsUpstream(connections=1, connect_seconds=1, idle_seconds=5)
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size
    server.plays.append(say(head, b"x" * size))
    async with upstream.send(call(server)) as response:
        total, most = 0, 0
        while chunk := await response.read():
            waiting = response._current._waiting
            await asyncio.sleep(0.0005)
            total += len(chunk)
            most = max(most, response._current._waiting)
            assert len(chunk) <= 16 * 1024 or response._current._waiting == waiting
    await upstream.close()
    assert total == size
    assert most <= (256 + 16) * 1024  # one read of asyncio's, and what may wait without a pause


async def test_a_connection_that_was_paused_serves_again(upstream, server):
    """Its last piece may be a large one."""
    size = 200_000
    big = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size
    server.plays += [say(big), say(big), say(big)]
    for _ in range(3):
        assert await read(upstream, call(server)) == b"x" * size
    assert server.connections == 1


async def test_a_stalled_upload_is_given_up(server):
    """An upstream that takes nothing more cannot hold a connection for ever."""
    upstream = HttptoolsUpstream(connections=1, connect_seconds=1, idle_seconds=0.2)

    async def silent(_reader, _writer):
        await asyncio.sleep(3)

    async def endless():
        while True:
            yield b"x" * (1 << 20)

    server.plays.append(silent)
    with pytest.raises(UpstreamUnavailable) as caught:
        await read(upstream, call(server, "PUT", endless(), (("content-length", "1" + "0" * 12),)))
    assert caught.value.reason == "upload_timeout"
    await upstream.close()


async def test_https_is_verified(server):
    """A certificate nobody vouches for: no answer, nothing sent."""
    upstream = HttptoolsUpstream(connections=1, connect_seconds=2, idle_seconds=1)
    request = UpstreamRequest("GET", f"https://127.0.0.1:{server.port}/b", (("host", "h"),))
    with pytest.raises(UpstreamUnavailable) as caught:
        await read(upstream, request)
    assert caught.value.sent is False
    assert isinstance(upstream._ssl, ssl.SSLContext)
    assert upstream._ssl.verify_mode is ssl.CERT_REQUIRED
    await upstream.close()


async def test_it_is_reached_without_a_request(server):
    """Whatever the pool is busy with; S3 is asked nothing."""
    upstream = HttptoolsUpstream(connections=1, connect_seconds=2, idle_seconds=1)
    async with upstream._places:
        await upstream.reach(server.url)
    assert (server.heads, upstream._idle) == ([], {})
    async with asyncio.timeout(30):
        # it has come, and gone again
        while server.connections == 0 or server._serving:  # noqa: ASYNC110 - they have no events
            await asyncio.sleep(0.005)
    await upstream.close()


async def test_what_is_not_there_is_not_reached():
    """Nobody listens."""
    upstream = HttptoolsUpstream(connections=1, connect_seconds=2, idle_seconds=1)
    with pytest.raises(UpstreamUnavailable, match="connect_failed"):
        await upstream.reach("http://127.0.0.1:9")


async def test_what_never_answers_is_not_reached(monkeypatch):
    """A dropped SYN, a handshake that does not end."""

    async def never(*_):
        await asyncio.sleep(60)

    upstream = HttptoolsUpstream(connections=1, connect_seconds=0.05, idle_seconds=1)
    monkeypatch.setattr(upstream, "_connect", never)
    with pytest.raises(UpstreamUnavailable, match="connect_timeout"):
        await upstream.reach("http://127.0.0.1:9")
