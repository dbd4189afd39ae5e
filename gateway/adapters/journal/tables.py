"""What every back end has in common: how decisions are taken in, and how they are read."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Concatenate, Final, ParamSpec, TypeVar

import sqlalchemy as sa

from gateway.adapters.journal import reading
from gateway.adapters.journal.append import Addition, Conclusion, Work
from gateway.adapters.journal.group_commit import GroupCommit, OnLoss
from gateway.core.errors import JournalUnavailable
from gateway.core.journal import (
    EVERYTHING,
    JournalCounts,
    JournalEntry,
    JournalFilter,
    JournalRow,
)
from gateway.core.ports import DecisionRecord, Outcome

P = ParamSpec("P")
T = TypeVar("T")
#: Hears that somebody else is at the tables, so that opening takes longer.
OnWait = Callable[[], None]
#: How often, and how many seconds apart, a journal is opened that another gateway brings up to
#: date: ten minutes together. A million decisions take less than one.
OPENING_ATTEMPTS: Final = 300
OPENING_SECONDS: Final = 2.0
OPENING_WORDS: Final = "somebody else has held it for ten minutes, to bring it up to date perhaps"


class TableJournal(ABC):
    """A journal in tables; how a batch becomes durable is the back end's.

    Args:
        writer: names this process in what it writes.
        patience: seconds that a caller waits for durability before the answer is "no".
        on_loss: is told of outcomes that were not written: the decision, and why.
    """

    def __init__(self, writer: str, *, patience: float, on_loss: OnLoss) -> None:
        self.writer = writer
        self._closed = False
        self._group = GroupCommit(
            self._commit, self._reset, words_of, patience=patience, on_loss=on_loss
        )

    @property
    def waiting(self) -> int:
        """How many decisions and outcomes wait to be written."""
        return self._group.waiting

    async def close(self) -> None:
        """Write what waits, then close. Later records are refused; closing twice is harmless."""
        if self._closed:
            return
        self._closed = True
        await self._group.close()
        await self._reset()

    async def record(self, record: DecisionRecord) -> None:
        """Store a decision; on return it is durable.

        Raises:
            JournalUnavailable: it may not be; among the reasons `journal_refused` for a
                `decision_id` that is there already.
        """
        try:
            addition = Addition.of(record)
        except (TypeError, UnicodeEncodeError) as fault:
            raise JournalUnavailable("journal_encoding", detail=str(fault)) from fault
        await self._group.add(addition)

    async def conclude(self, decision_id: str, outcome: Outcome) -> None:
        """Hand in the outcome of a decision that has none; see the port.

        Raises:
            JournalUnavailable: not taken.
        """
        try:  # what cannot be stored would spoil the transaction of others
            conclusion = Conclusion.of(decision_id, outcome)
        except (TypeError, UnicodeEncodeError) as fault:
            raise JournalUnavailable("journal_encoding", detail=str(fault)) from fault
        self._group.conclude(conclusion)

    async def check(self) -> None:
        """Commit and sync without adding a row.

        Raises:
            JournalUnavailable: a decision could not be made durable now.
        """
        await self._group.probe()

    @abstractmethod
    async def abandoned(self) -> list[JournalEntry]:
        """Decisions without outcome whose writer is gone, oldest first.

        Raises:
            JournalUnavailable: `journal_read`.
        """

    @abstractmethod
    async def tally(self) -> int:
        """Count some decisions more for the overview, beside what is written.

        Returns:
            How many; 0 where there are few left.

        Raises:
            JournalUnavailable: `journal_write`.
        """

    @abstractmethod
    async def _commit(self, batch: Sequence[Work]) -> list[str]:
        """See `Commit`."""

    @abstractmethod
    async def _reset(self) -> None:
        """Close every connection, whatever state it is in; does not raise."""


class TableReader(ABC):
    """`JournalReader`, but for how a connection is had."""

    async def page(
        self, wanted: JournalFilter = EVERYTHING, *, before: int | None = None, limit: int = 50
    ) -> list[JournalRow]:
        """See `JournalReader`."""
        return await self.read(reading.page, wanted, before, limit)

    async def tail(
        self, wanted: JournalFilter = EVERYTHING, *, after: int, limit: int = 50
    ) -> list[JournalRow]:
        """See `JournalReader`."""
        return await self.read(reading.tail, wanted, after, limit)

    async def get(self, decision_id: str) -> JournalEntry | None:
        """See `JournalReader`."""
        return await self.read(reading.get, decision_id)

    async def counts(self, since: datetime, until: datetime) -> JournalCounts:
        """See `JournalReader`."""
        return await self.read(reading.counts, since, until)

    async def timings(self, *, limit: int = 500) -> list[dict[str, int]]:
        """See `JournalReader`."""
        return await self.read(reading.timings, limit)

    @abstractmethod
    async def read(
        self, work: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do something on a connection, within one transaction that sees one state.

        Raises:
            JournalUnavailable: `journal_read`.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close what was opened."""


def words_of(fault: Exception) -> str:
    """What the back end said, without SQLAlchemy's frame."""
    return str(getattr(fault, "orig", fault))


def unheard(_decision_id: str, _reason: str) -> None:
    """Where nobody wants to hear of lost outcomes."""


def unwatched() -> None:
    """Where nobody wants to hear that opening takes longer."""
