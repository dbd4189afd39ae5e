"""The journal in one SQLite file: what `record` has returned for survives a power cut.

One task writes, through one thread: a whole transaction is one trip there and back. Records that
arrive while a commit is being synced share the next one, so that two hundred at once cost a handful
of fsyncs.
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from gateway.core.errors import JournalUnavailable
from gateway.core.ports import DecisionRecord, Outcome

T = TypeVar("T")
SCHEMA_VERSION: Final = 1
_MAX_BATCH: Final = 256
_MAX_WAITING: Final = 10_000
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # fsync at every commit
    "PRAGMA busy_timeout = 2000",  # milliseconds; below the time-out of a record
    "PRAGMA journal_size_limit = 67108864",  # a WAL that once grew is cut back
)

_JSON: Final = ("input", "result", "metrics")
_OUTCOME: Final = ("outcome", "s3_status", "upstream_request_id")


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


_DECISION: Final = sa.Table(
    "decision",
    sa.MetaData(),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("decision_id", sa.Text, nullable=False, unique=True),
    *_texts("timestamp", "request_id", "principal", "action", "bucket", "inventory_id"),
    sa.Column("allow", sa.Integer, nullable=False),
    *_texts("revision", "input", "result", "document_sha256", "error", "metrics"),
    sa.Column("document", sa.LargeBinary),
    # Empty until `conclude`.
    sa.Column("outcome", sa.Text),
    sa.Column("s3_status", sa.Integer),
    sa.Column("upstream_request_id", sa.Text),
    sqlite_strict=True,
)
_INSERT: Final = sa.insert(_DECISION)
_CONCLUDE: Final = (
    sa.update(_DECISION)
    .where(_DECISION.c.decision_id == sa.bindparam("id"), _DECISION.c.outcome.is_(None))
    .values({name: sa.bindparam(f"new_{name}") for name in _OUTCOME})
)


class _RefusedError(Exception):
    """An entry cannot be stored because of what it says; the file itself is well."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something to write, and who waits for it."""

    statement: sa.Executable | None  # None: only prove that a commit reaches the disk
    values: Mapping[str, Any]
    done: asyncio.Future[None]


