"""What a stream costs in memory: many downloads at once whose clients do not read on."""

import time
from contextlib import ExitStack
from dataclasses import dataclass

from gateway.core.sigv4.payload import EMPTY_SHA256
from tests.benchmark.client import Client
from tests.benchmark.nginx import BUCKET
from tests.benchmark.process import Server

STREAMS = 50
_STEP, _LONGEST = 0.2, 5.0


@dataclass(frozen=True, slots=True)
class Footprint:
    """Memory of a server that has just started.

    Args:
        idle_mib: before any request.
        mib_per_stream: what it grew by with the streams, by their number.
    """

    idle_mib: float
    mib_per_stream: float


def measure(server: Server) -> Footprint:
    """Open the streams, wait until all buffers are full, and look."""
    idle = server.rss_mib()
    with Client(server) as client:  # what the first request of all brings is no stream's
        client.exchange("GET", f"/{BUCKET}/small", EMPTY_SHA256)
    base = server.rss_mib()
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(server)) for _ in range(STREAMS)]
        for client in clients:
            client.send("GET", f"/{BUCKET}/large", EMPTY_SHA256)
        for client in clients:
            client.begin()
        full = _settled(server)
    return Footprint(idle, (full - base) / STREAMS)


def _settled(server: Server) -> float:
    """The memory of the server once it no longer grows."""
    deadline = time.monotonic() + _LONGEST
    last, now = 0.0, server.rss_mib()
    while now > last and time.monotonic() < deadline:
        time.sleep(_STEP)
        last, now = now, server.rss_mib()
    return now
