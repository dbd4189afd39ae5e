"""All figures of a run, and their form in JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from tests.benchmark.beside import Beside
from tests.benchmark.peers import GATEWAY, PEERS, SIGV4_PROXY
from tests.benchmark.sample import Cost, Sample, Spread, paired, spread
from tests.benchmark.scenario import SCENARIOS
from tests.benchmark.streams import Footprint

_FIGURES: Mapping[str, Cost] = {
    "requests_per_second": lambda one: one.per_second,
    "mb_per_second": lambda one: one.mb_per_second,
    "cpu_ms_per_gb": lambda one: one.cpu_ms_per_gb,
    "peak_rss_mib": lambda one: one.rss_mib,
}
#: What a sample has only if it has finished a request; a short one of large answers may have none.
_FINISHED: Mapping[str, Cost] = {
    "cpu_us_per_request": lambda one: one.cpu_us,
    "p50_ms": lambda one: one.p50_ms,
    "p99_ms": lambda one: one.p99_ms,
}


@dataclass(slots=True)
class Results:
    """What a run found; samples of one scenario are in the order of the rounds.

    Args:
        machine: where and when, and the versions of all.
        rounds: how often each peer was measured.
        samples: by scenario, by peer.
        gated: inventory PUTs, of the gateway alone.
        syncs_ms: what the disk took for one fsync, before each of them.
        beside: small GETs alone and beside inventory PUTs, of the gateway alone.
        footprints: by peer.
        missing: what was not measured, and why.
    """

    machine: Mapping[str, str]
    rounds: int
    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    gated: list[Sample] = field(default_factory=list)
    syncs_ms: list[float] = field(default_factory=list)
    beside: list[Beside] = field(default_factory=list)
    footprints: dict[str, list[Footprint]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether all was measured; aws-sigv4-proxy cannot be had everywhere."""
        expected = PEERS.keys() - {SIGV4_PROXY}
        found = [self.samples.get(key, {}).keys() for key in SCENARIOS]
        return all(expected <= peers for peers in found) and bool(
            self.gated and self.beside and self.footprints
        )

    def figure(self, scenario: str, peer: str, of: Cost) -> Spread | None:
        """One figure of a peer; None where it was not measured."""
        samples = self.samples.get(scenario, {}).get(peer)
        return spread(of(one) for one in samples) if samples else None

    def latency(self, scenario: str, peer: str, of: Cost) -> Spread | None:
        """The same of a latency: samples without a finished request have none."""
        samples = self.samples.get(scenario, {}).get(peer, [])
        found = [of(one) for one in samples if one.requests]
        return spread(found) if found else None

    def cost(self, scenario: str, peer: str) -> Spread | None:
        """CPU per request or per GB; None where it was not measured."""
        return self.figure(scenario, peer, SCENARIOS[scenario].cost)

    def peak_mib(self, peer: str) -> float:
        """The most memory of a peer in any scenario; 0 where it was not measured."""
        found = [one.rss_mib for each in self.samples.values() for one in each.get(peer, [])]
        return max(found, default=0.0)

    def ratio(self, scenario: str, reference: str, peer: str = GATEWAY) -> Spread | None:
        """A peer's cost as a multiple of another's; None where one of them was not measured."""
        by_peer = self.samples.get(scenario, {})
        if peer not in by_peer or reference not in by_peer:
            return None
        return paired(by_peer[peer], by_peer[reference], SCENARIOS[scenario].cost)

    def to_json(self) -> dict[str, Any]:
        """For a file: every sample, and the medians and spread that follow from them."""
        return {
            "machine": self.machine,
            "rounds": self.rounds,
            "missing": self.missing,
            "names": {key: peer.name for key, peer in PEERS.items()},
            "medians": {
                scenario: {peer: _medians(found) for peer, found in by_peer.items()}
                for scenario, by_peer in [*self.samples.items(), ("gated-put", self._gated())]
                if by_peer
            },
            "samples": {
                scenario: {peer: [asdict(one) for one in found] for peer, found in by_peer.items()}
                for scenario, by_peer in self.samples.items()
            },
            "gated": [asdict(one) for one in self.gated],
            "syncs_ms": self.syncs_ms,
            "beside": [asdict(one) for one in self.beside],
            "footprints": {
                peer: [asdict(one) for one in found] for peer, found in self.footprints.items()
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        return cls(
            machine=data["machine"],
            rounds=data["rounds"],
            missing=data["missing"],
            samples={
                scenario: {
                    peer: [Sample(**one) for one in found] for peer, found in by_peer.items()
                }
                for scenario, by_peer in data["samples"].items()
            },
            gated=[Sample(**one) for one in data["gated"]],
            syncs_ms=data["syncs_ms"],
            beside=[
                Beside(Sample(**one["alone"]), Sample(**one["beside"]), one["puts"])
                for one in data.get("beside", [])
            ],
            footprints={
                peer: [Footprint(**one) for one in found]
                for peer, found in data["footprints"].items()
            },
        )

    def _gated(self) -> dict[str, list[Sample]]:
        return {GATEWAY: self.gated} if self.gated else {}


def _medians(samples: list[Sample]) -> dict[str, dict[str, float]]:
    finished = [one for one in samples if one.requests]
    figures = {**_FIGURES, **(_FINISHED if finished else {})}
    return {
        name: asdict(spread(of(one) for one in (finished if name in _FINISHED else samples)))
        for name, of in figures.items()
    }
