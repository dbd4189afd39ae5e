"""Which journal the settings name: one place that knows both back ends."""

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.adapters.journal.sqlite import SqliteJournal, SqliteJournalReader
from gateway.adapters.journal.tables import TableJournal, TableReader
from gateway.app.ids import new_writer_id
from gateway.app.settings import Settings
from gateway.core.errors import JournalUnavailable
from gateway.core.ports import EventLog

if TYPE_CHECKING:
    from gateway.adapters.journal.postgres import Database


async def open_journal(settings: Settings, log: EventLog) -> TableJournal:
    """The journal to write to; whoever gets it closes it.

    Args:
        settings: where it is.
        log: is told of outcomes that are lost, and that another gateway brings it up to date.

    Raises:
        JournalUnavailable: no decision could be made durable there.
    """

    def lost(decision_id: str, reason: str) -> None:
        log.fault("outcome not recorded", decision_id=decision_id, reason=reason)

    def waiting() -> None:
        words = "the journal is held by another, that brings it up to date perhaps: waiting"
        log.fault(words, level="warning")

    writer = new_writer_id()
    if not settings.journal_url:
        return await SqliteJournal.open(
            settings.journal_path, writer=writer, on_loss=lost, on_wait=waiting
        )
    database = _database(settings)
    from gateway.adapters.journal.postgres import PostgresJournal  # noqa: PLC0415

    return await PostgresJournal.open(database, writer=writer, on_loss=lost, on_wait=waiting)


async def open_reader(path: Path | None, *, writing: bool = False) -> TableReader:
    """A look into the journal; whoever gets it closes it.

    Args:
        path: of a file; None for the journal of the settings.
        writing: to prune it.

    Raises:
        SettingsError: there are none that can be used.
        JournalUnavailable: there is no journal.
    """
    if path is not None:
        return await SqliteJournalReader.open(path, writing=writing)
    return await open_reader_of(Settings.load(), writing=writing)


async def open_reader_of(settings: Settings, *, writing: bool = False) -> TableReader:
    """A look into the journal of these settings; whoever gets it closes it.

    Args:
        settings: where it is.
        writing: to prune it.

    Raises:
        JournalUnavailable: there is no journal.
    """
    if not settings.journal_url:
        return await SqliteJournalReader.open(settings.journal_path, writing=writing)
    database = _database(settings)
    from gateway.adapters.journal.postgres import PostgresJournalReader  # noqa: PLC0415

    return await PostgresJournalReader.open(database, writing=writing)


def place_of(settings: Settings) -> str:
    """Where the journal is, for people; a URL holds no password."""
    return settings.journal_url or str(settings.journal_path)


def _database(settings: Settings) -> "Database":
    """PostgreSQL's driver is an extra, and 10 MiB that nobody else should pay for."""
    try:
        from gateway.adapters.journal.postgres import Database  # noqa: PLC0415
    except ImportError as fault:
        words = "install the gateway with its extra: in a clone, pip install '.[postgres]'"
        raise JournalUnavailable("journal_open", detail=f"{fault.name}: {words}") from fault
    return Database(settings.journal_url, settings.journal_password_file, settings.journal_ca_file)
