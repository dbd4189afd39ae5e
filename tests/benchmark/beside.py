"""Small GETs alone, and beside inventory PUTs that policy judges: what a decision costs others."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from threading import Event, Thread

from tests.benchmark.client import Client
from tests.benchmark.nginx import BUCKET
from tests.benchmark.process import Server
from tests.benchmark.sample import Sample
from tests.benchmark.scenario import CONFIGURATION, gets

#: Far more than any organisation writes; each is judged anew.
PUTS_PER_SECOND = 20
#: One GET at a time: its latency is then the gateway's, and not that of a queue of GETs.
_CONNECTIONS = 1
_WARM_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Beside:
    """What GETs took in one round.

    Args:
        alone: with nothing else to do.
        beside: with a steady load of inventory PUTs.
        puts: how many of them there were.
    """

    alone: Sample
    beside: Sample
    puts: int

    @property
    def p99_ratio(self) -> float:
        """How many times the latency that one GET in a hundred has alone."""
        return self.beside.p99_ms / self.alone.p99_ms


def measure(server: Server, seconds: float) -> Beside:
    """GETs alone, then beside PUTs: both within one round, so that a slow minute hits them alike.

    Raises:
        SystemExit: there were errors.
    """
    get = gets([f"/{BUCKET}/small/{number}" for number in range(1000)], _CONNECTIONS, 1.0)
    get(server, _WARM_SECONDS)
    alone = get(server, seconds)
    with _putting(server) as answered:
        beside = get(server, seconds)
    return Beside(alone, beside, len(answered))


@contextmanager
def _putting(server: Server) -> Iterator[list[float]]:
    """Put inventories at a steady rate, by a clock that does not wait for late answers."""
    target, digest = f"/{BUCKET}?inventory&id=daily", sha256(CONFIGURATION).hexdigest()
    stop, answered = Event(), list[float]()
    with Client(server) as client:
        answered.append(client.exchange("PUT", target, digest, CONFIGURATION))  # looks the facts up

        def put() -> None:
            due = time.perf_counter()
            while not stop.wait(max(0.0, due - time.perf_counter())):
                answered.append(client.exchange("PUT", target, digest, CONFIGURATION))
                due += 1 / PUTS_PER_SECOND

        putting = Thread(target=put)
        putting.start()
        try:
            yield answered
        finally:
            stop.set()
            putting.join()
