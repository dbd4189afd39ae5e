"""What every journal does, with whichever back end: what is written, and how it is read."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pytest

from gateway.adapters.journal import tally, upkeep
from gateway.adapters.journal.postgres import (
    Database,
    PostgresJournal,
    PostgresJournalReader,
)
from gateway.adapters.journal.sqlite import SqliteJournal, SqliteJournalReader
from gateway.adapters.journal.tables import TableJournal, TableReader
from gateway.core.errors import JournalUnavailable
from gateway.core.journal import (
    OPEN,
    AmbiguousIdError,
    FoundRule,
    JournalEntry,
    JournalFilter,
    Verdict,
)
from gateway.core.ports import DecisionRecord, Outcome
from tests.support.fakes import decision_record
from tests.support.postgres_process import PostgresProcess

FORWARDED: Final = Outcome(
    "forwarded", 200, "QJ3V7Y2ZB5A1CDEF", {"timer_journal_ns": 7, "timer_upstream_ns": 9}
)
NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Site:
    """A journal, who reads it, who prunes it, and what it said of outcomes that it lost."""

    journal: TableJournal
    reader: TableReader
    open_pruner: Callable[[], Awaitable[TableReader]]
    losses: list[tuple[str, str]] = field(default_factory=list)

    async def entry(self, decision_id: str = "d-1") -> JournalEntry:
        """A decision that is there."""
        entry = await self.reader.get(decision_id)
        assert entry is not None
        return entry

    async def ids(self, wanted: JournalFilter | None = None, **page: Any) -> list[str]:
        """The ids of a page."""
        rows = await self.reader.page(wanted or JournalFilter(), **page)
        return [row.decision_id for row in rows]

    async def outcome(self, decision_id: str = "d-1") -> Outcome:
        """An outcome, which follows its decision a little later."""
        async with asyncio.timeout(10):
            while (outcome := (await self.entry(decision_id)).outcome) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return outcome


@asynccontextmanager
async def sqlite_site(folder: Path) -> AsyncIterator[Site]:
    """In a file."""
    losses: list[tuple[str, str]] = []
    path = folder / "journal.db"
    journal = await SqliteJournal.open(
        path, writer="writer-1", on_loss=lambda *loss: losses.append(loss)
    )
    reader = await SqliteJournalReader.open(path)
    yield Site(journal, reader, partial(SqliteJournalReader.open, path, writing=True), losses)
    await reader.close()
    await journal.close()


@asynccontextmanager
async def postgres_site(server: PostgresProcess) -> AsyncIterator[Site]:
    """In a database of its own."""
    losses: list[tuple[str, str]] = []
    database = Database(server.database())
    journal = await PostgresJournal.open(
        database, writer="writer-1", on_loss=lambda *loss: losses.append(loss)
    )
    reader = await PostgresJournalReader.open(database)
    yield Site(journal, reader, partial(PostgresJournalReader.open, database, writing=True), losses)
    await reader.close()
    await journal.close()


@pytest.fixture(params=["sqlite", "postgres"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Each implementation in turn, empty."""
    if request.param == "sqlite":
        opening = sqlite_site(tmp_path)
    else:
        opening = postgres_site(request.getfixturevalue("postgres"))
    async with opening as opened:
        yield opened


async def test_record_is_read_back_with_every_field(site: Site):
    """What went in comes out, and there is no outcome yet."""
    record = decision_record()
    await site.journal.record(record)
    entry = await site.entry()
    assert (entry.record, entry.outcome, entry.writer) == (record, None, "writer-1")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"document": None, "document_sha256": "", "received": None}, id="removal"),
        pytest.param({"received": b"<InventoryConfiguration/>"}, id="written canonically"),
        pytest.param({"received": bytes(range(256)) * 256}, id="64 KiB as received"),
        pytest.param({"document": None, "received": b"<x/>"}, id="received alone"),
        pytest.param({"allow": False, "error": "engine_timeout"}, id="fault"),
        pytest.param({"input": MappingProxyType({"a": {"b": [1, None]}})}, id="read-only mapping"),
        pytest.param({"document": bytes(range(256)) * 256}, id="64 KiB of any bytes"),
        pytest.param({"bucket": "it's; DROP TABLE decision;--\n\u2028é%_:x"}, id="hostile text"),
        pytest.param({"input": {"prefix": "\x00"}}, id="NUL within JSON"),
    ],
)
async def test_record_keeps_what_is_unusual(site: Site, changes: dict[str, Any]):
    """Fields are kept as they are."""
    await site.journal.record(decision_record(**changes))
    record = (await site.entry()).record
    assert {name: getattr(record, name) for name in changes} == changes


