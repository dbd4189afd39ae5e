"""The SQLite journal: its file, its faults, and what is left after a crash."""

import asyncio
import contextlib
import errno
import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import event

from gateway.adapters.journal import group_commit, schema, sqlite
from gateway.adapters.journal.sqlite import SqliteJournal, SqliteJournalReader
from gateway.core.errors import JournalUnavailable
from gateway.core.ports import Outcome
from tests.support.fakes import decision_record

_NOBODY = 65534


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    """An empty journal."""
    opened = await SqliteJournal.open(tmp_path / "journal.db", writer="w")
    yield opened
    await opened.close()


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user can reach; pytest's own belong to one user."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Be somebody whom file modes concern."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextlib.contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """Let no file grow beyond `size`: a full disk, short writes included."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def ids(journal: SqliteJournal) -> list[str]:
    """The ids in the journal, oldest first."""
    reader = await SqliteJournalReader.open(journal.path)
    rows = await reader.tail(after=0, limit=100_000)
    await reader.close()
    return [row.decision_id for row in rows]


async def refusal(path: Path, *, reading: bool = False) -> str:
    """Why a file cannot be opened."""
    opening = SqliteJournalReader.open(path) if reading else SqliteJournal.open(path, writer="w")
    with pytest.raises(JournalUnavailable) as caught:
        await opening
    assert caught.value.reason == "journal_open"
    return caught.value.detail


async def test_file_is_private_and_synced(journal: SqliteJournal):
    """Mode 0600 for the file and its log; WAL, and a sync at every commit."""
    await journal.record(decision_record())
    for path in journal.path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert journal._connection is not None
    for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("user_version", 2)):
        ask = partial(journal._connection.exec_driver_sql, f"PRAGMA {pragma}")
        found = await journal._in_thread(ask)
        assert found.scalar() == value


async def test_reopened_file_holds_what_was_recorded(tmp_path: Path):
    """Closing and opening again loses nothing."""
    path = tmp_path / "journal.db"
    for number in range(3):
        journal = await SqliteJournal.open(path, writer="w")
        await journal.record(decision_record(f"d-{number}"))
        await journal.close()
    journal = await SqliteJournal.open(path, writer="w")
    assert await ids(journal) == ["d-0", "d-1", "d-2"]
    await journal.close()


async def test_file_behind_a_link_is_the_same_file(tmp_path: Path):
    """SQLite's log is beside the file, not the link; and by either way a living writer is seen."""
    link, path = tmp_path / "link.db", tmp_path / "volume" / "journal.db"
    path.parent.mkdir()
    link.symlink_to(path)
    one = await SqliteJournal.open(link, writer="a")
    two = await SqliteJournal.open(path, writer="b")
    await one.record(decision_record("d-a"))
    await two.record(decision_record("d-b"))
    assert [await one.abandoned(), await two.abandoned()] == [[], []]
    assert await ids(one) == ["d-a", "d-b"]
    await one.close()
    await two.close()


async def test_open_names_a_missing_directory(tmp_path: Path):
    """The message says what to create."""
    assert f"{tmp_path}/none does not exist" in await refusal(tmp_path / "none" / "journal.db")


async def test_open_refuses_a_directory(tmp_path: Path):
    """A path that is no file is said to be one."""
    assert "Is a directory" in await refusal(tmp_path)


async def test_open_refuses_an_unwritable_directory(open_directory: Path):
    """The user of the gateway may not write there."""
    with unprivileged():
        assert "check its owner and mode" in await refusal(open_directory / "journal.db")


async def test_open_refuses_a_read_only_file(open_directory: Path):
    """The file is there, but not for writing."""
    path = open_directory / "journal.db"
    await (await SqliteJournal.open(path, writer="w")).close()
    path.chmod(0o444)
    with unprivileged():
        assert "check its owner and mode" in await refusal(path)


async def test_open_refuses_a_file_beside_which_nothing_can_be_written(open_directory: Path):
    """The write-ahead log needs the directory."""
    path = open_directory / "journal.db"
    await asyncio.to_thread(path.touch)
    await asyncio.to_thread(path.chmod, 0o666)
    await asyncio.to_thread(open_directory.chmod, 0o555)
    with unprivileged():
        assert "is not writable" in await refusal(path)


async def test_open_refuses_what_is_no_journal(tmp_path: Path):
    """Neither garbage nor somebody else's database is written to."""
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"not a database at all" * 100)
    assert "file is not a database" in await refusal(garbage)
    other = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE theirs (x)")
    assert "there are tables of somebody else" in await refusal(other)
    with contextlib.closing(sqlite3.connect(other)) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


