"""Queries cost what they show: each goes along an index, and sorts nothing."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.adapters.journal import reading
from gateway.adapters.journal.append import Addition, append
from gateway.adapters.journal.migrating import migrate
from gateway.core.journal import OPEN, JournalFilter, Verdict
from tests.support.fakes import decision_record

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    """Empty tables."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/journal.db")
    with engine.connect() as opened:
        migrate(opened)
        opened.commit()
        yield opened
    engine.dispose()


def plans(connection: sa.Connection, work: Callable[[], object]) -> list[str]:
    """How SQLite goes about all statements of some work."""
    found: list[str] = []

    def explain(_c: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        rows = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        found.extend(row[-1] for row in rows)

    sa.event.listen(connection, "before_cursor_execute", explain)
    work()
    sa.event.remove(connection, "before_cursor_execute", explain)
    return found


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(JournalFilter(), id="all"),
        pytest.param(JournalFilter(Verdict.DENY), id="verdict"),
        pytest.param(JournalFilter(outcome=OPEN), id="open"),
        pytest.param(JournalFilter(outcome="failed"), id="outcome"),
        pytest.param(JournalFilter(principal="p"), id="principal"),
        pytest.param(JournalFilter(bucket="b"), id="bucket"),
        pytest.param(JournalFilter(rule="INV001"), id="rule"),
        pytest.param(JournalFilter(rule="INV001", principal="p"), id="rule and principal"),
        pytest.param(JournalFilter(since=NOON, until=NOON), id="time"),
        pytest.param(JournalFilter(Verdict.DENY, since=NOON), id="verdict and time"),
    ],
)
def test_page_neither_sorts_nor_scans(connection: sa.Connection, wanted: JournalFilter):
    """A page costs the same at the end of a million rows; walking a key in order is no scan."""
    append(connection, "w", [Addition.of(decision_record(timestamp=NOON))])
    for work in (
        lambda: reading.page(connection, wanted, 1000, 50),
        lambda: reading.tail(connection, wanted, 0, 50),
    ):
        found = plans(connection, work)
        assert found
        assert [step for step in found if "TEMP B-TREE" in step or step.startswith("SCAN")] == []


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        pytest.param(JournalFilter(rule="INV001", bucket="b"), "decision_by_bucket", id="bucket"),
        pytest.param(
            JournalFilter(rule="INV001", principal="p"), "decision_by_principal", id="principal"
        ),
    ],
)
def test_a_common_rule_is_looked_for_along_what_is_rarer(
    connection: sa.Connection, monkeypatch: pytest.MonkeyPatch, wanted: JournalFilter, index: str
):
    """And finds the same decisions, each once, as along its own index."""
    for number in range(12):
        findings = [{"rule": "INV001"}] if number % 2 else []
        record = decision_record(
            f"d-{number:02}",
            bucket="b" if number % 3 else "other",
            principal="p" if number % 3 else "other",
            allow=False,
            result={"violations": findings, "warnings": findings},
        )
        append(connection, "w", [Addition.of(record)])
    rare = reading.page(connection, wanted, None, 50)
    monkeypatch.setattr(reading, "_COMMON", 6)
    assert reading.page(connection, wanted, None, 50) == rare
    assert [row.decision_id for row in rare] == ["d-11", "d-07", "d-05", "d-01"]
    found = plans(connection, lambda: reading.page(connection, wanted, 1000, 50))
    assert any(f"SEARCH decision USING INDEX {index}" in step for step in found)
    assert not any("TEMP B-TREE" in step for step in found)


def test_open_decisions_are_found_by_their_writer(connection: sa.Connection):
    """Along the index that holds nothing else."""
    found = plans(connection, lambda: reading.open_decisions(connection, ["w"]))
    assert [step for step in found if "decision_open" in step] == found


def test_a_row_that_came_a_little_late_is_in_its_span(connection: sa.Connection):
    """Positions are in the order of commits, times in that of clocks: they differ by seconds."""
    for number, seconds in enumerate((5, 0, 10, 8, 20)):
        at = NOON + timedelta(seconds=seconds)
        record = decision_record(f"d-{number}", timestamp=at)
        append(connection, "w", [Addition.of(record)])
    wanted = JournalFilter(since=NOON + timedelta(seconds=5), until=NOON + timedelta(seconds=10))
    rows = reading.page(connection, wanted, None, 10)
    assert [row.decision_id for row in rows] == ["d-3", "d-0"]


@pytest.mark.parametrize("hours", [1, 5, 9])
def test_a_span_among_days_is_exact(connection: sa.Connection, hours: int):
    """With much before and behind it, so that both ends are bounds of positions, too."""
    for number in range(40):
        record = decision_record(f"d-{number:02}", timestamp=NOON + timedelta(minutes=30 * number))
        append(connection, "w", [Addition.of(record)])
    since, until = NOON + timedelta(hours=5), NOON + timedelta(hours=5 + hours)
    rows = reading.tail(connection, JournalFilter(since=since, until=until), 0, 100)
    assert [row.decision_id for row in rows] == [f"d-{n:02}" for n in range(10, 10 + 2 * hours)]
