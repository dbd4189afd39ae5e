"""All figures of a run."""

import json
from collections.abc import Callable

import pytest

from tests.benchmark.figures import results, sample
from tests.benchmark.peers import GATEWAY, PEERS, SIGNING, SIGV4_PROXY
from tests.benchmark.results import Results
from tests.benchmark.sample import Sample, Spread


def test_figures_survive_the_file() -> None:
    """What is published later is what was measured."""
    run = results()
    assert Results.from_json(json.loads(json.dumps(run.to_json()))) == run


def test_medians_are_in_the_file() -> None:
    """With their spread, for whoever does not want the samples."""
    medians = results().to_json()["medians"]
    assert medians["get-small"][SIGNING]["cpu_us_per_request"] == {
        "median": 1500.0,
        "least": 1000.0,
        "most": 2000.0,
    }
    assert medians["gated-put"][GATEWAY]["p99_ms"]["median"] == 9.0


def test_a_run_that_finished_no_request_has_no_cost_of_one() -> None:
    """A short look at large answers may see none to its end; bytes it has seen."""
    run = Results({}, 1, {"get-large": {SIGNING: [sample(1.0, requests=0)]}})
    medians = run.to_json()["medians"]["get-large"][SIGNING]
    assert {*medians} == {
        "requests_per_second",
        "mb_per_second",
        "cpu_ms_per_gb",
        "peak_rss_mib",
    }
    assert medians["cpu_ms_per_gb"]["median"] == 1000.0
    assert run.latency("get-large", SIGNING, lambda one: one.p50_ms) is None


def test_a_latency_is_of_the_rounds_that_finished_a_request() -> None:
    """Zero is no latency."""
    none = Sample(0, 1.0, 9, cpu_seconds=0.5, p50_ms=0, p99_ms=0, rss_mib=1)
    run = Results({}, 2, {"get-large": {SIGNING: [sample(), none]}})
    assert run.latency("get-large", SIGNING, lambda one: one.p50_ms) == Spread(1.5, 1.5, 1.5)
    medians = run.to_json()["medians"]["get-large"][SIGNING]
    assert medians["p99_ms"] == {"median": 9.0, "least": 9.0, "most": 9.0}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(lambda _: None, True, id="all"),
        pytest.param(lambda run: run.samples.pop("get-large"), False, id="without a scenario"),
        pytest.param(
            lambda run: run.samples["get-large"].pop("haproxy"), False, id="without a peer"
        ),
        pytest.param(lambda run: run.gated.clear(), False, id="without inventory PUTs"),
        pytest.param(lambda run: run.beside.clear(), False, id="without GETs beside them"),
        pytest.param(lambda run: run.footprints.clear(), False, id="without memory"),
    ],
)
def test_a_part_is_no_whole_run(change: Callable[[Results], object], *, expected: bool) -> None:
    """A look at a part must not replace the README's figures."""
    run = results()
    for by_peer in run.samples.values():
        by_peer.update({peer: [sample()] for peer in PEERS if peer != SIGV4_PROXY})
    change(run)
    assert run.whole == expected


def test_what_was_not_measured_has_no_figure() -> None:
    """Neither a cost nor a ratio is made up."""
    run = Results({}, 1, {"get-small": {GATEWAY: [sample()]}})
    assert run.cost("get-large", GATEWAY) is None
    assert run.cost("get-small", SIGNING) is None
    assert run.ratio("get-small", SIGNING) is None
    assert run.peak_mib(SIGNING) == 0
    assert run.peak_mib(GATEWAY) == 100
    assert run.ratio("get-small", GATEWAY, SIGNING) is None
