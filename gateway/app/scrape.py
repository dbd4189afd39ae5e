"""The answer to Prometheus: what this worker has counted, and the others."""

import asyncio
from typing import Final

from gateway.adapters.metrics_prometheus import (
    PrometheusMetrics,
    Samples,
    decode,
    encode,
    merge,
    render,
)
from gateway.app.readiness import Readiness
from gateway.app.siblings import Siblings
from gateway.core.ports import Stopwatch

#: After a rendering, how many times as long until the next: ten a second or a thousand asked for,
#: it takes a tenth of the event loop, which object traffic shares, and needs no secret to ask for.
_REST: Final = 9


class Scrape:
    """Gathers and renders.

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

    async def answer(self, accept: str) -> tuple[bytes, str]:
        """The exposition and its Content-Type; those who ask without pause wait for their turn.

        Args:
            accept: which format the client wants.

        Raises:
            SiblingError: a worker does not answer.
        """
        told = [] if self._siblings is None else await self._siblings.ask()
        own = await self._samples()
        async with self._turn:
            await asyncio.sleep(self._not_before - self._stopwatch())
            began = self._stopwatch()
            answer = render(merge([own, *map(decode, told)]), accept)
            ended = self._stopwatch()
            self._not_before = ended + _REST * (ended - began)
        return answer

    async def own(self) -> bytes:
        """What this worker tells the others."""
        return encode(await self._samples())

    async def _samples(self) -> Samples:
        report = await self._readiness.report()
        samples = self._metrics.samples()
        samples["ready"][()] = [float(report.ready)]
        return samples
