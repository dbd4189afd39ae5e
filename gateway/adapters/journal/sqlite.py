"""The journal in one SQLite file: what `record` has returned for survives a power cut.

Through one thread: a whole transaction is one trip there and back. Readers have a connection and a
thread of their own, so that neither waits for the other.
"""

import asyncio
import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from gateway.adapters.journal.append import Work, append
from gateway.adapters.journal.group_commit import OnLoss
from gateway.adapters.journal.migrating import SchemaError, migrate, revision_of
from gateway.adapters.journal.prepared import driver
from gateway.adapters.journal.reading import open_decisions, writers_of_open_decisions
from gateway.adapters.journal.schema import REVISION
from gateway.adapters.journal.tables import (
    OPENING_ATTEMPTS,
    OPENING_WORDS,
    OnWait,
    TableJournal,
    TableReader,
    unheard,
    unwatched,
    words_of,
)
from gateway.adapters.journal.tally import advance
from gateway.core.errors import JournalUnavailable
from gateway.core.journal import JournalEntry

P = ParamSpec("P")
T = TypeVar("T")
#: SQLite's own number for the schema, so that the first release refuses the file; Alembic has its
#: own.
_USER_VERSION: Final = 2
#: What the first release wrote there.
_FIRST_RELEASE: Final = 1
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # fsync at every commit
    "PRAGMA busy_timeout = 2000",  # milliseconds; below the time-out of a record
    "PRAGMA journal_size_limit = 67108864",  # a WAL that once grew is cut back
)
#: Bytes of the log that are written anew at a time.
_PIECE: Final = 1 << 20
_READING: Final = ("PRAGMA busy_timeout = 2000", "PRAGMA query_only = ON")


