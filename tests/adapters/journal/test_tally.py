"""The tally: whatever it has counted already, an overview shows what a count anew would."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from gateway.adapters.journal import tally, upkeep
from gateway.adapters.journal.append import Addition, append
from gateway.adapters.journal.migrating import migrate
from gateway.adapters.journal.reading import counts
from gateway.adapters.journal.schema import TALLIED, TALLY
from gateway.core.journal import FoundRule, JournalCounts, Verdict, rules_of, verdict_of
from gateway.core.ports import DecisionRecord
from tests.support.fakes import decision_record

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_NUMBER = 60


def records() -> list[DecisionRecord]:
    """Over ten hours, of three principals and some rules; clocks differ by some minutes."""
    dice = Random(1)  # noqa: S311 - the same journal every time
    found = []
    for number in range(_NUMBER):
        fired = [{"rule": f"INV00{dice.randint(1, 3)}"} for _ in range(dice.randint(0, 2))]
        kind = dice.choice(("violations", "warnings"))
        at = NOON + timedelta(minutes=10 * number + dice.randint(-14, 14))
        found.append(
            decision_record(
                f"d-{number}",
                timestamp=at,
                principal=f"team-{dice.randint(1, 3)}",
                allow=not (fired and kind == "violations"),
                result={kind: fired},
            )
        )
    return found


RECORDS = records()


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    """All of them, not tallied."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/journal.db")
    with engine.connect() as opened:
        migrate(opened)
        append(opened, "w", [Addition.of(record) for record in RECORDS])
        opened.commit()
        yield opened
    engine.dispose()


def expected(since: datetime, until: datetime, first: int = 0) -> JournalCounts:
    """The same, counted one by one."""
    hours: Counter[tuple[datetime, Verdict]] = Counter()
    rules: Counter[FoundRule] = Counter()
    principals: Counter[tuple[str, Verdict]] = Counter()
    number = 0
    for record in RECORDS[first:]:
        if since <= record.timestamp < until:
            number += 1
            hour = record.timestamp.replace(minute=0, second=0, microsecond=0)
            hours[hour, verdict_of(record)] += 1
            principals[record.principal, verdict_of(record)] += 1
            rules.update(rules_of(record.result))
    return JournalCounts(hours, rules, principals, number)


def advanced(connection: sa.Connection, times: int) -> int:
    """How many decisions were counted in so many goes."""
    return sum(tally.advance(connection) for _ in range(times))


SPANS = [
    pytest.param(0, 0, id="none"),
    pytest.param(-600, 1200, id="all"),
    pytest.param(60, 300, id="whole hours"),
    pytest.param(60, 301, id="a minute more"),
    pytest.param(59, 300, id="from a minute before on"),
    pytest.param(75, 395, id="hours cut in two"),
    pytest.param(70, 110, id="within an hour"),
    pytest.param(90, 150, id="two halves"),
]


@pytest.mark.parametrize("behind", [0, 1], ids=["by time", "by position"])
@pytest.mark.parametrize("times", [0, 1, 4, 100], ids=lambda times: f"{times} goes")
@pytest.mark.parametrize(("since", "until"), SPANS)
def test_counts_do_not_depend_on_the_tally(
    connection: sa.Connection,
    monkeypatch: pytest.MonkeyPatch,
    since: int,
    until: int,
    times: int,
    behind: int,
):
    """However much of the journal it holds, and however the rest is found."""
    monkeypatch.setattr(tally, "_AT_ONCE", 9)
    monkeypatch.setattr(tally, "_FEW", 50_000 * behind)
    assert advanced(connection, times) == min(9 * times, 54)
    begin, end = NOON + timedelta(minutes=since), NOON + timedelta(minutes=until)
    assert counts(connection, begin, end) == expected(begin, end)


def test_few_decisions_are_left_to_the_reader(connection: sa.Connection):
    """Nothing is written for them."""
    assert tally.advance(connection) == 0
    assert connection.execute(sa.select(TALLY)).all() == []


