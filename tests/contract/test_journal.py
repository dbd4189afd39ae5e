"""What every journal does, the fake one included."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from gateway.adapters.journal_sqlite import SqliteJournal
from gateway.core.errors import JournalUnavailable
from gateway.core.ports import Journal, Outcome
from tests.support.fakes import FakeJournal, decision_record

AnyJournal = SqliteJournal | FakeJournal
FORWARDED = Outcome("forwarded", 200, "QJ3V7Y2ZB5A1CDEF")


@pytest.fixture(params=["sqlite", "fake"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AnyJournal]:
    """Each implementation in turn, empty."""
    if request.param == "fake":
        yield FakeJournal()
        return
    sqlite = await SqliteJournal.open(tmp_path / "journal.db")
    yield sqlite
    await sqlite.close()


async def test_record_is_read_back_with_every_field(journal: AnyJournal):
    """What went in comes out, and there is no outcome yet."""
    port: Journal = journal
    record = decision_record()
    await port.record(record)
    row = await journal.get("d-1")
    assert row is not None
    expected = {name: getattr(record, name) for name in record.__dataclass_fields__}
    assert dict(row) == {**expected, "outcome": None}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"document": None, "document_sha256": ""}, id="removal"),
        pytest.param({"allow": False, "error": "engine_timeout"}, id="fault"),
        pytest.param({"input": MappingProxyType({"a": {"b": [1, None]}})}, id="read-only mapping"),
        pytest.param({"document": bytes(range(256)) * 256}, id="64 KiB of any bytes"),
        pytest.param({"bucket": "it's; DROP TABLE decision;--\x00\n\u2028é"}, id="hostile text"),
    ],
)
async def test_record_keeps_what_is_unusual(journal: AnyJournal, changes: dict[str, Any]):
    """Fields are kept as they are."""
    await journal.record(decision_record(**changes))
    row = await journal.get("d-1")
    assert row is not None
    assert {name: row[name] for name in changes} == changes


async def test_timestamp_of_another_zone_is_the_same_instant(journal: AnyJournal):
    """Time is compared as an instant."""
    local = datetime.fromisoformat("2026-11-20T13:30:00+01:00")
    await journal.record(decision_record(timestamp=local))
    row = await journal.get("d-1")
    assert row is not None
    assert row["timestamp"] == datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


async def test_duplicate_decision_is_refused_and_the_first_stays(journal: AnyJournal):
    """One decision is one record."""
    await journal.record(decision_record(bucket="first"))
    with pytest.raises(JournalUnavailable) as caught:
        await journal.record(decision_record(bucket="second"))
    assert caught.value.reason == "journal_refused"
    assert [row["bucket"] for row in await journal.recent()] == ["first"]


async def test_outcome_joins_its_decision(journal: AnyJournal):
    """The outcome is read with the decision, which is then finished."""
    await journal.record(decision_record("d-1"))
    await journal.record(decision_record("d-2"))
    await journal.conclude("d-1", FORWARDED)
    row = await journal.get("d-1")
    assert row is not None
    assert row["outcome"] == FORWARDED
    assert [row["decision_id"] for row in await journal.unfinished()] == ["d-2"]


async def test_outcome_is_refused_when_no_such_decision_is_open(journal: AnyJournal):
    """An outcome without its decision, or a second one, is an error; the first stays."""
    await journal.record(decision_record("d-1"))
    await journal.conclude("d-1", FORWARDED)
    for decision_id in ("d-1", "d-unknown"):
        with pytest.raises(JournalUnavailable):
            await journal.conclude(decision_id, Outcome("failed"))
    row = await journal.get("d-1")
    assert row is not None
    assert row["outcome"] == FORWARDED


async def test_recent_is_newest_first_and_bounded(journal: AnyJournal):
    """Reading is by order of recording."""
    for number in range(5):
        await journal.record(decision_record(f"d-{number}"))
    assert [row["decision_id"] for row in await journal.recent(2)] == ["d-4", "d-3"]


async def test_get_is_none_when_unknown(journal: AnyJournal):
    """No such decision is no error."""
    assert await journal.get("d-404") is None


async def test_concurrent_records_fail_one_by_one(journal: AnyJournal):
    """A duplicate among two hundred costs nobody else a record."""
    ids = [f"d-{number}" for number in range(200)]
    answers = await asyncio.gather(
        *(journal.record(decision_record(id_)) for id_ in [*ids, "d-7"]), return_exceptions=True
    )
    assert [type(answer) for answer in answers if answer is not None] == [JournalUnavailable]
    assert {row["decision_id"] for row in await journal.recent(1000)} == set(ids)
