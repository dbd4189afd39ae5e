"""A run: every round measures all peers in turn, so that a slow minute hits them alike."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path

from gateway.core.sigv4.payload import EMPTY_SHA256
from tests.benchmark import beside, disk, gateway, nginx, scenario, streams
from tests.benchmark.client import Client
from tests.benchmark.nginx import BUCKET, SIZES
from tests.benchmark.peers import GATEWAY, PEERS, SIGNING
from tests.benchmark.process import Server
from tests.benchmark.program import Missing
from tests.benchmark.results import Results
from tests.benchmark.scenario import SCENARIOS
from tests.support import certificate
from tests.support.certificate import Certificate

GATED, BESIDE, FOOTPRINT = "gated-put", "get-beside-puts", "streams"
_FOOTPRINT_PEERS = (SIGNING, GATEWAY)
_MOST_FOOTPRINTS = 3
_WARM = 300


class Run:
    """Measures.

    Args:
        folder: for configurations and logs.
        results: where the figures go.
        peers: which ones.
        seconds: of load, for small requests; half of it for large ones.
        step: is told what comes next.
    """

    def __init__(
        self,
        folder: Path,
        results: Results,
        peers: Collection[str],
        seconds: float,
        step: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._results = results
        self._peers = peers
        self._seconds = seconds
        self._step = step
        self._numbers = count()

    def scenarios(self, wanted: Collection[str]) -> None:
        """All scenarios of this selection, first the plain ones, then those over TLS."""
        tls = certificate.make(self._folder)
        for shown in (None, tls):
            over_tls = shown is not None
            chosen = [key for key in wanted if SCENARIOS[key].tls == over_tls]
            if chosen:
                with self._all_started(shown) as servers:
                    for key in chosen:
                        self._scenario(key, servers)

    def gated(self) -> None:
        """Inventory PUTs through a gateway of their own."""
        place = self._place()
        with gateway.gated(place) as server:
            for _ in range(self._results.rounds):
                self._step("inventory PUT")
                self._results.syncs_ms.append(disk.sync_ms(place))
                self._results.gated.append(scenario.gated_put(server))

    def beside(self) -> None:
        """Small GETs alone and beside inventory PUTs, in front of a stub that costs little."""
        with (
            nginx.upstream(self._place()) as upstream,
            gateway.one_worker(self._place(), upstream.port, None) as server,
        ):
            for _ in range(self._results.rounds):
                self._step("GET beside inventory PUTs")
                self._results.beside.append(beside.measure(server, self._seconds))

    def footprints(self) -> None:
        """Each on a server that has just started: memory once taken is seldom given back."""
        with nginx.upstream(self._place()) as upstream:
            for _ in range(footprint_rounds(self._results.rounds)):
                for peer in footprint_peers(self._peers):
                    self._step(f"memory: {PEERS[peer].name}")
                    try:
                        with PEERS[peer].start(self._place(), upstream.port, None) as server:
                            found = self._results.footprints.setdefault(peer, [])
                            found.append(streams.measure(server))
                    except Missing as reason:
                        self._miss(reason)

    @contextmanager
    def _all_started(self, shown: Certificate | None) -> Iterator[Mapping[str, Server]]:
        with ExitStack() as stack:
            upstream = stack.enter_context(nginx.upstream(self._place()))
            servers = {}
            for peer in self._peers:
                try:
                    servers[peer] = stack.enter_context(
                        PEERS[peer].start(self._place(), upstream.port, shown)
                    )
                except Missing as reason:
                    self._miss(reason)
            for server in servers.values():
                _warm(server)
            yield servers

    def _scenario(self, key: str, servers: Mapping[str, Server]) -> None:
        by_peer = self._results.samples[key] = {peer: [] for peer in servers}
        for _ in range(self._results.rounds):
            for peer, server in servers.items():
                self._step(f"{SCENARIOS[key].title}: {PEERS[peer].name}")
                by_peer[peer].append(SCENARIOS[key].measure(server, self._seconds))

    def _miss(self, reason: Missing) -> None:
        if str(reason) not in self._results.missing:
            self._results.missing.append(str(reason))

    def _place(self) -> Path:
        place = self._folder / str(next(self._numbers))
        place.mkdir()
        return place


def footprint_rounds(rounds: int) -> int:
    """A fresh server each time is slow."""
    return min(rounds, _MOST_FOOTPRINTS)


def footprint_peers(peers: Collection[str]) -> list[str]:
    """Whose memory is measured."""
    return [peer for peer in _FOOTPRINT_PEERS if peer in peers]


def _warm(server: Server) -> None:
    """What comes first is no round's: imports, pools, facts about the bucket."""
    body = b"x" * SIZES["large"]
    with Client(server) as client:
        for _ in range(_WARM):
            client.exchange("GET", f"/{BUCKET}/small", EMPTY_SHA256)
        client.exchange("GET", f"/{BUCKET}/large", EMPTY_SHA256)
        client.exchange("PUT", f"/{BUCKET}/upload-0", sha256(body).hexdigest(), body)
