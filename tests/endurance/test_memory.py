"""Memory: what is in flight is bounded by the streams, never by the objects.

By default 50 objects of 16 MiB at a time, which is many times what buffers hold; with
`ENDURANCE=full` they are of 200 MiB.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from tests.endurance.process import GatewayProcess, gateway
from tests.endurance.traffic import MIB, Upstream, download, upload
from tests.support.scripted_upstream import ScriptedUpstream

_STREAMS = 50
_SIZE = (200 if os.environ.get("ENDURANCE") == "full" else 16) * MIB
#: The goal of the issue.
_MIB_PER_STREAM = 0.7
#: What an allocator may move without anything having leaked.
_NOISE_MIB = 4.0

Record = Callable[[str, object], None]
Wave = Callable[[GatewayProcess, Upstream], Coroutine[None, None, None]]


def _downloads(size: int, *, upstream_pause: float = 0.0, pause: float = 0.0) -> Wave:
    async def wave(gateway: GatewayProcess, upstream: Upstream) -> None:
        upstream.pause = upstream_pause
        upstream.gives(size, _STREAMS)
        async with asyncio.TaskGroup() as group:
            for _ in range(_STREAMS):
                group.create_task(download(gateway.port, size, pause=pause))

    return wave


def _uploads(size: int, *, upstream_pause: float = 0.0) -> Wave:
    async def wave(gateway: GatewayProcess, upstream: Upstream) -> None:
        upstream.pause, upstream.small_buffers = upstream_pause, bool(upstream_pause)
        upstream.takes(size, _STREAMS)
        async with asyncio.TaskGroup() as group:
            for _ in range(_STREAMS):
                group.create_task(upload(gateway.port, size))

    return wave


@pytest.mark.parametrize(
    "wave",
    [
        pytest.param(_downloads(_SIZE), id="downloads"),
        pytest.param(_uploads(_SIZE), id="uploads"),
        pytest.param(_downloads(4 * MIB, pause=0.02), id="slow readers"),
        pytest.param(_downloads(2 * MIB, upstream_pause=0.02), id="slow upstream, downloads"),
        pytest.param(_uploads(3 * MIB, upstream_pause=0.02), id="slow upstream, uploads"),
    ],
)
async def test_fifty_streams_are_flat(
    tmp_path: Path, scripted: ScriptedUpstream, record_property: Record, wave: Wave
) -> None:
    """The third wave needs no more than the first, and none more than its buffers."""
    upstream = Upstream(scripted)
    with gateway(tmp_path, scripted.url) as process:
        upstream.gives(1)
        await download(process.port, 1)  # what the first request of all brings is no stream's
        upstream.takes(1)
        await upload(process.port, 1)
        base = process.rss_mib
        peaks = []
        for _ in range(3):
            process.forget_peak()
            await wave(process, upstream)
            peaks.append(process.peak_mib)
        record_property("base, peaks, after [MiB]", (base, *peaks, process.rss_mib))
        record_property("cpu [s]", process.cpu_seconds)
    assert max(peaks) - base <= _STREAMS * _MIB_PER_STREAM
    assert peaks[2] - peaks[0] <= _NOISE_MIB
