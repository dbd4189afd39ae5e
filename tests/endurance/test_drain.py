"""SIGTERM: what is under way finishes within the drain time, what comes later is not taken."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.endurance.process import GatewayProcess, gateway, listener
from tests.endurance.traffic import MIB, Upstream, client, download, until, upload
from tests.support.scripted_upstream import ScriptedUpstream

_SIZE = 4 * MIB
#: Far more than the transfers take: who is cut at its end has not been waited for.
_DRAIN = 60.0


async def _exit(process: GatewayProcess) -> int:
    return await asyncio.to_thread(process.process.wait, 90)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_transfers_under_way_finish(
    tmp_path: Path, scripted: ScriptedUpstream, *, secure: bool
) -> None:
    """A slow download and a slow upload are whole; then the process ends, with 0."""
    tls, settings = listener(tmp_path, secure=secure)
    upstream = Upstream(scripted, pause=0.06)
    upstream.gives(_SIZE)
    upstream.takes(_SIZE)
    with gateway(tmp_path, scripted.url, {**settings, "drain_seconds": _DRAIN}) as process:
        async with client(process.port, tls=tls) as idle, asyncio.TaskGroup() as group:
            slow = group.create_task(download(process.port, _SIZE, tls=tls))
            await until(lambda: len(scripted.heads) == 1)
            group.create_task(upload(process.port, _SIZE, pause=0.01, tls=tls))
            await until(lambda: len(scripted.heads) == 2)
            process.terminate()
            signalled = time.monotonic()
            assert await idle.reader.read() == b""  # who asks nothing goes at once
            assert not slow.done()
            with pytest.raises(ConnectionRefusedError):
                async with client(process.port):
                    pass
            assert scripted.closed == 0
        assert await _exit(process) == 0
        assert time.monotonic() - signalled < _DRAIN


async def _ready(port: int) -> tuple[int, str]:
    """Status and body of a readiness probe."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1]), answer.partition("\r\n\r\n")[2]


async def _listens(port: int) -> bool:
    """Whether a connection is taken."""
    try:
        async with client(port):
            await asyncio.sleep(0.05)
    except ConnectionRefusedError:
        return False
    return True


async def test_readiness_fails_first_and_is_told_to_the_end(
    tmp_path: Path, scripted: ScriptedUpstream
) -> None:
    """I27: at SIGTERM not ready, still listening; then no new clients; the transfer is whole; 0."""
    upstream = Upstream(scripted, pause=0.1)
    upstream.gives(_SIZE)
    settings = {"drain_seconds": _DRAIN, "drain_delay_seconds": 1.0}
    with gateway(tmp_path, scripted.url, settings) as process:
        slow, late = asyncio.create_task(download(process.port, _SIZE)), 0
        await until(lambda: len(scripted.heads) == 1)
        assert (await _ready(process.admin_port))[0] == 200
        process.terminate()
        async with asyncio.timeout(_DRAIN):
            while (seen := await _ready(process.admin_port))[0] == 200:
                pass
            assert seen == (503, '{"ready":false,"state":"stopping","checks":{}}\n')
            while await _listens(process.port):  # within the delay: load balancers may be late
                late += 1
        assert late
        assert not slow.done()
        assert (await _ready(process.admin_port))[0] == 503
        await slow
        assert await _exit(process) == 0


async def test_what_takes_longer_is_cut(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """The drain time is a promise to whoever stops the process: it ends, with 0."""
    upstream = Upstream(scripted, pause=0.05)
    upstream.gives(64 * MIB)
    upstream.takes(64 * MIB)
    with gateway(tmp_path, scripted.url, {"drain_seconds": 3}) as process:
        transfers = [asyncio.create_task(download(process.port, 64 * MIB))]
        await until(lambda: len(scripted.heads) == 1)
        transfers.append(asyncio.create_task(upload(process.port, 64 * MIB)))
        await until(lambda: len(scripted.heads) == 2)
        process.terminate()
        signalled = time.monotonic()
        status = await _exit(process)
        lasted = time.monotonic() - signalled
        outcomes = await asyncio.gather(*transfers, return_exceptions=True)
    assert status == 0
    assert all(isinstance(outcome, Exception) for outcome in outcomes)
    assert not any(counter.whole for counter in upstream.counters.values())
    assert 3 <= lasted < _DRAIN
