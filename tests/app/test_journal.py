"""Which journal the settings name."""

import sys
from pathlib import Path

import pytest

from gateway.app.journal import open_journal, open_reader, place_of
from gateway.app.settings import Settings
from gateway.core.errors import JournalUnavailable
from gateway.core.ports import Outcome
from tests.support.fake_event_log import FakeEventLog
from tests.support.fakes import decision_record


async def test_what_is_written_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the settings, and by the name of a file; writers differ."""
    path = tmp_path / "journal.db"
    monkeypatch.setenv("GATEWAY_JOURNAL_PATH", str(path))
    writers = set()
    for number in (1, 2):
        journal = await open_journal(Settings.load(), FakeEventLog())
        await journal.record(decision_record(f"d-{number}"))
        writers.add(journal.writer)
        await journal.close()
    assert len(writers) == 2
    for named in (None, path):
        reader = await open_reader(named)
        assert [row.decision_id for row in await reader.page()] == ["d-2", "d-1"]
        await reader.close()


async def test_lost_outcome_is_told(tmp_path: Path) -> None:
    """I16: an operator should know."""
    log = FakeEventLog()
    journal = await open_journal(Settings(journal_path=tmp_path / "journal.db"), log)
    await journal.conclude("d-9", Outcome("forwarded", 204, "UP1"))
    await journal.close()
    assert [fault["message"] for fault in log.faults] == ["outcome not recorded"]


async def test_reader_of_nothing_is_told(tmp_path: Path) -> None:
    """And makes no file."""
    with pytest.raises(JournalUnavailable):
        await open_reader(tmp_path / "journal.db")
    assert not (tmp_path / "journal.db").exists()


def test_place_is_the_file_or_the_url() -> None:
    """For people; there is no password in it."""
    assert place_of(Settings(journal_path=Path("x.db"))) == "x.db"
    assert place_of(Settings(journal_url="postgresql:///d")) == "postgresql:///d"


async def test_url_is_that_of_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For writing and reading; a server that is not there is no gateway."""
    monkeypatch.setenv("GATEWAY_JOURNAL_URL", f"postgresql://u@/d?host={tmp_path}")
    for opening in (open_journal(Settings.load(), FakeEventLog()), open_reader(None)):
        with pytest.raises(JournalUnavailable) as caught:
            await opening
        assert caught.value.reason == "journal_open"


async def test_missing_driver_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install."""
    monkeypatch.delitem(sys.modules, "gateway.adapters.journal.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(JournalUnavailable) as caught:
        await open_journal(Settings(journal_url="postgresql:///d"), FakeEventLog())
    assert "pip install '.[postgres]'" in caught.value.detail
