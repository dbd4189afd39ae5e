"""The figures as Markdown."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmark.figures import results
from tests.benchmark.peers import AUTHORIZED, GATEWAY, PEERS
from tests.benchmark.report import full, short
from tests.benchmark.results import Results
from tests.benchmark.sample import TIMES
from tests.benchmark.scenario import SCENARIOS

_PICTURE = Path("docs/picture.svg")
_REPORTS = [
    pytest.param(full(results()), id="full"),
    pytest.param(short(results(), _PICTURE), id="short"),
    pytest.param(full(Results({}, 1)), id="full, of nothing"),
    pytest.param(short(Results({}, 1), _PICTURE), id="short, of nothing"),
]


def tables(text: str) -> Iterator[list[str]]:
    """The lines of each table."""
    for found in re.finditer(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
        yield found[0].splitlines()


@pytest.mark.parametrize("text", _REPORTS)
def test_every_table_is_one(text: str) -> None:
    """All rows have as many cells as the head; otherwise readers see pipes."""
    assert [*tables(text)]
    for lines in tables(text):
        assert len({line.count("|") for line in lines}) == 1
        assert set(lines[1]) <= set("|- ")


def test_a_row_holds_cost_ratios_speed_and_memory() -> None:
    """One row of the full report, word for word."""
    assert (
        "| the gateway | 3000 (2000 to 4000) | 1.25 | 2.00 | 500 | 1.50 | 9.00 | 100 |"
        in full(results()).splitlines()
    )


def test_a_reference_that_was_not_measured_has_no_column() -> None:
    """aws-sigv4-proxy is not everywhere."""
    head = next(line for line in full(results()).splitlines() if "requests/s" in line)
    assert "Envoy, signing + ext_authz" in head
    assert "aws-sigv4-proxy" not in head


@pytest.mark.parametrize("text", _REPORTS[:2])
def test_losses_and_gaps_are_told(text: str) -> None:
    """What the gateway loses, by how much, and what nobody measured."""
    losses = next(line for line in text.splitlines() if line.startswith("Where the gateway costs"))
    for scenario in SCENARIOS.values():
        assert f"{scenario.name} (1.25 {TIMES})" in losses
    assert "Not measured: some-proxy is not here (a reason)." in text


@pytest.mark.parametrize("peer", [AUTHORIZED, GATEWAY])
def test_no_verdict_without_both_sides(peer: str) -> None:
    """Of half a run nobody can say that nothing is lost."""
    run = results()
    run.samples["put-large"].pop(peer)
    assert "the gateway cost" not in full(run)


def test_no_loss_is_said_as_such() -> None:
    """Where it is true."""
    run = results()
    for by_peer in run.samples.values():
        by_peer[GATEWAY] = by_peer[AUTHORIZED]
    assert "Nowhere does the gateway cost more CPU than Envoy, signing + ext_authz." in full(run)


def test_the_short_form_has_a_row_for_each_peer_that_was_measured() -> None:
    """And its picture, and where and when it was."""
    text = short(results(), _PICTURE)
    rows = [line.split(" | ")[0].strip("| ") for line in next(tables(text))[2:]]
    assert rows == ["Envoy, signing", "Envoy, signing + ext_authz", f"**{PEERS[GATEWAY].name}**"]
    assert "](docs/picture.svg)" in text
    assert "2001-02-03, 2 cores; 2 rounds" in text
