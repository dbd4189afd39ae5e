"""Which peers and scenarios a run measures."""

import pytest

from tests.benchmark.peers import PEERS
from tests.benchmark.run import BESIDE, FOOTPRINT, GATED
from tests.benchmark.scenario import SCENARIOS
from tests.benchmark.selection import Selection

_QUICK = ["nginx", "envoy", "envoy-authz", "sigv4-proxy", "gateway"]
_EVERY = [*SCENARIOS, GATED, BESIDE, FOOTPRINT]


@pytest.mark.parametrize(
    ("only", "quick", "peers", "scenarios"),
    [
        pytest.param([], False, [*PEERS], _EVERY, id="everything"),
        pytest.param([], True, _QUICK, _EVERY, id="quick"),
        pytest.param(["haproxy"], True, ["haproxy"], _EVERY, id="named beats quick"),
        pytest.param(
            ["gateway", "get-small", "nginx"],
            False,
            ["nginx", "gateway"],
            ["get-small"],
            id="both kinds, in the order of the tables",
        ),
        pytest.param([GATED], True, _QUICK, [GATED], id="a scenario"),
    ],
)
def test_what_is_named_is_measured(
    only: list[str], quick: bool, peers: list[str], scenarios: list[str]
) -> None:
    """Of the one kind of which nothing is named, everything."""
    found = Selection.of(only, quick=quick)
    assert ([*found.peers], [*found.scenarios]) == (peers, scenarios)


@pytest.mark.parametrize(
    ("only", "gated", "footprints"),
    [
        pytest.param([], True, True, id="everything"),
        pytest.param(["envoy"], False, True, id="without the gateway"),
        pytest.param(["get-small"], False, False, id="another scenario"),
        pytest.param([FOOTPRINT], False, True, id="memory"),
    ],
)
def test_some_scenarios_are_of_some_peers(only: list[str], gated: bool, footprints: bool) -> None:
    """Inventory PUTs are the gateway's alone."""
    found = Selection.of(only, quick=False)
    assert (found.gated, found.beside, found.footprints) == (gated, gated, footprints)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    """Instead of measuring everything, or nothing."""
    with pytest.raises(ValueError, match=r"^envoi: not among .*envoy, .*get-small"):
        Selection.of(["envoi"], quick=False)
