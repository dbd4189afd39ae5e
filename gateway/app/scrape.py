"""The answer to Prometheus: what this worker has counted, and the others."""

import asyncio
from dataclasses import dataclass
from typing import Final

from gateway.adapters.metrics_prometheus import (
    PrometheusMetrics,
    Samples,
    accepted,
    decode,
    encode,
    merge,
    render,
)
from gateway.app.readiness import Readiness
from gateway.app.siblings import SiblingError, Siblings
from gateway.core.ports import Stopwatch

#: After a rendering, how many times as long until the next: ten a second or a thousand asked for,
#: it takes a tenth of the event loop, which object traffic shares, and needs no secret to ask for.
_REST: Final = 9


@dataclass(frozen=True, slots=True)
class _Made:
    """An answer, or why there is none, and in which round it was made."""

    round: int
    answer: tuple[bytes, str] | SiblingError


class Scrape:
    """Gathers and renders.

    Who waits for a turn takes the answer of whoever has had one since: a crowd, of which many may
    have left, waits for one or two turns and not for one each.

    Args:
        metrics: of this worker.
        readiness: likewise; it is asked first, so that what it says is of now.
        siblings: the other workers; None where there are none.
        stopwatch: for what a rendering takes.
    """

    def __init__(
        self,
        metrics: PrometheusMetrics,
        readiness: Readiness,
        siblings: Siblings | None,
        stopwatch: Stopwatch,
    ) -> None:
        self._metrics = metrics
        self._readiness = readiness
        self._siblings = siblings
        self._stopwatch = stopwatch
        self._turn = asyncio.Lock()
        self._not_before = stopwatch()
        self._round = 0
        self._made: dict[str, _Made] = {}

    async def answer(self, accept: str) -> tuple[bytes, str]:
        """The exposition and its Content-Type; those who ask without pause wait for their turn.

        Args:
            accept: which format the client wants.

        Raises:
            SiblingError: a worker does not answer.
        """
        asked, wanted = self._round, accepted(accept)
        async with self._turn:
            made = self._made.get(wanted)
            if made is None or made.round <= asked:  # begun before this was asked
                made = self._made[wanted] = await self._make(wanted)
        if isinstance(made.answer, SiblingError):
            raise SiblingError(str(made.answer)) from made.answer
        return made.answer

    async def _make(self, wanted: str) -> _Made:
        """Gather and render, after a rest."""
        await asyncio.sleep(self._not_before - self._stopwatch())
        self._round += 1
        number = self._round
        try:
            told = [] if self._siblings is None else await self._siblings.ask()
        except SiblingError as fault:
            return _Made(number, fault)
        own = await self._samples()
        began = self._stopwatch()
        answer = render(merge([own, *map(decode, told)]), wanted)
        ended = self._stopwatch()
        self._not_before = ended + _REST * (ended - began)
        return _Made(number, answer)

    async def own(self) -> bytes:
        """What this worker tells the others."""
        return encode(await self._samples())

    async def _samples(self) -> Samples:
        report = await self._readiness.report()
        samples = self._metrics.samples()
        samples["ready"][()] = [float(report.ready)]
        return samples
