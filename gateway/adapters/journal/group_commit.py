"""One task that writes: what arrives during a sync goes with the next one.

Two hundred records at once then cost a handful of fsyncs. Outcomes, for which nobody waits, ride
with the next record or go a little later by themselves; no record ever waits for them.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sqlalchemy.exc import IntegrityError

from gateway.adapters.journal.append import Addition, Conclusion, Probe, Work
from gateway.core.errors import JournalUnavailable
from gateway.core.ports import Outcome

_MAX_BATCH: Final = 256
_MAX_WAITING: Final = 10_000
#: How long an outcome waits for company: about as long as a client takes for its next call.
_OUTCOME_SECONDS: Final = 0.02
#: The same, after a commit has failed.
_AGAIN_SECONDS: Final = 1.0

#: Writes a batch and returns the ids whose outcome had no open decision.
Commit = Callable[[Sequence[Work]], Awaitable[Sequence[str]]]
#: Hears of outcomes that are lost: the decision, and why.
OnLoss = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something to write, and who waits for it: for an outcome, nobody.

    Args:
        certain: of an outcome: whether it is a loss where no such decision is open.
    """

    work: Work
    done: asyncio.Future[None] | None = None
    certain: bool = True


class GroupCommit:
    """Gathers what is to be written, and has it committed batch by batch.

    Args:
        commit: writes a batch durably, or raises; `IntegrityError` where an entry is refused.
        reset: closes all connections, after a fault; does not raise.
        words: what a fault of the back end said.
        patience: seconds that a caller waits for durability before the answer is "no".
        on_loss: is told of outcomes that were not written.
    """

    def __init__(
        self,
        commit: Commit,
        reset: Callable[[], Awaitable[None]],
        words: Callable[[Exception], str],
        *,
        patience: float,
        on_loss: OnLoss,
    ) -> None:
        self._commit = commit
        self._reset = reset
        self._words = words
        self._patience = patience
        self._on_loss = on_loss
        self._waiting: deque[_Entry] = deque()
        self._some, self._hurry = asyncio.Event(), asyncio.Event()
        self._pause = _OUTCOME_SECONDS
        self._closed = False
        self._failed: Addition | None = None  # since which nothing as large was written
        # Owned here: `close` sets the end mark and awaits it.
        self._writer = asyncio.get_running_loop().create_task(self._drain(), name="journal")

    @property
    def waiting(self) -> int:
        """How many entries wait to be written."""
        return len(self._waiting)

    async def add(self, addition: Addition) -> None:
        """Store a decision; on return it is durable.

        Whoever is told "no", or leaves, has not acted on the decision. Where it is stored all the
        same, because the commit's acknowledgement was lost or came too late, its outcome says so.

        Raises:
            JournalUnavailable: it may not be durable.
        """
        decision_id: str = addition.values["decision_id"]
        done = self._put(addition)
        try:
            await self._wait(done)
        except (JournalUnavailable, asyncio.CancelledError) as fault:
            if getattr(fault, "reason", "") != "journal_refused" and not self._closed:
                outcome = Conclusion.of(decision_id, Outcome("failed"))
                self._waiting.append(_Entry(outcome, certain=False))
                self._some.set()
            raise

    async def probe(self) -> None:
        """Commit and sync without adding anything.

        After a record that could not be written, as much as that is written and taken back.

        Raises:
            JournalUnavailable: a decision could not be made durable now.
        """
        await self._wait(self._put(Probe(self._failed)))

    def conclude(self, conclusion: Conclusion) -> None:
        """Hand an outcome in.

        Raises:
            JournalUnavailable: closed, or too much is waiting.
        """
        self._check_room()
        self._waiting.append(_Entry(conclusion))
        self._some.set()

    async def close(self) -> None:
        """Write what waits. Later entries are refused; closing twice is harmless."""
        self._closed = True
        self._some.set()
        self._hurry.set()
        await self._writer

    def _check_room(self) -> None:
        if self._closed or self._writer.done():
            raise JournalUnavailable("journal_closed")
        if len(self._waiting) >= _MAX_WAITING:
            raise JournalUnavailable("journal_queue_full")

    def _put(self, work: Work) -> asyncio.Future[None]:
        self._check_room()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Entry(work, done))
        self._some.set()
        self._hurry.set()
        return done

    async def _wait(self, done: asyncio.Future[None]) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await done
        except TimeoutError as fault:
            raise JournalUnavailable("journal_timeout") from fault

    async def _drain(self) -> None:
        while True:
            await self._some.wait()
            if not self._hurry.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause):
                        await self._hurry.wait()
            batch = list(islice(self._waiting, _MAX_BATCH))
            if not batch:  # only `close` wakes us up for nothing
                return
            for _ in batch:
                self._waiting.popleft()
            self._look_ahead()
            await self._settle(batch)

    def _look_ahead(self) -> None:
        """Whether anything is left, and whether anybody waits for it."""
        if not self._waiting and not self._closed:
            self._some.clear()
        if not self._closed and all(entry.done is None for entry in self._waiting):
            self._hurry.clear()

    async def _settle(self, batch: Sequence[_Entry]) -> None:
        """Commit a batch and tell those who wait; never raises."""
        works = [entry.work for entry in batch]
        try:
            lost = await self._commit(works)
        except IntegrityError as fault:
            if len(batch) > 1:  # only the culprit shall fail
                for entry in batch:
                    await self._settle([entry])
                return
            self._tell(batch, "journal_refused", self._words(fault))
        except Exception as fault:  # noqa: BLE001 - whatever it was, nobody may take it for a yes
            await self._reset()
            self._pause = _AGAIN_SECONDS
            additions = (work for work in works if isinstance(work, Addition))
            self._failed = next(additions, self._failed)
            self._keep_outcomes(batch)
            self._tell(batch, "journal_write", self._words(fault))
        else:
            self._pause = _OUTCOME_SECONDS
            if any(isinstance(work, Addition) or work == Probe(self._failed) for work in works):
                self._failed = None
            self._report(batch, lost)
            for entry in batch:
                if entry.done is not None and not entry.done.done():  # its caller may be gone
                    entry.done.set_result(None)

    def _keep_outcomes(self, batch: Sequence[_Entry]) -> None:
        """Nobody waits for outcomes, so that they can be written again when it works again.

        Perhaps they were written: this time it is no loss where the decision is concluded already.
        """
        kept = [_Entry(entry.work, certain=False) for entry in batch if entry.done is None]
        if not kept:
            return
        if self._closed or len(self._waiting) >= _MAX_WAITING:
            for entry in kept:
                assert isinstance(entry.work, Conclusion)  # noqa: S101 - narrows the type
                self._on_loss(entry.work.decision_id, "journal_write")
            return
        self._waiting.extendleft(reversed(kept))
        self._some.set()

    def _report(self, batch: Sequence[_Entry], lost: Sequence[str]) -> None:
        sure = {
            entry.work.decision_id
            for entry in batch
            if isinstance(entry.work, Conclusion) and entry.certain
        }
        for decision_id in sure.intersection(lost):
            self._on_loss(decision_id, "journal_refused")

    @staticmethod
    def _tell(batch: Sequence[_Entry], reason: str, detail: str) -> None:
        """Give each waiting caller an exception of its own."""
        for entry in batch:
            if entry.done is not None and not entry.done.done():
                entry.done.set_exception(JournalUnavailable(reason, detail=detail))
