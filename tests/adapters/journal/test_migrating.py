"""Migrations: what older files hold is kept, and nothing else is done at a start."""

import contextlib
import logging
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from gateway.adapters.journal import migrating, upkeep
from gateway.adapters.journal.chain import GENESIS, decision_hash, outcome_hash
from gateway.adapters.journal.postgres import Database, PostgresJournal, PostgresJournalReader
from gateway.adapters.journal.row import text_of, values_of
from gateway.adapters.journal.schema import CHAIN
from gateway.adapters.journal.sqlite import SqliteJournal, SqliteJournalReader
from gateway.adapters.journal.tables import TableJournal, TableReader
from gateway.core.journal import FoundRule, Verdict
from gateway.core.ports import Outcome
from tests.support.fakes import decision_record
from tests.support.postgres_process import PostgresProcess

#: As the first release created it.
_FIRST = """
CREATE TABLE decision (
    position INTEGER NOT NULL, decision_id TEXT NOT NULL, timestamp TEXT NOT NULL,
    request_id TEXT NOT NULL, principal TEXT NOT NULL, action TEXT NOT NULL, bucket TEXT NOT NULL,
    inventory_id TEXT NOT NULL, allow INTEGER NOT NULL, revision TEXT NOT NULL,
    input TEXT NOT NULL, result TEXT NOT NULL, document_sha256 TEXT NOT NULL, error TEXT NOT NULL,
    metrics TEXT NOT NULL, document BLOB, outcome TEXT, s3_status INTEGER,
    upstream_request_id TEXT, PRIMARY KEY (position), UNIQUE (decision_id)
) STRICT;
PRAGMA user_version = 1;
"""


def first_file(path: Path, rows: int) -> None:
    """A file of the first release: every third decision has an outcome, every fifth is a no."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript("PRAGMA journal_mode = WAL;" + _FIRST)
        for number in range(rows):
            denied = number % 5 == 0
            result: dict[str, object] = {"allow": not denied}
            if denied:
                result |= {"violations": [{"rule": "INV001"}], "warnings": [{"rule": "INV033"}]}
            values = values_of(decision_record(f"d-{number}", allow=not denied, result=result))
            del values["verdict"], values["received"]
            if number % 3 == 0:
                values |= {"outcome": "forwarded", "s3_status": 204, "upstream_request_id": "UP"}
            names = ", ".join(values)
            marks = ", ".join("?" * len(values))
            database.execute(
                f"INSERT INTO decision ({names}) VALUES ({marks})",  # noqa: S608 - our own names
                list(values.values()),
            )
        database.commit()


@pytest.mark.parametrize("rows", [0, 1, 1203])
async def test_file_of_the_first_release_is_taken_along(tmp_path: Path, rows: int):
    """Every decision with its outcome, what it found, and in the same order."""
    path = tmp_path / "journal.db"
    first_file(path, rows)
    for _ in range(2):  # the second start finds it done
        journal = await SqliteJournal.open(path, writer="w")
        await journal.close()
    reader = await SqliteJournalReader.open(path)
    found = await reader.tail(after=0, limit=10_000)
    assert [row.decision_id for row in found] == [f"d-{number}" for number in range(rows)]
    for number, row in enumerate(found):
        denied = number % 5 == 0
        assert row.verdict is (Verdict.DENY if denied else Verdict.ALLOW)
        deny, warn = FoundRule("INV001", "deny"), FoundRule("INV033", "warn")
        assert row.rules == ((deny, warn) if denied else ())
        assert row.outcome == (Outcome("forwarded", 204, "UP") if number % 3 == 0 else None)
    if rows:
        entry = await reader.get("d-0")
        assert entry is not None
        assert text_of(entry.record.timestamp) == text_of(decision_record().timestamp)
        assert (entry.record.document, entry.writer) == (decision_record().document, "0001")
        assert entry.record.received is None
    await reader.close()


def second_rows(connection: sa.Connection) -> None:
    """What the second release has written: two decisions, one of them with its outcome."""
    decision = sa.Table("decision", sa.MetaData(), autoload_with=connection)
    first, second = (values_of(decision_record(f"d-{number}")) for number in (1, 2))
    for position, row in ((1, first), (2, second)):
        del row["received"]
        row |= {"position": position, "writer": "w"}
    first |= {"previous_hash": GENESIS, "hash": decision_hash(GENESIS, first)}
    second |= {"previous_hash": first["hash"], "hash": decision_hash(first["hash"], second)}
    outcome = {
        "outcome": "forwarded",
        "s3_status": 204,
        "upstream_request_id": "UP",
        "outcome_position": 3,
        "outcome_writer": "w",
        "outcome_previous_hash": second["hash"],
    }
    last = outcome_hash(second["hash"], first | outcome)
    connection.execute(sa.insert(decision), [second])
    connection.execute(sa.insert(decision), [first | outcome | {"outcome_hash": last}])
    connection.execute(sa.update(CHAIN).values(position=3, hash=last))


@asynccontextmanager
async def second_file(folder: Path) -> AsyncIterator[tuple[TableJournal, TableReader]]:
    """In a file of the second release."""
    path = folder / "journal.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    with pytest.MonkeyPatch.context() as patch, engine.begin() as connection:
        patch.setattr(migrating, "REVISION", "0002")
        migrating._upgrade(connection)
        second_rows(connection)
    engine.dispose()
    journal = await SqliteJournal.open(path, writer="w")
    reader = await SqliteJournalReader.open(path)
    yield journal, reader
    await reader.close()
    await journal.close()


@asynccontextmanager
async def second_database(
    server: PostgresProcess,
) -> AsyncIterator[tuple[TableJournal, TableReader]]:
    """In a database of the second release."""
    database = Database(server.database())
    engine = database.engine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrating, "REVISION", "0002")
        async with engine.begin() as connection:
            await connection.run_sync(migrating._upgrade)
            await connection.run_sync(second_rows)
    await engine.dispose()
    journal = await PostgresJournal.open(database, writer="w")
    reader = await PostgresJournalReader.open(database)
    yield journal, reader
    await reader.close()
    await journal.close()


@pytest.mark.parametrize("back_end", ["sqlite", "postgres"])
async def test_records_of_the_second_release_are_read_and_stay_in_the_chain(
    request: pytest.FixtureRequest, tmp_path: Path, back_end: str
):
    """They lack the client's document and what came after the record; new ones follow them."""
    if back_end == "sqlite":
        opening = second_file(tmp_path)
    else:
        opening = second_database(request.getfixturevalue("postgres"))
    async with opening as (journal, reader):
        await journal.record(decision_record("d-3"))
        await journal.conclude("d-2", Outcome("forwarded", 204, "UP", {"timer_journal_ns": 7}))
        await journal.record(decision_record("d-4"))
        first, second, third = [await reader.get(f"d-{number}") for number in (1, 2, 3)]
        assert first is not None
        assert first.record == decision_record("d-1", received=None)
        assert first.outcome == Outcome("forwarded", 204, "UP")
        assert second is not None
        assert second.outcome == Outcome("forwarded", 204, "UP", {"timer_journal_ns": 7})
        assert third is not None
        assert third.record == decision_record("d-3")
        found = await reader.read(upkeep.verify, lambda _: None)
        assert (found.entries, found.problems) == (6, ())