async def test_timestamp_of_another_zone_is_the_same_instant(site: Site):
    """Time is compared as an instant."""
    local = datetime.fromisoformat("2026-11-20T13:30:00+01:00")
    await site.journal.record(decision_record(timestamp=local))
    assert (await site.entry()).record.timestamp == datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


async def test_duplicate_decision_is_refused_and_the_first_stays(site: Site):
    """One decision is one record; and the first is not concluded by the refusal of the second."""
    await site.journal.record(decision_record(bucket="first"))
    with pytest.raises(JournalUnavailable) as caught:
        await site.journal.record(decision_record(bucket="second"))
    assert caught.value.reason == "journal_refused"
    await site.journal.record(decision_record("d-2"))
    entry = await site.entry("d-1")
    assert (entry.record.bucket, entry.outcome) == ("first", None)
    assert await site.ids() == ["d-2", "d-1"]


async def test_outcome_joins_its_decision(site: Site):
    """The outcome is read with the decision, which is then no longer open."""
    await site.journal.record(decision_record("d-1"))
    await site.journal.record(decision_record("d-2"))
    await site.journal.conclude("d-1", FORWARDED)
    assert await site.outcome("d-1") == FORWARDED
    assert await site.ids(JournalFilter(outcome=OPEN)) == ["d-2"]


async def test_outcome_rides_with_the_next_record(site: Site):
    """What a record's acknowledgement follows is durable, too."""
    await site.journal.record(decision_record("d-1"))
    await site.journal.conclude("d-1", FORWARDED)
    await site.journal.record(decision_record("d-2"))
    assert (await site.entry("d-1")).outcome == FORWARDED


@pytest.mark.parametrize("decision_id", ["d-1", "d-unknown"])
async def test_outcome_without_an_open_decision_is_reported(site: Site, decision_id: str):
    """A second outcome, or one of a decision that is not there; the first stays."""
    await site.journal.record(decision_record("d-1"))
    await site.journal.conclude("d-1", FORWARDED)
    await site.journal.conclude(decision_id, Outcome("failed"))
    await site.journal.record(decision_record("d-2"))
    await site.journal.record(decision_record("d-3"))
    assert (await site.entry("d-1")).outcome == FORWARDED
    assert site.losses == [(decision_id, "journal_refused")]


async def test_every_entry_has_a_position_of_its_own(site: Site):
    """Decisions and outcomes, in the order in which they became durable; hashes differ."""
    for number in (1, 2):
        await site.journal.record(decision_record(f"d-{number}"))
        await site.journal.conclude(f"d-{number}", FORWARDED)
        await site.outcome(f"d-{number}")
    entries = [await site.entry(f"d-{number}") for number in (1, 2)]
    assert [entry.position for entry in entries] == [1, 3]
    assert entries[0].hash != entries[1].hash


async def test_pages_follow_each_other_from_the_newest_on(site: Site):
    """Each begins behind the last row of the one before; nothing is shown twice or left out."""
    for number in range(5):
        await site.journal.record(decision_record(f"d-{number}"))
    pages, before = [], None
    while rows := await site.reader.page(limit=2, before=before):
        pages.append([row.decision_id for row in rows])
        before = rows[-1].position
    assert pages == [["d-4", "d-3"], ["d-2", "d-1"], ["d-0"]]