class SqliteJournal:
    """Decisions in a local file. Network file systems do not keep SQLite's promises: avoid them.

    Made by `open`, ended by `close`.

    Args:
        path: the file.
        engine: of that file.
        thread: the one in which all of SQLite happens.
        patience: seconds that a caller waits for durability before the answer is "no".
    """

    def __init__(
        self, path: Path, engine: sa.Engine, thread: ThreadPoolExecutor, patience: float
    ) -> None:
        self.path = path
        self._engine = engine
        self._thread = thread
        self._patience = patience
        self._connection: sa.Connection | None = None
        self._queue: asyncio.Queue[_Entry | None] = asyncio.Queue(_MAX_WAITING)
        self._closed = False
        # Owned here: `close` sends it the end mark and awaits it.
        self._writer = asyncio.get_running_loop().create_task(self._drain(), name="journal")

    @classmethod
    async def open(cls, path: Path, *, patience: float = 5.0) -> Self:
        """Open the file, creating it with mode 0600 in a directory that exists.

        Args:
            path: of the file.
            patience: seconds; see the class.

        Raises:
            JournalUnavailable: `journal_open`; its `detail` says what to do about it.
        """
        engine = sa.create_engine(
            sa.URL.create("sqlite+pysqlite", database=_create(path)),
            hide_parameters=True,  # records do not belong into error messages
            connect_args={"isolation_level": "IMMEDIATE"},  # writers queue at BEGIN, not half-way
        )
        sa.event.listen(engine, "connect", _set_pragmas)
        thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(thread, _prepare, engine)
        except (SQLAlchemyError, _RefusedError) as fault:
            await loop.run_in_executor(thread, engine.dispose)
            thread.shutdown()
            raise JournalUnavailable("journal_open", detail=f"{path}: {_words(fault)}") from fault
        journal = cls(path, engine, thread, patience)
        try:
            await journal.check()
        except JournalUnavailable as fault:
            await journal.close()
            raise JournalUnavailable("journal_open", detail=f"{path}: {fault.detail}") from fault
        return journal

    async def close(self) -> None:
        """Write what waits, then close the file. Later records are refused."""
        if self._closed:
            return
        self._closed = True
        await self._queue.put(None)
        await self._writer
        await self._in_thread(self._disconnect)
        self._thread.shutdown()

    @property
    def waiting(self) -> int:
        """How many entries the writer has not taken yet."""
        return self._queue.qsize()

    async def record(self, record: DecisionRecord) -> None:
        """Store a decision; on return it is on the disk.

        Raises:
            JournalUnavailable: it may not be; among the reasons `journal_refused` for a
                `decision_id` that is there already.
        """
        try:
            values = _values(record)
        except TypeError as fault:
            raise JournalUnavailable("journal_encoding", detail=str(fault)) from fault
        await self._write(_INSERT, values)

    async def conclude(self, decision_id: str, outcome: Outcome) -> None:
        """Add the outcome of a decision that has none.

        Raises:
            JournalUnavailable: not stored; `journal_refused` where no such decision is open.
        """
        values = {
            "id": decision_id,
            "new_outcome": outcome.kind,
            "new_s3_status": outcome.s3_status,
            "new_upstream_request_id": outcome.upstream_request_id,
        }
        await self._write(_CONCLUDE, values)

    async def check(self) -> None:
        """Commit and sync without adding a row.

        Raises:
            JournalUnavailable: a decision could not be made durable now.
        """
        await self._write(None, {})

    async def get(self, decision_id: str) -> Mapping[str, object] | None:
        """One decision by its id: the fields of `DecisionRecord` and `outcome`.

        Raises:
            JournalUnavailable: `journal_read`.
        """
        rows = await self._read(sa.select(_DECISION).where(_DECISION.c.decision_id == decision_id))
        return rows[0] if rows else None

    async def recent(self, limit: int = 100) -> list[Mapping[str, object]]:
        """The last `limit` decisions, newest first.

        Raises:
            JournalUnavailable: `journal_read`.
        """
        newest_first = _DECISION.c.position.desc()
        return await self._read(sa.select(_DECISION).order_by(newest_first).limit(limit))

    async def unfinished(self) -> list[Mapping[str, object]]:
        """The decisions without outcome, oldest first: what a crash left open.

        Raises:
            JournalUnavailable: `journal_read`.
        """
        still_open = sa.select(_DECISION).where(_DECISION.c.outcome.is_(None))
        return await self._read(still_open.order_by(_DECISION.c.position))

    async def _read(self, query: sa.Executable) -> list[Mapping[str, object]]:
        def rows_of() -> Sequence[sa.Row[Any]]:
            with self._engine.connect() as connection:
                return connection.execute(query).all()

        try:
            rows = await self._in_thread(rows_of)
        except SQLAlchemyError as fault:
            raise JournalUnavailable("journal_read", detail=_words(fault)) from fault
        return [_as_mapping(row) for row in rows]

    async def _write(self, statement: sa.Executable | None, values: Mapping[str, Any]) -> None:
        if self._closed or self._writer.done():
            raise JournalUnavailable("journal_closed")
        try:  # what SQLite cannot store is found here, before it spoils the transaction of others
            for value in values.values():
                _ = isinstance(value, str) and value.encode()
        except UnicodeEncodeError as fault:
            raise JournalUnavailable("journal_encoding", detail=str(fault)) from fault
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait(_Entry(statement, values, done))
        except asyncio.QueueFull as fault:
            raise JournalUnavailable("journal_queue_full") from fault
        try:
            async with asyncio.timeout(self._patience):
                await done
        except TimeoutError as fault:
            raise JournalUnavailable("journal_timeout") from fault

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Do what blocks where it blocks nobody."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _drain(self) -> None:
        while (entry := await self._queue.get()) is not None:
            batch = [entry]
            while len(batch) < _MAX_BATCH and not self._queue.empty():
                following = self._queue.get_nowait()
                if following is None:
                    self._queue.put_nowait(None)  # the end mark is for the loop
                    break
                batch.append(following)
            await self._settle(batch)

    async def _settle(self, batch: Sequence[_Entry]) -> None:
        """Commit a batch and tell those who wait; never raises."""
        try:
            await self._in_thread(lambda: self._commit(batch))
        except (IntegrityError, _RefusedError) as fault:
            if len(batch) > 1:  # only the culprit shall fail
                for entry in batch:
                    await self._settle([entry])
                return
            _tell(batch, "journal_refused", _words(fault))
        except Exception as fault:  # noqa: BLE001 - whatever it was, nobody may take it for a yes
            # After a failed sync the kernel may have dropped the pages and called them clean: no
            # descriptor of the file is to be trusted any more.
            await self._in_thread(self._disconnect)
            _tell(batch, "journal_write", _words(fault))
        else:
            for entry in batch:
                if not entry.done.done():  # its caller may have gone away
                    entry.done.set_result(None)

    def _commit(self, batch: Sequence[_Entry]) -> None:
        if self._connection is None:
            self._connection = self._engine.connect()
        connection = self._connection
        try:
            for statement in (_INSERT, _CONCLUDE):
                rows = [entry.values for entry in batch if entry.statement is statement]
                if rows:
                    _demand(connection.execute(statement, rows).rowcount == len(rows))
            if any(entry.statement is None for entry in batch):
                # Rewrites the first page with what it holds: a commit and its sync, but no row.
                connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.commit()
        except (IntegrityError, _RefusedError):
            connection.rollback()
            raise

    def _disconnect(self) -> None:
        """Close every descriptor of the file, whatever state they are in."""
        connection, self._connection = self._connection, None
        with contextlib.suppress(SQLAlchemyError, sqlite3.Error, OSError):
            if connection is not None:
                connection.invalidate()
                connection.close()
        with contextlib.suppress(SQLAlchemyError, sqlite3.Error, OSError):
            self._engine.dispose()