def test_whole_hours_are_not_counted_anew(
    connection: sa.Connection, monkeypatch: pytest.MonkeyPatch
):
    """That is what the tally is for."""
    monkeypatch.setattr(tally, "_AT_ONCE", 60)
    advanced(connection, 1)
    connection.execute(sa.text("DELETE FROM decision"))
    begin, end = NOON - timedelta(hours=1), NOON + timedelta(hours=12)
    found = counts(connection, begin, end)
    assert sum(found.verdicts.values()) == _NUMBER
    assert found.principals == expected(begin, end).principals


@pytest.mark.parametrize("at_once", [1, 7, 1000])
@pytest.mark.parametrize("times", [0, 2, 100], ids=lambda times: f"{times} goes")
@pytest.mark.parametrize("keep_from", [1, 20, 61])
def test_what_was_pruned_is_counted_no_more(
    connection: sa.Connection,
    monkeypatch: pytest.MonkeyPatch,
    keep_from: int,
    times: int,
    at_once: int,
):
    """Whether it was tallied or not; and what is left is tallied as before."""
    monkeypatch.setattr(tally, "_AT_ONCE", 9)
    monkeypatch.setattr(upkeep, "_AT_ONCE", at_once)
    advanced(connection, times)
    while upkeep.prune(connection, keep_from):
        pass
    span = NOON - timedelta(days=1), NOON + timedelta(days=1)
    assert counts(connection, *span) == expected(*span, first=keep_from - 1)
    assert upkeep.verify(connection, lambda _: None).problems == ()
    advanced(connection, 100)
    assert counts(connection, *span) == expected(*span, first=keep_from - 1)
    numbers = connection.execute(sa.select(TALLY.c.number)).scalars().all()
    assert all(number > 0 for number in numbers)


def test_interrupted_go_has_counted_nothing(
    connection: sa.Connection, monkeypatch: pytest.MonkeyPatch
):
    """Position and numbers are one transaction."""
    monkeypatch.setattr(tally, "_AT_ONCE", 9)
    advanced(connection, 2)
    connection.commit()
    before = (
        connection.execute(sa.select(TALLIED)).all(),
        connection.execute(sa.select(TALLY)).all(),
    )
    advanced(connection, 1)
    connection.rollback()
    after = connection.execute(sa.select(TALLIED)).all(), connection.execute(sa.select(TALLY)).all()
    assert after == before


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE tally SET number = 99 WHERE hour = '2026-11-20T14'", id="number"),
        pytest.param("DELETE FROM tally WHERE hour = '2026-11-20T14'", id="gone"),
        pytest.param(
            "INSERT INTO tally VALUES ('rule', '2026-11-20T14', 'X', 'deny', 1)", id="more"
        ),
    ],
)
def test_tally_that_was_tampered_with_is_found(
    connection: sa.Connection, monkeypatch: pytest.MonkeyPatch, statement: str
):
    """By its hour."""
    monkeypatch.setattr(tally, "_AT_ONCE", 9)
    advanced(connection, 100)
    assert upkeep.verify(connection, lambda _: None).problems == ()
    connection.execute(sa.text(statement))
    monkeypatch.setattr(tally, "_SPAN", 7)
    problems = upkeep.verify(connection, lambda _: None).problems
    assert problems == ("the tally of 2026-11-20T14 does not count its decisions",)


def test_tally_is_verified_piece_by_piece(
    connection: sa.Connection, monkeypatch: pytest.MonkeyPatch
):
    """A database ends statements that take long, which one over a large journal would."""
    monkeypatch.setattr(tally, "_AT_ONCE", 9)
    monkeypatch.setattr(tally, "_SPAN", 7)
    advanced(connection, 100)
    upkeep.prune(connection, 20)
    spans = list[tuple[int, int]]()
    count = tally._between

    def between(connection: sa.Connection, after: int, last: int) -> Counter[tally.Kind]:
        spans.append((after, last))
        return count(connection, after, last)

    monkeypatch.setattr(tally, "_between", between)
    assert list(tally.differences(connection)) == []
    assert spans == [(19, 26), (26, 33), (33, 40), (40, 47), (47, 54)]