async def test_open_refuses_a_later_schema(tmp_path: Path):
    """A file that a later release has written is left alone."""
    path = tmp_path / "journal.db"
    await (await SqliteJournal.open(path, writer="w")).close()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    assert "it says 9999" in await refusal(path)
    assert "it says 9999" in await refusal(path, reading=True)


async def test_reader_makes_nothing(tmp_path: Path):
    """Neither a file nor tables."""
    path = tmp_path / "journal.db"
    assert "there is no such file" in await refusal(path, reading=True)
    path.touch()
    assert "it says nothing" in await refusal(path, reading=True)
    assert (path.stat().st_size, path.with_name("journal.db-wal").exists()) == (0, False)


async def test_reader_does_not_wait_for_a_writer(journal: SqliteJournal):
    """Nor write itself."""
    await journal.record(decision_record("d-1"))
    with contextlib.closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM decision")
        assert await ids(journal) == ["d-1"]
    reader = await SqliteJournalReader.open(journal.path)
    with pytest.raises(JournalUnavailable) as caught:
        await reader.read(lambda connection: connection.execute(schema.DECISION.delete()))
    assert "readonly" in caught.value.detail
    await reader.close()


async def test_two_hundred_records_share_a_few_commits(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
):
    """Group commit: what arrives during a sync goes with the next one."""
    batches: list[int] = []
    commit = journal._commit

    async def counted(batch):
        batches.append(len(batch))
        return await commit(batch)

    monkeypatch.setattr(journal._group, "_commit", counted)
    await asyncio.gather(*(journal.record(decision_record(f"d-{n}")) for n in range(200)))
    assert sum(batches) == 200
    assert len(batches) <= 3


