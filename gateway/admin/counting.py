"""Counts of the journal, remembered for a moment: whoever reloads does not have it count again."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.admin.overview import Span
from gateway.core.journal import JournalCounts, JournalReader
from gateway.core.ports import Clock, Stopwatch

#: Beyond that a count takes as long as it took, once more: counting is never most of the work.
_SECONDS: Final = 5.0
_PATIENCE: Final = 10
_TIMINGS: Final = 500


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted.

    Args:
        now: when.
        since: from when on.
        counts: of the decisions in between.
        timings: the metrics of the last decisions.
    """

    now: datetime
    since: datetime
    counts: JournalCounts
    timings: Sequence[Mapping[str, int]]


class Counting:
    """Counts by span of time, one at a time.

    Args:
        clock: the wall clock, aware.
        stopwatch: says how old a count is.
    """

    def __init__(self, clock: Clock, stopwatch: Stopwatch) -> None:
        self._clock = clock
        self._stopwatch = stopwatch
        self._found: dict[str, tuple[float, Counted]] = {}
        self._turn = asyncio.Lock()

    async def of(self, span: Span, reader: JournalReader) -> Counted:
        """The counts of a span up to now, some seconds old at most.

        Raises:
            JournalUnavailable: `journal_read`.
        """
        async with self._turn:  # who waited finds what the one before has counted
            good_until, counted = self._found.get(span.name, (0.0, None))
            started = self._stopwatch()
            if counted is not None and started < good_until:
                return counted
            now = self._clock()
            since = span.since(now)
            counts = await reader.counts(since, now)
            timings = await reader.timings(limit=_TIMINGS)
            counted = Counted(now, since, counts, timings)
            ended = self._stopwatch()
            good_until = ended + max(_SECONDS, _PATIENCE * (ended - started))
            self._found[span.name] = good_until, counted
            return counted
