"""Writing at the end of the chain: positions, hashes, and what cannot be concluded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from gateway.adapters.journal.append import Addition, Conclusion, Probe, Work, append
from gateway.adapters.journal.chain import GENESIS, decision_hash, outcome_hash
from gateway.adapters.journal.migrating import migrate
from gateway.adapters.journal.schema import CHAIN, DECISION, DECISION_RULE
from gateway.core.ports import Outcome
from tests.support.fakes import decision_record

FORWARDED = Outcome("forwarded", 204, "UP1")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    """Empty tables."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/journal.db")
    with engine.connect() as opened:
        migrate(opened)
        opened.commit()
        yield opened
    engine.dispose()


def addition(decision_id: str) -> Addition:
    """A decision to store."""
    return Addition.of(decision_record(decision_id))


def rows(connection: sa.Connection) -> list[dict[Any, Any]]:
    """All decisions, oldest first."""
    query = sa.select(DECISION).order_by(DECISION.c.position)
    return [dict(row) for row in connection.execute(query).mappings()]


def end(connection: sa.Connection) -> tuple[int, str, int]:
    """Where the chain ends, and how many commits there were."""
    row = connection.execute(sa.select(CHAIN)).one()
    return row.position, row.hash, row.commits


def test_decisions_take_positions_before_outcomes(connection: sa.Connection):
    """In a batch, an outcome may be of a decision that comes with it."""
    batch: list[Work] = [Conclusion.of("d-1", FORWARDED), addition("d-1"), addition("d-2")]
    assert append(connection, "w", batch) == []
    first, second = rows(connection)
    assert (first["position"], second["position"], first["outcome_position"]) == (1, 2, 3)
    assert (first["outcome"], first["s3_status"], second["outcome"]) == ("forwarded", 204, None)


def test_every_entry_carries_the_hash_of_the_one_before(connection: sa.Connection):
    """Over batches and writers, outcomes among them."""
    append(connection, "w", [addition("d-1"), addition("d-2")])
    append(connection, "v", [Conclusion.of("d-1", FORWARDED), addition("d-3")])
    first, second, third = rows(connection)
    assert first["previous_hash"] == GENESIS
    assert first["hash"] == decision_hash(GENESIS, first)
    assert (second["previous_hash"], third["previous_hash"]) == (first["hash"], second["hash"])
    assert first["outcome_previous_hash"] == third["hash"]
    assert first["outcome_hash"] == outcome_hash(third["hash"], first)
    assert (first["writer"], first["outcome_writer"]) == ("w", "v")
    assert end(connection) == (4, first["outcome_hash"], 2)


@pytest.mark.parametrize("twice", [True, False], ids=["twice", "unknown"])
def test_outcome_without_an_open_decision_changes_nothing(connection: sa.Connection, twice: bool):
    """It is named, and takes no position; the others are written."""
    append(connection, "w", [addition("d-1"), Conclusion.of("d-1", FORWARDED)])
    before = end(connection)
    lost = "d-1" if twice else "d-9"
    assert append(connection, "w", [Conclusion.of(lost, Outcome("failed"))]) == [lost]
    assert end(connection)[:2] == before[:2]
    assert rows(connection)[0]["outcome"] == "forwarded"


def test_of_two_outcomes_in_a_batch_the_first_counts(connection: sa.Connection):
    """As in two batches."""
    batch: list[Work] = [
        addition("d-1"),
        Conclusion.of("d-1", FORWARDED),
        Conclusion.of("d-1", Outcome("failed")),
    ]
    assert append(connection, "w", batch) == ["d-1"]
    assert rows(connection)[0]["outcome"] == "forwarded"


def test_duplicate_is_refused_by_the_table(connection: sa.Connection):
    """Whoever wrote it."""
    append(connection, "w", [addition("d-1")])
    connection.commit()
    with pytest.raises(IntegrityError):
        append(connection, "v", [addition("d-1")])


def test_probe_writes_and_adds_nothing(connection: sa.Connection):
    """A commit that wrote nothing would prove nothing."""
    append(connection, "w", [Probe()])
    assert (end(connection), rows(connection)) == ((0, GENESIS, 1), [])


def test_probe_like_a_decision_adds_nothing_either(connection: sa.Connection):
    """Though that decision be stored already, and others come with it."""
    result = {"violations": [{"rule": "INV001"}]}
    stored = Addition.of(decision_record("d-1", allow=False, result=result))
    append(connection, "w", [stored])
    before = end(connection)
    append(connection, "w", [Probe(stored)])
    assert end(connection)[:2] == before[:2]
    append(connection, "w", [Probe(stored), addition("d-2"), Probe(stored)])
    assert [row["decision_id"] for row in rows(connection)] == ["d-1", "d-2"]
    fired = connection.execute(sa.select(DECISION_RULE.c.position)).scalars().all()
    assert fired == [1]