async def test_interrupted_migration_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """All or nothing: it is one transaction."""
    path = tmp_path / "journal.db"
    first_file(path, 3)
    upgrade = ScriptDirectory._upgrade_revs

    def broken(scripts: ScriptDirectory, destination: str, current: str) -> list:
        steps = upgrade(scripts, destination, current)

        def fail(*_: object) -> None:
            raise sa.exc.OperationalError("x", {}, sqlite3.OperationalError("disk I/O error"))

        steps[-1].migration_fn = fail
        return steps

    with monkeypatch.context() as patch:
        patch.setattr(ScriptDirectory, "_upgrade_revs", broken)
        with pytest.raises(Exception, match="journal_open"):
            await SqliteJournal.open(path, writer="w")
    with contextlib.closing(sqlite3.connect(path)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert tables == [("decision",)]
    await (await SqliteJournal.open(path, writer="w")).close()


async def test_migrations_are_silent(tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd):
    """No handler is added, no level is changed, nothing is printed."""
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    await (await SqliteJournal.open(tmp_path / "journal.db", writer="w")).close()
    assert (logging.getLogger().handlers, logging.getLogger().level) == (handlers, level)
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


def imports_alembic(path: Path) -> bool:
    """Whether a process that opens this journal does."""
    script = (
        "import asyncio, pathlib, sys\n"
        "from gateway.adapters.journal.sqlite import SqliteJournal\n"
        "async def main():\n"
        "    await (await SqliteJournal.open(pathlib.Path(sys.argv[1]), writer='w')).close()\n"
        "asyncio.run(main())\n"
        "print('alembic' in sys.modules)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[3],
    ).stdout
    return {"True\n": True, "False\n": False}[said]


def test_only_tables_of_an_earlier_release_take_alembic(tmp_path: Path):
    """A worker's memory matters, at a first start, too."""
    new, old = tmp_path / "new.db", tmp_path / "old.db"
    first_file(old, 1)
    assert [imports_alembic(path) for path in (new, new, old, old)] == [False, False, True, False]


def test_revision_knows_alembics_configuration_needs_no_file():
    """There is no alembic.ini and no env.py that might read the environment."""
    assert Config().config_file_name is None
    assert sorted(path.name for path in migrating._SCRIPTS.iterdir() if path.is_file()) == []
