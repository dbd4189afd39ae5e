"""The server around it all: what it records, the faults it can play, its headers."""

import asyncio
import re

from botocore.awsrequest import AWSRequest


async def test_requests_are_recorded(raw, emulator):
    """Every request, refused ones too, raw and in order."""
    await raw.send("PUT", "/reports/a%2Fb?x-id=PutObject", b"body", {"X-Amz-Meta-Who": "me"})
    await raw.send("GET", "/reports/../x", sign=False)
    first, second = emulator.requests
    assert (first.method, first.target, first.body) == (
        "PUT",
        "/reports/a%2Fb?x-id=PutObject",
        b"body",
    )
    assert ("X-Amz-Meta-Who", "me") in first.headers
    assert (second.target, second.complete) == ("/reports/../x", True)


async def test_faults(raw, emulator):
    """The next requests fail as asked, then all is well again."""
    emulator.fail_next(2)
    emulator.fail_next(1, status=500, code="InternalError")
    replies = [await raw.send("GET", "/reports") for _ in range(4)]
    assert [reply.status for reply in replies] == [503, 503, 500, 200]
    assert [reply.code for reply in replies[:3]] == ["SlowDown", "SlowDown", "InternalError"]
    assert len(emulator.requests) == 4


async def test_headers_of_every_answer(raw):
    """Ids in S3's alphabets, its server name, no body on HEAD errors."""
    for method, target in [("GET", "/reports"), ("GET", "/absent"), ("HEAD", "/absent")]:
        reply = await raw.send(method, target)
        assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{16}", reply.headers["x-amz-request-id"])
        assert len(reply.headers["x-amz-id-2"]) == 96
        assert reply.headers["server"] == "AmazonS3"
        assert (reply.body == b"") is (method == "HEAD")


async def exchange(emulator, lines, body=b"", *, close=False):
    """Bytes in, bytes out, until the server is silent for a moment or hangs up."""
    port = int(emulator.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([*lines, "", ""]).encode())
    received = await reader.readuntil(b"\r\n\r\n")
    writer.write(body)
    if close:
        writer.close()
        await writer.wait_closed()
        return received
    received += await reader.readuntil(b"\r\n\r\n") if body else await reader.read()
    writer.close()
    await writer.wait_closed()
    return received


def signed_lines(emulator, sign, method, target, length, **options):
    """The head of a signed request that expects 100."""
    request = AWSRequest(method=method, url=emulator.url + target)
    request, _ = sign(request, hashed="UNSIGNED-PAYLOAD", **options)
    host = emulator.url.removeprefix("http://")
    headers = [f"{name}: {value}" for name, value in request.headers.items()]
    return [
        f"{method} {target} HTTP/1.1",
        f"Host: {host}",
        *headers,
        f"Content-Length: {length}",
        "Expect: 100-continue",
    ]


async def test_continue(emulator, sign):
    """100 comes at once for a request that verifies."""
    lines = signed_lines(emulator, sign, "PUT", "/reports/k", 5)
    received = await exchange(emulator, lines, b"hello")
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert emulator.buckets["reports"].objects["k"].body == b"hello"


async def test_no_continue_for_the_refused(emulator, sign):
    """A request that does not verify is refused before its body, and the connection closed."""
    lines = signed_lines(emulator, sign, "PUT", "/reports/k", 5, secret="guessed")
    received = await exchange(emulator, lines)
    assert received.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"Connection: close" in received
    assert emulator.requests[0].body == b""


async def test_an_upload_that_breaks_off(emulator, sign):
    """Half a body stores nothing, and is recorded as incomplete."""
    lines = signed_lines(emulator, sign, "PUT", "/reports/k", 500)
    await exchange(emulator, lines, b"half", close=True)
    async with asyncio.timeout(2):
        while not emulator.requests:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)
    assert (emulator.requests[0].complete, emulator.requests[0].body) == (False, b"half")
    assert not emulator.buckets["reports"].objects


async def test_absolute_form(emulator):
    """Only origin-form targets are S3."""
    host = emulator.url.removeprefix("http://")
    lines = [f"GET {emulator.url}/reports HTTP/1.1", f"Host: {host}", "Connection: close"]
    assert b"<Code>InvalidURI</Code>" in await exchange(emulator, lines)
