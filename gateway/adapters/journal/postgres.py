"""The journal in PostgreSQL, for several gateways that share one.

What `record` has returned for is on the server's disk: `synchronous_commit` and `fsync` are looked
at on every connection. A lost connection fails the records that wait for it; the next batch
connects anew. Nothing is sent twice: a commit whose acknowledgement was lost counts as failed.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.adapters.journal.append import Work, append
from gateway.adapters.journal.database_url import is_local
from gateway.adapters.journal.group_commit import OnLoss
from gateway.adapters.journal.migrating import SchemaError, migrate, revision_of
from gateway.adapters.journal.reading import open_decisions, writers_of_open_decisions
from gateway.adapters.journal.schema import IS_OPEN, OPEN_DECISIONS, REVISION
from gateway.adapters.journal.tables import (
    OPENING_ATTEMPTS,
    OPENING_SECONDS,
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
OPEN_DECISIONS.dialect_kwargs["postgresql_where"] = IS_OPEN  # see there
_CONNECT_SECONDS: Final = 5.0
_READERS: Final = 4
_SERVER_SETTINGS: Final = {
    "application_name": "s3-inventory-gateway",
    "synchronous_commit": "on",
    "statement_timeout": "4000",  # milliseconds; below the time-out of a record
    # A gateway that stops in the middle holds the end of the chain, for which the others wait.
    "idle_in_transaction_session_timeout": "2000",
    "lock_timeout": "3000",
}
#: Any number, the same in every gateway: only one of them changes tables at a time.
_MIGRATING: Final = sa.text("SELECT pg_try_advisory_xact_lock(7301444403301885014)")
#: Alembic may be imported in the middle of that transaction: seconds, on a machine that is slow.
_PATIENT: Final = sa.text("SET LOCAL idle_in_transaction_session_timeout = '60s'")


class UnsafeServerError(Exception):
    """What the server calls durable is not; the text names its setting."""


@dataclass(frozen=True, slots=True)
class Database:
    """Where the journal is, and how to get in.

    Args:
        url: `postgresql://user@host:port/database`, with libpq's parameters; no password.
        password_file: holds the password, read at every connection; None: `PGPASSFILE`, or none.
        ca_file: vouches for the server; None: the system's.
    """

    url: str
    password_file: Path | None = None
    ca_file: Path | None = None

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self.url.partition("?")[0]

    async def connect(self) -> "asyncpg.Connection[Any]":
        """A connection of asyncpg; over TLS that is verified, unless the URL says otherwise.

        Raises:
            OSError, asyncpg.PostgresError: there is none to be had.
        """
        more: dict[str, Any] = {}
        if self.password_file is not None:
            text = await asyncio.to_thread(self.password_file.read_text, "utf-8")
            more["password"] = text.rstrip("\r\n")
        if self.ca_file is not None or not (is_local(self.url) or "sslmode=" in self.url):
            more["ssl"] = await asyncio.to_thread(
                ssl.create_default_context, cafile=self.ca_file and str(self.ca_file)
            )
        return await asyncpg.connect(
            self.url,
            timeout=_CONNECT_SECONDS,
            command_timeout=_CONNECT_SECONDS,
            server_settings=_SERVER_SETTINGS,
            **more,
        )

    def engine(self, **options: Any) -> AsyncEngine:
        """An engine over such connections."""
        return create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self.connect,
            hide_parameters=True,  # records do not belong into error messages
            **options,
        )


class PostgresJournal(TableJournal):
    """Decisions in a database, one connection to write with.

    Made by `open`, ended by `close`.

    Args:
        engine: of the database.
        writer: names this process in what it writes.
        patience: seconds that a caller waits for durability before the answer is "no".
        on_loss: is told of outcomes that were not written: the decision, and why.
    """

    def __init__(
        self, engine: AsyncEngine, writer: str, *, patience: float, on_loss: OnLoss
    ) -> None:
        super().__init__(writer, patience=patience, on_loss=on_loss)
        self._engine = engine
        self._patience = patience
        self._connection: AsyncConnection | None = None

    @classmethod
    async def open(
        cls,
        database: Database,
        *,
        writer: str,
        patience: float = 5.0,
        on_loss: OnLoss = unheard,
        on_wait: OnWait = unwatched,
    ) -> Self:
        """Connect, and create the tables or bring them up to date.

        Where another gateway is at it, this one waits, for ten minutes at most.

        Args:
            database: where it is.
            writer: unique to this process.
            patience: seconds; see the class.
            on_loss: see the class.
            on_wait: is told, once, that another one is at it.

        Raises:
            JournalUnavailable: `journal_open`; its `detail` says why.
        """
        engine = database.engine(poolclass=sa.pool.NullPool)
        try:
            await _bring_up_to_date(engine, on_wait)
        except OSError as fault:
            detail = f"{database.place}: {fault}"
            raise JournalUnavailable("journal_open", detail=detail) from fault
        except (SQLAlchemyError, SchemaError, asyncpg.PostgresError) as fault:
            raise JournalUnavailable("journal_open", detail=words_of(fault)) from fault
        journal = cls(engine, writer, patience=patience, on_loss=on_loss)
        try:
            await journal.check()
        except JournalUnavailable as fault:
            await journal.close()
            raise JournalUnavailable("journal_open", detail=fault.detail) from fault
        return journal

    async def _commit(self, batch: Sequence[Work]) -> list[str]:
        async with asyncio.timeout(self._patience):
            connection = await self._connected()
            try:
                lost = await connection.run_sync(append, self.writer, batch)
                await connection.commit()
            except IntegrityError:
                await connection.rollback()
                raise
            return lost

    async def abandoned(self) -> list[JournalEntry]:
        """See `TableJournal`."""
        try:
            async with self._engine.begin() as connection:
                return await connection.run_sync(_abandoned, self.writer)
        except (SQLAlchemyError, OSError, asyncpg.PostgresError) as fault:
            raise JournalUnavailable("journal_read", detail=words_of(fault)) from fault

    async def tally(self) -> int:
        """See `TableJournal`."""
        try:
            async with self._engine.begin() as connection:
                return await connection.run_sync(advance)
        except (SQLAlchemyError, OSError, asyncpg.PostgresError) as fault:
            raise JournalUnavailable("journal_write", detail=words_of(fault)) from fault

    async def _connected(self) -> AsyncConnection:
        """The connection; a new one is looked at before anything is trusted to it."""
        if self._connection is None:
            connection = await self._engine.connect()
            self._connection = connection
            for setting, harmless in (("fsync", {"on"}), ("synchronous_commit", {"on"})):
                value = (await connection.execute(sa.text(f"SHOW {setting}"))).scalar()
                if value not in harmless:
                    raise UnsafeServerError(f"{setting} is {value} on the server")
            # Held as long as the connection is: others see that this writer lives.
            key = {"key": lock_of(self.writer)}
            await connection.execute(sa.text("SELECT pg_advisory_lock_shared(:key)"), key)
            await connection.commit()
        return self._connection

    async def _reset(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(Exception):  # whatever is wrong with it, it is given up
            await connection.invalidate()
        with contextlib.suppress(Exception):
            await connection.close()


class PostgresJournalReader(TableReader):
    """Looks into a database that gateways write to; `JournalReader`.

    Made by `open`, ended by `close`.

    Args:
        engine: of the database.
        writing: whether what is done is committed.
    """

    def __init__(self, engine: AsyncEngine, *, writing: bool) -> None:
        self._engine = engine
        self._writing = writing

    @classmethod
    async def open(cls, database: Database, *, writing: bool = False) -> Self:
        """Connect to a journal that is there. It is not brought up to date: that is the gateway's.

        Args:
            database: where it is.
            writing: to prune it: whatever is done is committed.

        Raises:
            JournalUnavailable: `journal_open`; its `detail` says why.
        """
        engine = database.engine(pool_size=_READERS, max_overflow=0, pool_pre_ping=True)
        reader = cls(engine, writing=writing)
        try:
            found = await reader.read(revision_of)
        except JournalUnavailable as fault:
            await reader.close()
            detail = f"{database.place}: {fault.detail}"
            raise JournalUnavailable("journal_open", detail=detail) from fault
        if found != REVISION:
            await reader.close()
            detail = (
                f"not a journal of revision {REVISION} (it says {found[:32] or 'nothing'}); start "
                "this release's gateway on it once, if it is an earlier one's"
            )
            raise JournalUnavailable("journal_open", detail=detail)
        return reader

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()

    async def read(
        self, work: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See `TableReader`."""
        try:
            async with self._engine.connect() as connection:
                if not self._writing:
                    await connection.execution_options(
                        isolation_level="REPEATABLE READ", postgresql_readonly=True
                    )
                result = await connection.run_sync(work, *args, **kwargs)
                await connection.commit()
                return result
        except (SQLAlchemyError, OSError, asyncpg.PostgresError) as fault:
            raise JournalUnavailable("journal_read", detail=words_of(fault)) from fault


async def _bring_up_to_date(engine: AsyncEngine, on_wait: OnWait) -> None:
    """Create the tables, or migrate them, when it is this gateway's turn."""
    for attempt in range(OPENING_ATTEMPTS):
        async with engine.begin() as connection:
            await connection.execute(_PATIENT)
            if (await connection.execute(_MIGRATING)).scalar():
                await connection.run_sync(migrate)
                return
        if attempt == 0:
            on_wait()
        await asyncio.sleep(OPENING_SECONDS)
    raise SchemaError(OPENING_WORDS)


def _abandoned(connection: sa.Connection, writer: str) -> list[JournalEntry]:
    """The open decisions of writers whose lock nobody holds; the locks end with the transaction."""
    free = sa.text("SELECT pg_try_advisory_xact_lock(:key)")
    gone = [
        name
        for name in writers_of_open_decisions(connection)
        if name != writer and connection.execute(free, {"key": lock_of(name)}).scalar()
    ]
    return open_decisions(connection, gone)


def lock_of(writer: str) -> int:
    """The key of the advisory lock that a living writer holds."""
    return int.from_bytes(sha256(writer.encode()).digest()[:8], signed=True)
