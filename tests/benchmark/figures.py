"""Made-up figures, for the tests of what is done with them."""

from dataclasses import replace

from tests.benchmark.beside import Beside
from tests.benchmark.peers import AUTHORIZED, GATEWAY, SIGNING
from tests.benchmark.results import Results
from tests.benchmark.sample import Sample
from tests.benchmark.scenario import SCENARIOS
from tests.benchmark.streams import Footprint


def sample(cpu_seconds: float = 1.0, requests: int = 1000, carried: int = 10**9) -> Sample:
    """Two seconds of load."""
    return Sample(requests, 2.0, carried, cpu_seconds, p50_ms=1.5, p99_ms=9.0, rss_mib=100.0)


def results() -> Results:
    """Three peers everywhere; the gateway costs twice what Envoy does, which two rounds measure."""
    costs = {SIGNING: 1.0, AUTHORIZED: 1.6, GATEWAY: 2.0}
    return Results(
        machine={"date": "2001-02-03", "processor": "2 cores", "nginx": ""},
        rounds=2,
        samples={
            key: {peer: [sample(cost), sample(cost * 2)] for peer, cost in costs.items()}
            for key in SCENARIOS
        },
        gated=[sample(1.0), sample(1.2), sample(1.1)],
        syncs_ms=[0.3, 0.4, 0.5],
        beside=[Beside(sample(), replace(sample(), p99_ms=13.5), 40)],
        footprints={GATEWAY: [Footprint(60.0, 0.5), Footprint(61.0, 0.9)]},
        missing=["some-proxy is not here (a reason)"],
    )