async def test_tail_gives_what_came_later_oldest_first(site: Site):
    """And so many at most."""
    for number in range(4):
        await site.journal.record(decision_record(f"d-{number}"))
    seen = (await site.entry("d-0")).position
    rows = await site.reader.tail(after=seen, limit=2)
    assert [row.decision_id for row in rows] == ["d-1", "d-2"]
    assert await site.reader.tail(after=(await site.entry("d-3")).position) == []


def filled() -> list[DecisionRecord]:
    """Six decisions that differ in everything that can be filtered by."""
    denied = {"violations": [{"rule": "INV001"}, {"rule": "INV015"}]}
    return [
        decision_record("d-allow", timestamp=NOON),
        decision_record(
            "d-deny",
            timestamp=NOON + timedelta(minutes=59),
            allow=False,
            result=denied,
        ),
        decision_record(
            "d-observed",
            timestamp=NOON + timedelta(hours=1),
            result=denied | {"would_refuse": True, "warnings": [{"rule": "INV001"}]},
            principal="ops",
        ),
        decision_record(
            "d-error", timestamp=NOON + timedelta(hours=9), allow=False, error="engine", result={}
        ),
        decision_record("d-other", timestamp=NOON + timedelta(days=1), bucket="acme-logs"),
        decision_record(
            "d-warned",
            timestamp=NOON + timedelta(days=2),
            principal="ops",
            bucket="acme-logs",
            result={"warnings": [{"rule": "INV001"}]},
        ),
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param(JournalFilter(), "warned other error observed deny allow", id="all"),
        pytest.param(JournalFilter(Verdict.ALLOW), "warned other allow", id="verdict"),
        pytest.param(JournalFilter(Verdict.WOULD_DENY), "observed", id="would have been denied"),
        pytest.param(JournalFilter(principal="ops"), "warned observed", id="principal"),
        pytest.param(JournalFilter(bucket="acme-logs"), "warned other", id="bucket"),
        pytest.param(JournalFilter(bucket="acme-%"), "", id="no pattern"),
        pytest.param(
            JournalFilter(rule="INV001"), "warned observed deny", id="rule, once in two modes"
        ),
        pytest.param(JournalFilter(rule="INV015", principal="ops"), "observed", id="rule and who"),
        pytest.param(JournalFilter(rule="INV002"), "", id="rule that never fired"),
        pytest.param(JournalFilter(outcome="forwarded"), "allow", id="outcome"),
        pytest.param(
            JournalFilter(outcome=OPEN), "warned other error observed deny", id="without outcome"
        ),
        pytest.param(
            JournalFilter(since=NOON + timedelta(hours=1)),
            "warned other error observed",
            id="since",
        ),
        pytest.param(
            JournalFilter(until=NOON + timedelta(hours=1)),
            "deny allow",
            id="until, which is not in",
        ),
        pytest.param(
            JournalFilter(
                since=NOON + timedelta(minutes=1),
                until=NOON + timedelta(hours=2),
                rule="INV001",
                verdict=Verdict.DENY,
            ),
            "deny",
            id="all at once",
        ),
        pytest.param(JournalFilter(since=NOON + timedelta(days=9)), "", id="in the future"),
        pytest.param(JournalFilter(until=NOON - timedelta(days=9)), "", id="before all"),
    ],
)
async def test_filters_narrow_down(site: Site, wanted: JournalFilter, found: str):
    """Each alone and together, in pages and in the tail."""
    for record in filled():
        await site.journal.record(record)
    await site.journal.conclude("d-allow", FORWARDED)
    await site.outcome("d-allow")
    expected = [f"d-{name}" for name in found.split()]
    assert await site.ids(wanted) == expected
    assert [row.decision_id for row in await site.reader.tail(wanted, after=0)] == expected[::-1]
    ends = [await site.ids(wanted, limit=1), await site.ids(wanted, before=1)]
    assert ends == [expected[:1], []]


async def test_row_shows_what_there_is_to_see(site: Site):
    """Its rules by mode among it."""
    record = filled()[2]
    await site.journal.record(record)
    (row,) = await site.reader.page()
    assert (row.verdict, row.outcome, row.error) == (Verdict.WOULD_DENY, None, "")
    assert row.rules == (
        FoundRule("INV001", "deny"),
        FoundRule("INV001", "warn"),
        FoundRule("INV015", "deny"),
    )
    for name in ("decision_id", "timestamp", "principal", "action", "bucket", "inventory_id"):
        assert getattr(row, name) == getattr(record, name)


