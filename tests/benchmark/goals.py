"""What the gateway is meant to reach, and whether it does."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.benchmark.peers import AUTHORIZED, GATEWAY, PEERS, SIGNING, SIGV4_PROXY
from tests.benchmark.results import Results
from tests.benchmark.sample import TIMES, Spread, spread
from tests.benchmark.scenario import SCENARIOS


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit.

    Args:
        what: is limited, and against whom.
        limit: the most that the median may be.
        unit: of it.
        must: whether it is more than an aim.
        measured: the figure of a run; None where it was not measured.
    """

    what: str
    limit: float
    unit: str
    must: bool
    measured: Callable[[Results], Spread | None]

    def row(self, results: Results) -> tuple[str, str, str, str]:
        """What, the limit, what was measured, the verdict."""
        rank = "must" if self.must else "aim"
        limit = f"≤ {self.limit:g} {self.unit} ({rank})"
        found = self.measured(results)
        if found is None:
            return (self.what, limit, "", "not measured")
        verdict = "met" if found.median <= self.limit else "**not met**"
        return (self.what, limit, found.shown(2), verdict)


def _against(scenario: str, reference: str, limit: float, *, must: bool = False) -> Goal:
    def measured(results: Results) -> Spread | None:
        return results.ratio(scenario, reference)

    title = f"{SCENARIOS[scenario].name}: CPU beside {PEERS[reference].name}"
    return Goal(title, limit, TIMES, must, measured)


def _per_stream(results: Results) -> Spread | None:
    found = results.footprints.get(GATEWAY)
    return spread(one.mib_per_stream for one in found) if found else None


def _gated_cpu(results: Results) -> Spread | None:
    return spread(one.cpu_us / 1e3 for one in results.gated) if results.gated else None


def _beside(results: Results) -> Spread | None:
    return spread(one.p99_ratio for one in results.beside) if results.beside else None


GOALS = (
    _against("get-small", AUTHORIZED, 1.0, must=True),
    _against("get-small", SIGV4_PROXY, 0.8),
    _against("get-small", SIGNING, 1.25),
    _against("get-large", SIGNING, 1.3),
    _against("put-large", SIGNING, 1.25),
    _against("get-large-tls", SIGNING, 1.7),
    _against("put-large-tls", SIGNING, 1.5),
    Goal("memory of a stream", 0.7, "MiB", must=False, measured=_per_stream),
    Goal("GET 1 KiB: p99 beside inventory PUTs", 2.0, TIMES, must=True, measured=_beside),
    Goal("CPU of an allowed inventory PUT", 1.2, "ms", must=False, measured=_gated_cpu),
)


def lost(results: Results, reference: str = AUTHORIZED) -> Iterator[tuple[str, Spread]]:
    """The scenarios in which the gateway costs more than the reference, by its median."""
    found: Iterable[tuple[str, Spread | None]] = (
        (scenario.name, results.ratio(key, reference)) for key, scenario in SCENARIOS.items()
    )
    for title, ratio in found:
        if ratio is not None and ratio.median > 1.0:
            yield title, ratio