class SqliteJournal(TableJournal):
    """Decisions in a local file. Network file systems do not keep SQLite's promises: avoid them.

    Made by `open`, ended by `close`.

    Args:
        path: the file.
        engine: of that file.
        thread: the one in which all writing happens.
        writer: names this process in what it writes.
        patience: seconds that a caller waits for durability before the answer is "no".
        on_loss: is told of outcomes that were not written: the decision, and why.
    """

    def __init__(
        self,
        path: Path,
        engine: sa.Engine,
        thread: ThreadPoolExecutor,
        writer: str,
        *,
        patience: float,
        on_loss: OnLoss,
    ) -> None:
        super().__init__(writer, patience=patience, on_loss=on_loss)
        self.path = path
        self._engine = engine
        self._thread = thread
        self._connection: sa.Connection | None = None
        # Locked as long as this process lives: others see that its decisions are under way.
        self._life = _lock_of(path, writer)
        fcntl.flock(self._life, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        writer: str,
        patience: float = 5.0,
        on_loss: OnLoss = unheard,
        on_wait: OnWait = unwatched,
    ) -> Self:
        """Open the file, creating it with mode 0600 in a directory that exists.

        A file of an earlier release is brought up to date; where another gateway is at it, this one
        waits, for ten minutes at most.

        Args:
            path: of the file.
            writer: unique to this process.
            patience: seconds; see the class.
            on_loss: see the class.
            on_wait: is told, once, that another one holds the file.

        Raises:
            JournalUnavailable: `journal_open`; its `detail` says what to do about it.
        """
        file = _create(path)
        engine = _engine(str(file), _PRAGMAS, begin="BEGIN IMMEDIATE")
        thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        loop = asyncio.get_running_loop()
        try:
            await _prepared(partial(loop.run_in_executor, thread, _prepare, engine), on_wait)
        except (SQLAlchemyError, SchemaError) as fault:
            await loop.run_in_executor(thread, engine.dispose)
            thread.shutdown()
            raise JournalUnavailable("journal_open", detail=f"{path}: {words_of(fault)}") from fault
        journal = cls(file, engine, thread, writer, patience=patience, on_loss=on_loss)
        try:
            await journal.check()
        except JournalUnavailable as fault:
            await journal.close()
            raise JournalUnavailable("journal_open", detail=f"{path}: {fault.detail}") from fault
        return journal

    async def close(self) -> None:
        """See `TableJournal`."""
        if self._closed:
            return
        await super().close()
        self._thread.shutdown()
        _life_file(self.path, self.writer).unlink(missing_ok=True)
        os.close(self._life)

    async def abandoned(self) -> list[JournalEntry]:
        """See `TableJournal`."""
        try:
            return await self._in_thread(self._abandoned)
        except SQLAlchemyError as fault:
            raise JournalUnavailable("journal_read", detail=words_of(fault)) from fault

    def _abandoned(self) -> list[JournalEntry]:
        with self._engine.connect() as connection:
            writers = writers_of_open_decisions(connection)
            gone = [name for name in writers if name != self.writer and _is_gone(self.path, name)]
            return open_decisions(connection, gone)

    async def tally(self) -> int:
        """See `TableJournal`."""
        try:
            return await self._in_thread(self._tally)
        except SQLAlchemyError as fault:
            raise JournalUnavailable("journal_write", detail=words_of(fault)) from fault

    def _tally(self) -> int:
        try:
            with self._engine.begin() as connection:
                return advance(connection)
        except SQLAlchemyError:
            self._disconnect()  # as after a batch that failed
            raise

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Do what blocks where it blocks nobody."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _commit(self, batch: Sequence[Work]) -> list[str]:
        return await self._in_thread(lambda: self._write(batch))

    def _write(self, batch: Sequence[Work]) -> list[str]:
        if self._connection is None:
            self._connection = self._connected()
        try:
            lost = append(self._connection, self.writer, batch)
            self._connection.commit()
        except IntegrityError:
            self._connection.rollback()
            raise
        return lost

    def _connected(self) -> sa.Connection:
        """A connection that has begun to write; what it found in the log is on the disk."""
        connection = self._engine.connect()
        try:
            connection.begin()  # takes the write lock: nobody else writes to the log
            _sync_anew(Path(f"{self._engine.url.database}-wal"))
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        return connection

    async def _reset(self) -> None:
        # After a failed sync the kernel may have dropped the pages and called them clean: no
        # descriptor of the file is to be trusted any more.
        await self._in_thread(self._disconnect)

    def _disconnect(self) -> None:
        """Close every descriptor of the file, whatever state they are in."""
        connection, self._connection = self._connection, None
        with contextlib.suppress(SQLAlchemyError, sqlite3.Error, OSError):
            if connection is not None:
                connection.invalidate()
                connection.close()
        with contextlib.suppress(SQLAlchemyError, sqlite3.Error, OSError):
            self._engine.dispose()


class SqliteJournalReader(TableReader):
    """Looks into a file that a gateway may be writing; `JournalReader`.

    Made by `open`, ended by `close`.

    Args:
        path: the file.
        engine: of that file.
        thread: the one in which all reading happens.
    """

    def __init__(self, path: Path, engine: sa.Engine, thread: ThreadPoolExecutor) -> None:
        self.path = path
        self._engine = engine
        self._thread = thread

    @classmethod
    async def open(cls, path: Path, *, writing: bool = False) -> Self:
        """Open a journal that is there. It is not brought up to date: that is the gateway's.

        Args:
            path: of the file.
            writing: to prune it: whatever is done is committed.

        Raises:
            JournalUnavailable: `journal_open`; its `detail` says what to do about it.
        """
        if writing:
            engine = _engine(_existing(path), _PRAGMAS, begin="BEGIN IMMEDIATE")
        else:
            engine = _engine(_existing(path), _READING, begin="BEGIN")
        thread = ThreadPoolExecutor(1, thread_name_prefix="journal-reader")
        reader = cls(path, engine, thread)
        try:
            found = await reader.read(revision_of)
        except JournalUnavailable as fault:
            await reader.close()
            raise JournalUnavailable("journal_open", detail=f"{path}: {fault.detail}") from fault
        if found != REVISION:
            await reader.close()
            words = f"not a journal of revision {REVISION} (it says {found[:32] or 'nothing'})"
            hint = "start this release's gateway on it once, if it is an earlier one's"
            raise JournalUnavailable("journal_open", detail=f"{path}: {words}; {hint}")
        return reader

    async def close(self) -> None:
        """Close the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown()

    async def read(
        self, work: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See `TableReader`."""

        def read() -> T:
            with self._engine.begin() as connection:
                return work(connection, *args, **kwargs)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, read)
        except SQLAlchemyError as fault:
            raise JournalUnavailable("journal_read", detail=words_of(fault)) from fault


