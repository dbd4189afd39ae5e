"""The answer to Prometheus: what this worker has counted, and the others."""

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


class Scrape:
    """Gathers and renders.

    Args:
        metrics: of this worker.
        readiness: likewise; it is asked first, so that what it says is of now.
        siblings: the other workers; None where there are none.
    """

    def __init__(
        self, metrics: PrometheusMetrics, readiness: Readiness, siblings: Siblings | None
    ) -> None:
        self._metrics = metrics
        self._readiness = readiness
        self._siblings = siblings

    async def answer(self, accept: str) -> tuple[bytes, str]:
        """The exposition and its Content-Type.

        Args:
            accept: which format the client wants.

        Raises:
            SiblingError: a worker does not answer.
        """
        told = [] if self._siblings is None else await self._siblings.ask()
        workers = [await self._samples(), *map(decode, told)]
        return render(merge(workers), accept)

    async def own(self) -> bytes:
        """What this worker tells the others."""
        return encode(await self._samples())

    async def _samples(self) -> Samples:
        report = await self._readiness.report()
        samples = self._metrics.samples()
        samples["ready"][()] = [float(report.ready)]
        return samples
