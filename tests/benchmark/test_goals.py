"""Goals, and what is lost."""

import pytest

from tests.benchmark.figures import results, sample
from tests.benchmark.goals import GOALS, Goal, lost
from tests.benchmark.peers import AUTHORIZED, GATEWAY, SIGNING
from tests.benchmark.sample import spread


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        pytest.param([0.5, 0.9, 7.0], "met", id="by its median"),
        pytest.param([0.5, 1.1, 1.2], "**not met**", id="not by its best round"),
        pytest.param([1.0], "met", id="just so"),
        pytest.param([1.01], "**not met**", id="just not"),
        pytest.param([], "not measured", id="not measured"),
    ],
)
def test_a_goal_is_judged_by_the_median(values: list[float], verdict: str) -> None:
    """And what was not measured is not met either."""
    goal = Goal("it", 1.0, "ms", must=True, measured=lambda _: spread(values) if values else None)
    what, limit, _, found = goal.row(results())
    assert (what, limit, found) == ("it", "≤ 1 ms (must)", verdict)


def test_every_goal_reads_its_own_figure() -> None:
    """Of made-up figures: twice Envoy, 1.25 times Envoy with ext_authz, 0.7 MiB, 1.1 ms."""
    found = {goal.what: goal.measured(results()) for goal in GOALS}
    assert {what: one.median for what, one in found.items() if one} == pytest.approx(
        {
            "GET 1 KiB: CPU beside Envoy, signing + ext_authz": 1.25,
            "GET 1 KiB: CPU beside Envoy, signing": 2.0,
            "GET 64 MiB: CPU beside Envoy, signing": 2.0,
            "PUT 64 MiB: CPU beside Envoy, signing": 2.0,
            "GET 64 MiB over TLS: CPU beside Envoy, signing": 2.0,
            "PUT 64 MiB over TLS: CPU beside Envoy, signing": 2.0,
            "memory of a stream": 0.7,
            "GET 1 KiB: p99 beside inventory PUTs": 1.5,
            "CPU of an allowed inventory PUT": 1.1,
        }
    )


def test_what_is_lost_is_named() -> None:
    """By the median, in any scenario; being level is no loss."""
    run = results()
    for by_peer in run.samples.values():
        by_peer[GATEWAY] = list(by_peer[AUTHORIZED])
    assert [*lost(run)] == []
    run.samples["get-small"][GATEWAY] = [sample(1.0), sample(3.6)]  # 0.63 and 1.13 times
    run.samples["put-large"][GATEWAY] = [sample(2.4), sample(4.8)]
    run.samples["get-large"].pop(AUTHORIZED)
    found = [(title, round(ratio.median, 3)) for title, ratio in lost(run)]
    assert found == [("PUT 64 MiB", 1.5)]
    assert len([*lost(run, SIGNING)]) == 6