def _engine(path: str, pragmas: Sequence[str], *, begin: str) -> sa.Engine:
    """An engine whose transactions begin as told: writers queue there, not half-way."""
    engine = sa.create_engine(
        sa.URL.create("sqlite+pysqlite", database=path),
        hide_parameters=True,  # records do not belong into error messages
        # sqlite3 then begins nothing by itself; and what is gone is not made anew.
        connect_args={"isolation_level": None},
    )

    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    def started(connection: sa.Connection) -> None:
        with driver(connection) as cursor:
            cursor.execute(begin)

    sa.event.listen(engine, "connect", prepare)
    sa.event.listen(engine, "begin", started)
    return engine


def _create(path: Path) -> Path:
    """Make sure that the file is there and writable; SQLite alone would create it mode 0644.

    Returns:
        where it is, whatever becomes of the working directory. SQLite follows links and keeps its
        log beside what they lead to (https://www.sqlite.org/wal.html): so do we, and whoever comes
        by another link finds the same locks of writers.
    """
    path = Path(os.path.realpath(path))
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError as fault:
        detail = f"the directory {path.parent} does not exist; create it"
        raise JournalUnavailable("journal_open", detail=detail) from fault
    except OSError as fault:
        detail = f"{path} cannot be written ({fault.strerror}); check its owner and mode"
        raise JournalUnavailable("journal_open", detail=detail) from fault
    os.close(descriptor)
    if not os.access(
        path.parent, os.W_OK, effective_ids=True
    ):  # SQLite keeps its log beside the file
        detail = f"the directory {path.parent} is not writable for this user"
        raise JournalUnavailable("journal_open", detail=detail)
    return path


def _life_file(path: Path, writer: str) -> Path:
    return path.with_name(f"{path.name}-writer-{writer}")


def _lock_of(path: Path, writer: str) -> int:
    """The file that a writer locks while it lives, opened."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    return os.open(_life_file(path, writer), flags, 0o600)


def _is_gone(path: Path, writer: str) -> bool:
    """Whether a writer no longer lives; its file is taken away then."""
    try:
        descriptor = os.open(_life_file(path, writer), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _life_file(path, writer).unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _sync_anew(log: Path) -> None:
    """Write SQLite's log once more as it is, and sync it.

    A commit whose sync failed was refused, but its frames are in the log: SQLite takes them for
    committed when the log is read by the first to open the file, as after a crash. The kernel has
    called their pages clean, so that no later sync writes them: a power cut would leave a hole, and
    with it would go all that was committed behind it.

    Args:
        log: the file; whoever calls holds the write lock.

    Raises:
        OSError: it may not be on the disk.
    """
    with log.open("r+b") as file:
        while piece := file.read(_PIECE):
            file.seek(-len(piece), os.SEEK_CUR)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _existing(path: Path) -> str:
    """The absolute name of a file that is there; SQLite would make one."""
    if not path.is_file():
        raise JournalUnavailable("journal_open", detail=f"{path}: there is no such file")
    return str(path.absolute())


async def _prepared(prepare: Callable[[], Awaitable[None]], on_wait: OnWait) -> None:
    """Have the tables made or brought up to date when the file is free; each try waits itself."""
    for attempt in range(OPENING_ATTEMPTS):
        try:
            return await prepare()
        except OperationalError as fault:
            if getattr(fault.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                raise
        if attempt == 0:
            on_wait()
    raise SchemaError(OPENING_WORDS)


def _prepare(engine: sa.Engine) -> None:
    """Create the tables in a new file, or bring them up to date; refuse what is no journal."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql("PRAGMA user_version").scalar()
        migrate(connection, unversioned="0001" if found == _FIRST_RELEASE else "")
        connection.exec_driver_sql(f"PRAGMA user_version = {_USER_VERSION}")
        connection.commit()
