"""The PostgreSQL journal: a server that goes and comes back, several writers, who lives."""

import asyncio
import logging
import time
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.adapters.journal import postgres as backend
from gateway.adapters.journal import upkeep
from gateway.adapters.journal.append import Work
from gateway.adapters.journal.migrating import migrate
from gateway.adapters.journal.postgres import (
    Database,
    PostgresJournal,
    PostgresJournalReader,
    lock_of,
)
from gateway.core.errors import JournalUnavailable
from gateway.core.journal import JournalRow
from gateway.core.ports import Outcome
from tests.support.fakes import decision_record
from tests.support.postgres_process import PostgresProcess


async def rows_in(database: Database) -> list[JournalRow]:
    """What is there, oldest first, by an intact chain."""
    reader = await PostgresJournalReader.open(database)
    found = await reader.read(upkeep.verify, lambda _: None)
    assert found.problems == ()
    rows = await reader.tail(after=0, limit=10_000)
    await reader.close()
    return rows


async def test_several_gateways_write_one_chain(postgres: PostgresProcess):
    """At once, each acknowledged record is there once; positions have no gap."""
    database = Database(postgres.database())
    opening = (PostgresJournal.open(database, writer=f"writer-{n}") for n in range(3))
    journals = await asyncio.gather(*opening)  # all of them would create the tables
    await asyncio.gather(
        *(
            journal.record(decision_record(f"{journal.writer}-{number}"))
            for journal in journals
            for number in range(40)
        )
    )
    await asyncio.gather(*(journal.close() for journal in journals))
    rows = await rows_in(database)
    assert [row.position for row in rows] == list(range(1, 121))


async def test_slow_machine_may_take_its_time_to_create_the_tables(
    postgres: PostgresProcess, monkeypatch: pytest.MonkeyPatch
):
    """The server ends transactions that stand still, but not this one."""

    def slowly(connection: sa.Connection) -> None:
        time.sleep(2.5)
        migrate(connection)

    monkeypatch.setattr("gateway.adapters.journal.postgres.migrate", slowly)
    journal = await PostgresJournal.open(Database(postgres.database()), writer="w")
    limit = sa.text("SHOW idle_in_transaction_session_timeout")
    assert journal._connection is not None
    assert (await journal._connection.execute(limit)).scalar() == "2s"
    await journal.close()


async def test_server_that_goes_fails_records_and_comes_back_by_itself(
    postgres: PostgresProcess, caplog: pytest.LogCaptureFixture
):
    """No record counts that may not be durable; outcomes are kept; no restart is needed."""
    caplog.set_level(logging.DEBUG)
    database = Database(postgres.database())
    journal = await PostgresJournal.open(database, writer="w")
    await journal.record(decision_record("d-1"))
    postgres.stop()
    try:
        await journal.conclude("d-1", Outcome("forwarded", 204, "UP1"))
        for attempt in (journal.record(decision_record("d-2")), journal.check()):
            with pytest.raises(JournalUnavailable) as caught:
                await attempt
            assert caught.value.reason == "journal_write"
    finally:
        postgres.start()
    await journal.check()
    await journal.record(decision_record("d-3"))
    await journal.close()
    rows = {row.decision_id: row.outcome for row in await rows_in(database)}
    assert rows == {"d-1": Outcome("forwarded", 204, "UP1"), "d-3": None}


async def test_lost_acknowledgement_is_a_no_and_no_duplicate(
    postgres: PostgresProcess, monkeypatch: pytest.MonkeyPatch
):
    """The commit was done, the answer did not come: nobody acts on it, and the record says so."""
    database = Database(postgres.database())
    journal = await PostgresJournal.open(database, writer="w")
    commit, faults = journal._commit, [ConnectionResetError("reset by peer")]

    async def unheard(batch: list[Work]) -> list[str]:
        lost = await commit(batch)
        if faults:
            raise faults.pop()
        return lost

    monkeypatch.setattr(journal._group, "_commit", unheard)
    with pytest.raises(JournalUnavailable):
        await journal.record(decision_record("d-1"))
    await journal.record(decision_record("d-2"))
    await journal.close()
    rows = {row.decision_id: row.outcome for row in await rows_in(database)}
    assert rows == {"d-1": Outcome("failed"), "d-2": None}


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit"])
async def test_server_that_does_not_sync_is_refused(
    postgres: PostgresProcess, monkeypatch: pytest.MonkeyPatch, setting: str
):
    """What it acknowledged would not survive a power cut."""
    url = postgres.database()
    if setting == "fsync":
        postgres.run("ALTER SYSTEM SET fsync = off")
        postgres.run("SELECT pg_reload_conf()")
    else:
        monkeypatch.setitem(
            __import__("gateway.adapters.journal.postgres", fromlist=["x"])._SERVER_SETTINGS,
            "synchronous_commit",
            "off",
        )
    try:
        with pytest.raises(JournalUnavailable) as caught:
            await PostgresJournal.open(Database(url), writer="w")
    finally:
        postgres.run("ALTER SYSTEM RESET fsync")
        postgres.run("SELECT pg_reload_conf()")
    assert caught.value.detail == f"{setting} is off on the server"


