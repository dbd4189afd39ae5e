"""The chain: what is changed or gone is found, and what was pruned leaves it whole."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.adapters.journal import upkeep
from gateway.adapters.journal.append import Addition, Conclusion, append
from gateway.adapters.journal.chain import GENESIS
from gateway.adapters.journal.migrating import migrate
from gateway.adapters.journal.schema import ANCHOR, CHAIN, DECISION, DECISION_RULE
from gateway.core.ports import Outcome
from tests.support.fakes import decision_record

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    """Ten decisions an hour apart; outcomes come two decisions later, that of d-4 never."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/journal.db")
    with engine.connect() as opened:
        migrate(opened)
        for number in range(12):
            if number < 10:
                record = decision_record(
                    f"d-{number}",
                    timestamp=NOON + timedelta(hours=number),
                    result={"warnings": [{"rule": "INV001"}]},
                )
                append(opened, "w", [Addition.of(record)])
            if number >= 2 and number != 6:
                outcome = Outcome("forwarded", 204, f"UP{number - 2}")
                append(opened, "w", [Conclusion.of(f"d-{number - 2}", outcome)])
        opened.commit()
        yield opened
    engine.dispose()


def verified(connection: sa.Connection) -> upkeep.Verification:
    """What came of it."""
    seen: list[int] = []
    found = upkeep.verify(connection, seen.append)
    assert seen[-1] == found.entries
    return found


def test_whole_chain_is_whole(connection: sa.Connection):
    """Ten decisions, nine outcomes."""
    found = verified(connection)
    assert (found.entries, found.position, found.problems) == (19, 19, ())


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        pytest.param("UPDATE decision SET bucket = 'x' WHERE position = 5", "d-3", id="column"),
        pytest.param(
            "UPDATE decision SET document = x'00' WHERE position = 5",
            "decision d-3 at 5 was changed",
            id="document",
        ),
        pytest.param(
            "UPDATE decision SET received = NULL WHERE position = 5",
            "decision d-3 at 5 was changed",
            id="what the client wrote",
        ),
        pytest.param(
            "UPDATE decision SET outcome_metrics = '{}' WHERE position = 5",
            "the outcome of d-3 at 10 was changed",
            id="what was measured",
        ),
        pytest.param(
            "UPDATE decision SET s3_status = 500 WHERE position = 5",
            "the outcome of d-3 at 10 was changed",
            id="outcome",
        ),
        pytest.param(
            "DELETE FROM decision WHERE position = 7", "position 7 is missing", id="row gone"
        ),
        pytest.param(
            "DELETE FROM decision WHERE position IN (1, 2)",
            "positions 1 to 2 are missing",
            id="several",
        ),
        pytest.param(
            "DELETE FROM decision WHERE position = 1", "position 1 is missing", id="first"
        ),
        pytest.param(
            "DELETE FROM decision WHERE position = (SELECT max(position) FROM decision)",
            "is missing",
            id="last",
        ),
        pytest.param(
            "UPDATE decision SET outcome = NULL WHERE position = 5",
            "its outcome has no place",
            id="outcome taken away",
        ),
        pytest.param(
            "UPDATE decision SET outcome = 'failed' WHERE decision_id = 'd-4'",
            "its outcome has no place",
            id="outcome put in",
        ),
        pytest.param(
            "UPDATE decision SET hash = previous_hash, previous_hash = hash WHERE position = 5",
            "does not follow",
            id="links",
        ),
        pytest.param("DELETE FROM decision_rule WHERE position = 5", "decision_rule", id="rule"),
        pytest.param("UPDATE chain SET hash = 'x'", "the end of the chain", id="end"),
        pytest.param(
            "UPDATE decision SET outcome_position = 2 WHERE position = 5", "taken twice", id="twice"
        ),
    ],
)
def test_what_was_tampered_with_is_found(connection: sa.Connection, statement: str, words: str):
    """Each by itself, and named."""
    connection.execute(sa.text("DROP INDEX decision_by_outcome_position"))
    connection.execute(sa.text(statement))
    found = verified(connection)
    assert any(words in problem for problem in found.problems), found.problems