def _demand(every_row_was_written: bool) -> None:
    if not every_row_was_written:
        raise _RefusedError("there is no such decision without an outcome")


def _tell(batch: Sequence[_Entry], reason: str, detail: str) -> None:
    """Give each waiting caller an exception of its own."""
    for entry in batch:
        if not entry.done.done():
            entry.done.set_exception(JournalUnavailable(reason, detail=detail))


def _words(fault: Exception) -> str:
    """What SQLite said, without SQLAlchemy's frame."""
    return str(getattr(fault, "orig", fault))


def _create(path: Path) -> str:
    """Make sure that the file is there and writable; SQLite alone would create it mode 0644.

    Returns:
        its absolute name, whatever becomes of the working directory.
    """
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
    return str(path.absolute())


def _set_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _prepare(engine: sa.Engine) -> None:
    """Create the table in a new file; refuse a file of another schema."""
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        found = connection.exec_driver_sql("PRAGMA user_version").scalar()
        if found == 0 and not sa.inspect(connection).get_table_names():
            _DECISION.create(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
        elif found != SCHEMA_VERSION:
            raise _RefusedError(f"not a journal of schema {SCHEMA_VERSION} (it says {found})")
        connection.commit()


def _values(record: DecisionRecord) -> dict[str, Any]:
    """A record as a row.

    Raises:
        TypeError: a value that JSON cannot carry.
    """
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    values["timestamp"] = record.timestamp.astimezone(UTC).isoformat(timespec="microseconds")
    values["allow"] = int(record.allow)
    for name in _JSON:
        values[name] = orjson.dumps(values[name], default=_plain).decode()
    return values


def _plain(value: object) -> object:
    """Open up what orjson does not know: read-only mappings."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _as_mapping(row: sa.Row[Any]) -> dict[str, object]:
    # Plain names: SQLAlchemy's are of a subclass of str, which orjson takes for no key.
    columns = row._mapping.items()  # noqa: SLF001 - SQLAlchemy's documented accessor
    found: dict[str, Any] = {str(name): value for name, value in columns}
    del found["position"]
    found["timestamp"] = datetime.fromisoformat(found["timestamp"])
    found["allow"] = bool(found["allow"])
    for name in _JSON:
        found[name] = orjson.loads(found[name])
    kind, status, upstream = (found.pop(name) for name in _OUTCOME)
    found["outcome"] = None if kind is None else Outcome(kind, status, upstream)
    return found