async def test_decisions_of_the_dead_are_abandoned_and_no_others(postgres: PostgresProcess):
    """A writer lives as long as its connection."""
    database = Database(postgres.database())
    dead = await PostgresJournal.open(database, writer="dead")
    alive = await PostgresJournal.open(database, writer="alive")
    looking = await PostgresJournal.open(database, writer="looking")
    for journal in (dead, alive, looking):
        await journal.record(decision_record(f"of-{journal.writer}"))
    await dead.close()
    found = [entry.record.decision_id for entry in await looking.abandoned()]
    assert found == ["of-dead"]
    assert lock_of("dead") != lock_of("alive")
    for journal in (alive, looking):
        await journal.close()


async def test_password_is_read_from_its_file_and_never_shown(
    postgres: PostgresProcess, tmp_path: Path
):
    """A wrong one is told without it."""
    name = postgres.database().partition("@/")[2].partition("?")[0]
    postgres.run("CREATE ROLE guarded LOGIN PASSWORD 'hunter2' SUPERUSER")
    rules = postgres.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + before)
    postgres.run("SELECT pg_reload_conf()")
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    url = f"postgresql://guarded@127.0.0.1:{postgres.port}/{name}"
    journal = await PostgresJournal.open(Database(url, secret), writer="w")
    await journal.close()
    secret.write_text("wrong-hunter3\n")
    try:
        with pytest.raises(JournalUnavailable) as caught:
            await PostgresJournal.open(Database(url, secret), writer="w")
    finally:
        rules.write_text(before)
        postgres.run("SELECT pg_reload_conf()")
    assert "password authentication failed" in caught.value.detail
    assert "hunter" not in f"{caught.value!r}{caught.value.detail}{Database(url, secret)!r}"


async def test_tls_is_asked_for_beyond_this_machine(monkeypatch: pytest.MonkeyPatch):
    """Verified, unless the URL says otherwise."""
    asked: list[dict[str, object]] = []

    async def connect(_url: str, **options: object) -> None:
        asked.append(options)

    monkeypatch.setattr("asyncpg.connect", connect)
    for url in ("postgresql://h/d", "postgresql://h/d?sslmode=disable", "postgresql://localhost/d"):
        await Database(url).connect()
    contexts = [options.get("ssl") for options in asked]
    assert [context is not None for context in contexts] == [True, False, False]
    assert contexts[0].check_hostname  # type: ignore[attr-defined]


@pytest.mark.parametrize("begun", [True, False], ids=["somebody else's", "empty"])
async def test_what_is_no_journal_is_told(postgres: PostgresProcess, begun: bool):
    """A reader makes no tables; a gateway does not put its own beside those of others."""
    url = postgres.database()
    with pytest.raises(JournalUnavailable) as caught:
        await PostgresJournalReader.open(Database(url))
    assert "it says nothing" in caught.value.detail
    if begun:
        postgres.run("CREATE TABLE theirs (x int)", url.partition("@/")[2].partition("?")[0])
        with pytest.raises(JournalUnavailable) as caught:
            await PostgresJournal.open(Database(url), writer="w")
        assert "tables of somebody else" in caught.value.detail


async def test_server_that_is_not_there_is_told(tmp_path: Path):
    """At the start it is no gateway."""
    database = Database(f"postgresql://u@/d?host={tmp_path}")
    for opening in (
        PostgresJournal.open(database, writer="w"),
        PostgresJournalReader.open(database),
    ):
        with pytest.raises(JournalUnavailable) as caught:
            await opening
        assert caught.value.reason == "journal_open"
        assert caught.value.detail.startswith("postgresql://u@/d: ")


async def test_reader_changes_nothing(postgres: PostgresProcess):
    """Its transactions are read-only."""
    database = Database(postgres.database())
    await (await PostgresJournal.open(database, writer="w")).close()
    reader = await PostgresJournalReader.open(database)
    with pytest.raises(JournalUnavailable) as caught:
        await reader.read(lambda connection: connection.execute(sa.text("DELETE FROM decision")))
    assert "read-only" in caught.value.detail
    await reader.close()


@pytest.mark.parametrize("released", [True, False])
async def test_tables_that_another_brings_up_to_date_are_waited_for(
    postgres: PostgresProcess, monkeypatch: pytest.MonkeyPatch, *, released: bool
):
    """Whoever starts says so, once; and there is an end to it."""
    database, waits = Database(postgres.database()), asyncio.Queue[None]()
    monkeypatch.setattr(backend, "OPENING_SECONDS", 0.05)
    monkeypatch.setattr(backend, "OPENING_ATTEMPTS", 10_000 if released else 3)
    other = await database.connect()
    await other.execute("BEGIN")
    assert await other.fetchval(str(backend._MIGRATING))
    told = partial(waits.put_nowait, None)
    opening = asyncio.create_task(PostgresJournal.open(database, writer="w", on_wait=told))
    async with asyncio.timeout(60):
        await waits.get()
    if released:
        await other.execute("ROLLBACK")
        await (await opening).close()
    else:
        with pytest.raises(JournalUnavailable) as caught:
            await opening
        assert "somebody else has held it" in caught.value.detail
    await other.close()
    assert waits.empty()