def test_chain_that_was_written_anew_is_found_by_what_was_noted(connection: sa.Connection):
    """Whoever may write to the tables can make a chain that is whole; not one with the same end."""
    before = verified(connection)
    for table in (DECISION, DECISION_RULE, ANCHOR):
        connection.execute(sa.delete(table))
    connection.execute(sa.update(CHAIN).values(position=0, hash=GENESIS))
    for number in range(before.position):
        append(connection, "w", [Addition.of(decision_record(f"x-{number}"))])
    assert verified(connection).problems == ()
    noted = {before.position: before.hash}
    (problem,) = upkeep.verify(connection, lambda _: None, noted).problems
    assert problem == f"decision x-18 at {before.position} is not the entry that was noted"


@pytest.mark.parametrize("keep_from", [1, 5, 30])
def test_what_was_noted_is_found_as_long_as_it_was_not_pruned(
    connection: sa.Connection, keep_from: int
):
    """Then it is said that it is not there."""
    hashes = connection.execute(sa.select(DECISION.c.position, DECISION.c.hash)).all()
    noted = {row.position: row.hash for row in hashes}
    last = verified(connection)
    while upkeep.prune(connection, keep_from):
        pass
    found = upkeep.verify(connection, lambda _: None, {last.position: last.hash}).problems
    assert found == ()
    gone = {position for position in noted if position < keep_from}
    problems = upkeep.verify(connection, lambda _: None, noted).problems
    said = {int(problem.split()[1]) for problem in problems}
    assert gone - said <= {max(gone, default=0)}  # the last of them is the anchor
    assert said <= gone


def test_problems_are_bounded(connection: sa.Connection, monkeypatch: pytest.MonkeyPatch):
    """A table that is all wrong is not told row by row."""
    monkeypatch.setattr(upkeep, "_MOST_PROBLEMS", 3)
    connection.execute(sa.text("UPDATE decision SET bucket = 'x'"))
    assert len(upkeep.verify(connection, lambda _: None).problems) == 3


@pytest.mark.parametrize("at_once", [1, 3, 1000])
@pytest.mark.parametrize("hours", range(12))
def test_pruned_chain_is_whole(
    connection: sa.Connection, monkeypatch: pytest.MonkeyPatch, hours: int, at_once: int
):
    """Wherever it is cut, in however many steps; and what goes missing later is found."""
    monkeypatch.setattr(upkeep, "_AT_ONCE", at_once)
    before = verified(connection)
    keep_from = upkeep.older_than(connection, NOON + timedelta(hours=hours))
    gone = min(hours, 10)
    assert upkeep.count_before(connection, keep_from) == gone
    counts = [*iter(lambda: upkeep.prune(connection, keep_from), 0)]
    assert sum(counts) == gone
    left = connection.execute(sa.select(DECISION.c.decision_id)).scalars().all()
    assert left == [f"d-{number}" for number in range(gone, 10)]
    rules = connection.execute(sa.select(sa.func.count()).select_from(DECISION_RULE)).scalar()
    assert rules == len(left)
    found = verified(connection)
    assert (found.problems, found.position, found.hash) == ((), before.position, before.hash)
    anchors = connection.execute(sa.select(sa.func.count()).select_from(ANCHOR)).scalar_one()
    assert anchors <= 4  # outcomes that overlap, and the one entry before
    append(connection, "w", [Addition.of(decision_record("after"))])
    assert verified(connection).problems == ()
    if left:
        connection.execute(sa.delete(DECISION).where(DECISION.c.decision_id == left[0]))
        assert verified(connection).problems != ()


def test_pruning_twice_is_pruning_once(connection: sa.Connection):
    """A cut behind an earlier one."""
    for hours in (3, 5, 6):
        keep_from = upkeep.older_than(connection, NOON + timedelta(hours=hours))
        while upkeep.prune(connection, keep_from):
            pass
        assert verified(connection).problems == ()


@pytest.mark.parametrize(("size", "kept"), [(0, 0), (1, 0), (3000, 2), (10**9, 10)])
def test_size_keeps_the_newest(connection: sa.Connection, size: int, kept: int):
    """About so many bytes."""
    keep_from = upkeep.beyond_size(connection, size)
    assert 10 - upkeep.count_before(connection, keep_from) == kept