async def test_full_disk_fails_the_record_and_nothing_else(journal: SqliteJournal):
    """A short write is no yes; with room again the journal goes on, and no row is torn."""
    await journal.record(decision_record("d-1"))
    wal = journal.path.with_name("journal.db-wal")
    with files_end_at(wal.stat().st_size + 1000), pytest.raises(JournalUnavailable) as caught:
        await journal.record(decision_record("d-2", document=b"x" * 60_000))
    with files_end_at(1000), pytest.raises(JournalUnavailable):
        await journal.check()
    assert caught.value.reason == "journal_write"
    await journal.record(decision_record("d-3"))
    await journal.check()
    assert await ids(journal) == ["d-1", "d-3"]
    with contextlib.closing(sqlite3.connect(journal.path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_disk_with_too_little_room_for_a_record_is_not_well(journal: SqliteJournal):
    """The end of the chain alone would fit; records do not, and readiness is about records."""
    await journal.record(decision_record("d-1"))
    wal = journal.path.with_name("journal.db-wal")
    with contextlib.closing(sqlite3.connect(journal.path)) as other:
        other.execute("SELECT * FROM chain").fetchall()  # keeps the log as it is
        with files_end_at(wal.stat().st_size + 13_000):
            await journal.check()
            with pytest.raises(JournalUnavailable):
                await journal.record(decision_record("d-2"))
            for _ in range(2):
                with pytest.raises(JournalUnavailable, match="journal_write"):
                    await journal.check()
        await journal.check()
    await journal.record(decision_record("d-2"))
    assert await ids(journal) == ["d-1", "d-2"]


async def test_disk_full_inside_the_database_is_a_fault(journal: SqliteJournal):
    """SQLITE_FULL is mapped like any other."""
    await journal.record(decision_record("d-1"))
    assert journal._connection is not None
    shrink = partial(journal._connection.exec_driver_sql, "PRAGMA max_page_count = 1")
    await journal._in_thread(shrink)
    with pytest.raises(JournalUnavailable) as caught:
        await journal.record(decision_record("d-2", document=b"x" * 60_000))
    assert "full" in caught.value.detail


async def test_failed_sync_fails_every_record_of_it_and_opens_the_file_anew(journal: SqliteJournal):
    """After a failed sync no descriptor is trusted."""
    await journal.record(decision_record("d-0"))
    first = journal._connection

    def fail(_connection: object) -> None:
        event.remove(journal._engine, "commit", fail)
        raise sqlite3.OperationalError("disk I/O error")

    event.listen(journal._engine, "commit", fail)
    attempts = [journal.record(decision_record(f"d-{n}")) for n in (1, 2)]
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    failed = [answer for answer in answers if isinstance(answer, JournalUnavailable)]
    assert {fault.reason for fault in failed} == {"journal_write"}
    assert len(set(map(id, failed))) == len(failed) >= 1
    await journal.record(decision_record("d-3"))
    assert journal._connection is not first
    assert "d-1" not in await ids(journal)


async def test_record_that_cannot_be_encoded_spoils_no_other(journal: SqliteJournal):
    """A lone surrogate or an object is refused before it meets the transaction of others."""
    answers = await asyncio.gather(
        journal.record(decision_record("d-1")),
        journal.record(decision_record("d-2", bucket="\udc80")),
        journal.record(decision_record("d-3", input={"x": object()})),
        return_exceptions=True,
    )
    reasons = [a.reason if isinstance(a, JournalUnavailable) else a for a in answers]
    assert reasons == [None, "journal_encoding", "journal_encoding"]
    with pytest.raises(JournalUnavailable) as caught:
        await journal.conclude("d-1", Outcome("forwarded", 200, "\udc80"))
    assert caught.value.reason == "journal_encoding"


async def test_locked_file_is_a_timeout_and_recovers(tmp_path: Path):
    """Another process that holds the write lock costs a refusal, not a hang."""
    journal = await SqliteJournal.open(tmp_path / "journal.db", writer="w", patience=0.2)
    with contextlib.closing(sqlite3.connect(journal.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalUnavailable) as caught:
            await journal.record(decision_record("d-1"))
        assert caught.value.reason == "journal_timeout"
    await asyncio.sleep(0.2)
    await journal.record(decision_record("d-2"))
    assert (await ids(journal))[-1] == "d-2"
    await journal.close()


async def test_record_survives_its_caller(journal: SqliteJournal):
    """A client that leaves does not take the record of its decision along."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(journal.record(decision_record("d-1")))
        await asyncio.sleep(0)
        task.cancel()
    await journal.record(decision_record("d-2"))
    assert await ids(journal) == ["d-1", "d-2"]


async def test_full_queue_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Waiting is bounded."""
    monkeypatch.setattr(group_commit, "_MAX_WAITING", 3)
    journal = await SqliteJournal.open(tmp_path / "journal.db", writer="w")
    attempts = (journal.record(decision_record(f"d-{n}")) for n in range(9))
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    assert "journal_queue_full" in {getattr(answer, "reason", "") for answer in answers}
    assert len(await ids(journal)) == answers.count(None)
    await journal.close()


async def test_close_writes_what_waits_and_refuses_what_follows(tmp_path: Path):
    """Nothing acknowledged or waiting is lost at the end; closing twice is harmless."""
    path = tmp_path / "journal.db"
    journal = await SqliteJournal.open(path, writer="w")
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(journal.record(decision_record(f"d-{number}")))
        await asyncio.sleep(0)
        await journal.close()
    await journal.close()
    for late in (journal.record(decision_record("late")), journal.check()):
        with pytest.raises(JournalUnavailable) as caught:
            await late
        assert caught.value.reason == "journal_closed"
    again = await SqliteJournal.open(path, writer="w")
    assert len(await ids(again)) == 20
    await again.close()


async def test_check_adds_no_row(journal: SqliteJournal):
    """The self-check writes and commits, but records nothing."""
    wal = journal.path.with_name("journal.db-wal")
    before = wal.read_bytes()
    await journal.check()
    assert wal.read_bytes() != before
    assert await ids(journal) == []


async def test_reading_a_broken_file_is_a_fault(journal: SqliteJournal):
    """Reading faults are mapped, too."""
    reader = await SqliteJournalReader.open(journal.path)
    with contextlib.closing(sqlite3.connect(journal.path)) as database:
        database.execute("DROP TABLE decision")
    with pytest.raises(JournalUnavailable) as caught:
        await reader.page()
    assert caught.value.reason == "journal_read"
    await reader.close()


_VICTIM = """
import asyncio, sys
from pathlib import Path
from gateway.adapters.journal.sqlite import SqliteJournal
from tests.support.fakes import decision_record

async def main():
    journal = await SqliteJournal.open(Path(sys.argv[1]), writer="w")
    async def worker(name):
        for number in range(100_000):
            await journal.record(decision_record(f"{name}-{number}"))
            print(f"{name}-{number}", flush=True)
    await asyncio.gather(*(worker(name) for name in "abcd"))

asyncio.run(main())
"""


def killed_after(lines: int, path: Path) -> set[str]:
    """Run a process that records, kill it without warning, and return what it acknowledged."""
    root = Path(__file__).resolve().parents[2]
    search = os.pathsep.join([str(root), *sys.path])
    with subprocess.Popen(
        [sys.executable, "-c", _VICTIM, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": search},
    ) as victim:
        assert victim.stdout is not None
        seen = [victim.stdout.readline() for _ in range(lines)]
        victim.send_signal(signal.SIGKILL)
        return set("".join([*seen, victim.stdout.read()]).split())


async def test_killed_process_has_every_acknowledged_record(tmp_path: Path):
    """SIGKILL in the middle of its work: what was acknowledged is there."""
    path = tmp_path / "journal.db"
    acknowledged = killed_after(50, path)
    journal = await SqliteJournal.open(path, writer="w")
    rows = set(await ids(journal))
    await journal.close()
    assert len(acknowledged) >= 50
    assert acknowledged <= rows


@pytest.mark.parametrize("cut", [1, 700, 4096])
async def test_torn_log_loses_at_most_its_end(tmp_path: Path, cut: int):
    """A log cut in the middle of its last frame: the rest is read and the journal goes on."""
    path = tmp_path / "journal.db"
    acknowledged = killed_after(30, path)
    wal = path.with_name("journal.db-wal")
    with wal.open("r+b") as file:
        file.truncate(wal.stat().st_size - cut)
    path.with_name("journal.db-shm").unlink()
    journal = await SqliteJournal.open(path, writer="w")
    await journal.record(decision_record("after"))
    rows = set(await ids(journal))
    await journal.close()
    assert "after" in rows
    assert len(acknowledged - rows) <= 4  # those of the last commit


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 3_500])
def test_log_is_written_once_more_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
):
    """All of it is new to the kernel when it is synced."""
    monkeypatch.setattr(sqlite, "_PIECE", 1000)
    log, synced = tmp_path / "journal.db-wal", []
    text = os.urandom(size)
    log.write_bytes(text)
    os.utime(log, (0, 0))
    fsync = os.fsync

    def spy(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_mtime > 0)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", spy)
    sqlite._sync_anew(log)
    assert (log.read_bytes(), synced) == (text, [size > 0])


async def test_log_that_a_crash_left_is_synced_before_anything_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its last commit may be one whose sync failed; where it still fails, there is no journal."""
    path = tmp_path / "journal.db"
    acknowledged = killed_after(30, path)
    wal = path.with_name("journal.db-wal")
    before = wal.read_bytes()

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(JournalUnavailable) as caught:
            await SqliteJournal.open(path, writer="w")
    assert caught.value.reason == "journal_open"
    assert "Input/output error" in caught.value.detail
    if wal.exists():  # else it was taken into the file when the last connection was closed
        assert wal.read_bytes() == before
    journal = await SqliteJournal.open(path, writer="w")
    assert acknowledged <= set(await ids(journal))
    await journal.close()


async def test_log_is_synced_anew_after_a_failed_commit_and_only_then(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
):
    """Before the next record is added, and while nobody else may write to the log."""
    logs: list[Path] = []

    def spy(log: Path) -> None:
        other = sqlite3.connect(journal.path, timeout=0)
        with contextlib.closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        logs.append(log)

    monkeypatch.setattr(sqlite, "_sync_anew", spy)
    await journal.record(decision_record("d-0"))
    assert logs == []

    def fail(_connection: object) -> None:
        event.remove(journal._engine, "commit", fail)
        raise sqlite3.OperationalError("disk I/O error")

    event.listen(journal._engine, "commit", fail)
    with pytest.raises(JournalUnavailable):
        await journal.record(decision_record("d-1"))
    for number in (2, 3):
        await journal.record(decision_record(f"d-{number}"))
    assert logs == [journal.path.with_name("journal.db-wal")]


async def test_tally_that_fails_is_told_and_opens_the_file_anew(journal: SqliteJournal):
    """Records go on."""
    await journal.record(decision_record("d-0"))
    first = journal._connection
    with contextlib.closing(sqlite3.connect(journal.path)) as database:
        database.execute("ALTER TABLE tallied RENAME TO away")
        with pytest.raises(JournalUnavailable) as caught:
            await journal.tally()
        assert caught.value.reason == "journal_write"
        database.execute("ALTER TABLE away RENAME TO tallied")
    assert await journal.tally() == 0
    await journal.record(decision_record("d-1"))
    assert journal._connection is not first


async def test_file_that_another_brings_up_to_date_is_waited_for(tmp_path: Path):
    """For longer than a record would wait; whoever starts says so, once."""
    path, waits = tmp_path / "journal.db", asyncio.Queue[None]()
    await (await SqliteJournal.open(path, writer="w")).close()
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        told = partial(waits.put_nowait, None)
        opening = asyncio.create_task(SqliteJournal.open(path, writer="w", on_wait=told))
        async with asyncio.timeout(60):
            await waits.get()
        assert not opening.done()
        other.rollback()
    journal = await opening
    await journal.record(decision_record("d-1"))
    await journal.close()
    assert waits.empty()


async def test_file_that_stays_locked_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """There is an end to waiting."""
    path = tmp_path / "journal.db"
    await (await SqliteJournal.open(path, writer="w")).close()
    monkeypatch.setattr(sqlite, "OPENING_ATTEMPTS", 1)
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "somebody else has held it" in await refusal(path)
