"""Clients that leave in the middle: the upstream is released at once, and nothing remains.

By default 100 of a kind, with `ENDURANCE=full` 1,000.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.endurance.process import gateway, listener
from tests.endurance.traffic import MIB, Client, Counter, Upstream, client, download, until
from tests.support.scripted_upstream import ScriptedUpstream, hang

Record = Callable[[str, object], None]
_CLIENTS = 1000 if os.environ.get("ENDURANCE") == "full" else 100
_AT_ONCE = 25
#: What an allocator may move without anything having leaked.
_NOISE_MIB = 8.0
_SIZE = 100 * MIB
#: What may still move once a client has left: what waits in the gateway makes room for as much.
_BUFFERS = 1 * MIB
#: From a client's end to the upstream's, on a busy machine; far less than any time-out.
_AT_ONCE_SECONDS = 20.0


async def _at_rest(counters: Iterable[Counter]) -> None:
    """Wait until every buffer on the way is full."""
    last = -1
    while last != (last := sum(c.moved for c in counters)):  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_clients_leave_mid_download(
    tmp_path: Path, scripted: ScriptedUpstream, record_property: Record, *, secure: bool
) -> None:
    """Half of them by a reset. No more than a few buffers, no memory, no descriptor is left."""
    tls, settings = listener(tmp_path, secure=secure)
    upstream = Upstream(scripted, small_buffers=True)

    async def start(number: int, port: int, stack: AsyncExitStack) -> Client:
        one = await stack.enter_async_context(client(port, tls=tls, small_buffers=True))
        assert (await one.ask(f"/acme-orders/{number}"))[0] == 200
        await one.take(1000 + number)
        return one

    async def some(port: int, numbers: range) -> int:
        upstream.counters.clear()
        upstream.gives(_SIZE, len(numbers))
        async with AsyncExitStack() as stack:
            ones = await asyncio.gather(*[start(number, port, stack) for number in numbers])
            counters = upstream.counters.values()
            await _at_rest(counters)
            before = [counter.moved for counter in counters]
            for number, one in enumerate(ones):
                one.leave(reset=number % 2 == 0)
            async with asyncio.timeout(_AT_ONCE_SECONDS):
                await asyncio.gather(*[counter.ended.wait() for counter in counters])
        assert not any(counter.whole for counter in counters)
        return max(c.moved - then for c, then in zip(counters, before, strict=True))

    with gateway(tmp_path, scripted.url, settings) as process:
        most, memory = [], []
        sockets = process.sockets
        for first in range(0, _CLIENTS, _AT_ONCE):
            most.append(await some(process.port, range(first, first + _AT_ONCE)))
            memory.append(round(process.rss_mib))
        await until(lambda: scripted.closed == scripted.connections)
        await until(lambda: process.sockets <= sockets)
        upstream.gives(MIB)
        await download(process.port, MIB, tls=tls)  # the next one is served
    record_property("most bytes after a client left", max(most))
    record_property("RSS after each twenty-five [MiB]", memory)
    assert max(most) <= _BUFFERS
    half = len(memory) // 2
    assert max(memory[half:]) - max(memory[:half]) <= _NOISE_MIB


@pytest.mark.parametrize(
    "part",
    [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"],
    ids=["nothing", "half an answer"],
)
async def test_a_reader_does_not_wait_with_a_silent_upstream(
    tmp_path: Path, scripted: ScriptedUpstream, part: bytes
) -> None:
    """The upstream is released when the client has left, not when its silence has lasted."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(part)
        await hang()(reader, writer)

    scripted.plays.append(silent)
    with gateway(tmp_path, scripted.url) as process:
        async with client(process.port) as one:
            one.ask_only()
            await until(lambda: len(scripted.heads) == 1)
            await asyncio.sleep(0.2)
            assert scripted.closed == 0
            one.leave(reset=True)
            await until(lambda: scripted.closed == 1, _AT_ONCE_SECONDS)
        assert '"ClientDisconnected"' in process.log.read_text()


async def test_a_writer_that_leaves_releases_the_upstream(
    tmp_path: Path, scripted: ScriptedUpstream
) -> None:
    """S3 sees an upload that never ended."""
    upstream = Upstream(scripted)
    upstream.takes(_SIZE)
    with gateway(tmp_path, scripted.url) as process, contextlib.suppress(ConnectionError):
        async with client(process.port) as one:
            await one.begin(_SIZE)
            await one.give(8 * MIB)
            await until(lambda: len(scripted.heads) == 1)
            assert scripted.closed == 0
            one.leave(reset=True)
            await until(lambda: scripted.closed == 1, _AT_ONCE_SECONDS)
    assert not any(counter.whole for counter in upstream.counters.values())