async def test_get_takes_a_beginning_that_is_unique(site: Site):
    """An id that is another's beginning is meant itself."""
    for decision_id in ("ab", "abc", "abd", "b%"):
        await site.journal.record(decision_record(decision_id))
    assert (await site.entry("abc")).record.decision_id == "abc"
    assert (await site.entry("ab")).record.decision_id == "ab"
    assert (await site.entry("b")).record.decision_id == "b%"
    with pytest.raises(AmbiguousIdError):
        await site.reader.get("a")
    for unknown in ("abe", "%", "B"):
        assert await site.reader.get(unknown) is None


async def test_counts_are_of_the_span_alone(site: Site):
    """By hour and verdict, rule and mode, principal and verdict."""
    for record in filled():
        await site.journal.record(record)
    await site.journal.conclude("d-deny", Outcome("refused"))
    await site.outcome("d-deny")
    counts = await site.reader.counts(NOON + timedelta(minutes=1), NOON + timedelta(days=1))
    one = NOON + timedelta(hours=1)
    assert counts.hours == {
        (NOON, Verdict.DENY): 1,
        (one, Verdict.WOULD_DENY): 1,
        (NOON + timedelta(hours=9), Verdict.ERROR): 1,
    }
    assert counts.rules == {
        FoundRule("INV001", "deny"): 2,
        FoundRule("INV015", "deny"): 2,
        FoundRule("INV001", "warn"): 1,
    }
    assert counts.principals == {
        ("analytics-team", Verdict.DENY): 1,
        ("analytics-team", Verdict.ERROR): 1,
        ("ops", Verdict.WOULD_DENY): 1,
    }
    assert counts.open == 2


@pytest.mark.parametrize("kept", [True, False], ids=["all", "pruned"])
async def test_counts_are_the_same_when_they_are_tallied(
    site: Site, monkeypatch: pytest.MonkeyPatch, kept: bool
):
    """Also by two at once, in part, and where the oldest were taken out."""
    monkeypatch.setattr(tally, "_AT_ONCE", 2)
    *first, last = filled()
    for record in first:
        await site.journal.record(record)
    if not kept:
        pruner = await site.open_pruner()
        await site.journal.tally()
        await pruner.read(upkeep.prune, 2)
        await pruner.close()
    span = NOON - timedelta(days=1), NOON + timedelta(days=7)
    before = await site.reader.counts(*span)
    tallied = await asyncio.gather(*(site.journal.tally() for _ in range(4)))
    assert sum(tallied) == (4 if kept else 2)
    assert await site.reader.counts(*span) == before
    await site.journal.record(last)
    counts = await site.reader.counts(*span)
    assert sum(counts.verdicts.values()) == sum(before.verdicts.values()) + 1
    await site.journal.tally()
    assert await site.reader.counts(*span) == counts
    assert (await site.reader.read(upkeep.verify, lambda _: None)).problems == ()


async def test_timings_are_those_of_the_newest(site: Site):
    """Newest first, and no more than asked for; with those that came with an outcome."""
    for number in range(3):
        await site.journal.record(decision_record(f"d-{number}", metrics={"timer_a_ns": number}))
    await site.journal.conclude("d-1", FORWARDED)
    await site.outcome("d-1")
    assert await site.reader.timings(limit=2) == [
        {"timer_a_ns": 2},
        {"timer_a_ns": 1, "timer_journal_ns": 7, "timer_upstream_ns": 9},
    ]


async def test_concurrent_records_fail_one_by_one(site: Site):
    """A duplicate among two hundred costs nobody else a record."""
    ids = [f"d-{number}" for number in range(200)]
    answers = await asyncio.gather(
        *(site.journal.record(decision_record(id_)) for id_ in [*ids, "d-7"]),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers if answer is not None] == [JournalUnavailable]
    assert set(await site.ids(limit=1000)) == set(ids)
