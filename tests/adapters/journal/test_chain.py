"""What a hash covers: everything."""

from typing import Any

import pytest

from gateway.adapters.journal.chain import GENESIS, decision_hash, outcome_hash
from gateway.adapters.journal.row import values_of
from gateway.adapters.journal.schema import DECISION
from tests.support.fakes import decision_record

_LINKS = {"previous_hash", "hash", "outcome_previous_hash", "outcome_hash"}
_OUTCOME = set(
    "outcome s3_status upstream_request_id outcome_metrics outcome_position outcome_writer".split()
)
_ROW: dict[str, Any] = {
    **values_of(decision_record()),
    "position": 7,
    "writer": "w",
    "outcome": "forwarded",
    "s3_status": 204,
    "upstream_request_id": "UP1",
    "outcome_metrics": '{"timer_upstream_ns":7}',
    "outcome_position": 8,
    "outcome_writer": "w",
}
_COLUMNS = {column.name for column in DECISION.columns} - _LINKS


def other(value: object) -> object:
    """A value of the same type that differs as little as can be."""
    match value:
        case int():
            return value + 1
        case bytes():
            return value + b" "
        case _:
            return f"{value} "


def test_every_column_is_known_here():
    """A new one has to be covered, too."""
    assert set(_ROW) == _COLUMNS


@pytest.mark.parametrize("column", sorted(_COLUMNS - _OUTCOME))
def test_decision_hash_covers(column: str):
    """Each column by itself."""
    changed = _ROW | {column: other(_ROW[column])}
    assert decision_hash(GENESIS, changed) != decision_hash(GENESIS, _ROW)


@pytest.mark.parametrize("column", sorted({*_OUTCOME, "decision_id"}))
def test_outcome_hash_covers(column: str):
    """Each column by itself."""
    changed = _ROW | {column: other(_ROW[column])}
    assert outcome_hash(GENESIS, changed) != outcome_hash(GENESIS, _ROW)


def test_hash_covers_the_one_before():
    """Else it would be no chain."""
    assert decision_hash("1" * 64, _ROW) != decision_hash(GENESIS, _ROW)
    assert outcome_hash("1" * 64, _ROW) != outcome_hash(GENESIS, _ROW)


def test_no_document_is_not_an_empty_one():
    """And text does not move from one column to the next unseen."""
    assert decision_hash(GENESIS, _ROW | {"document": None}) != decision_hash(
        GENESIS, _ROW | {"document": b""}
    )
    moved = {"bucket": _ROW["bucket"] + _ROW["inventory_id"], "inventory_id": ""}
    assert decision_hash(GENESIS, _ROW | moved) != decision_hash(GENESIS, _ROW)


@pytest.mark.parametrize("absent", ["null", "no such column"])
def test_hash_stays_what_it_is(absent: str):
    """Journals outlive releases: these were computed by the release that brought the chain."""
    later = ("received", "outcome_metrics")
    row = {name: value for name, value in _ROW.items() if name not in later}
    if absent == "null":
        row |= dict.fromkeys(later)
    decision = "4fecbd40a196d7d707e190758037f7c194c805e1b42ba0ddbb8ab6e3a6d306d6"
    outcome = "9761ff3caeab3154cdfecb21d2d2a8926422ffe406db8d20dbb7e79dea314a63"
    assert (decision_hash(GENESIS, row), outcome_hash(GENESIS, row)) == (decision, outcome)


def test_what_came_later_cannot_be_taken_away():
    """An entry of now does not pass for one of a release that knew less."""
    assert decision_hash(GENESIS, _ROW | {"received": None}) != decision_hash(GENESIS, _ROW)
    assert outcome_hash(GENESIS, _ROW | {"outcome_metrics": None}) != outcome_hash(GENESIS, _ROW)
