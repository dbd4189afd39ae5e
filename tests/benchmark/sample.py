"""One measurement, and what several of them say together."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """What one peer did in one measurement.

    Args:
        requests: answered.
        seconds: that it took.
        carried: bytes of bodies, of unfinished requests as well.
        cpu_seconds: of the peer alone.
        p50_ms: median latency; 0 where no request was finished.
        p99_ms: its 99th percentile.
        rss_mib: the most memory that the peer held meanwhile.
    """

    requests: int
    seconds: float
    carried: int
    cpu_seconds: float
    p50_ms: float
    p99_ms: float
    rss_mib: float

    @property
    def per_second(self) -> float:
        """Requests."""
        return self.requests / self.seconds

    @property
    def mb_per_second(self) -> float:
        """10^6 bytes of bodies."""
        return self.carried / 1e6 / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU per request, in microseconds."""
        return self.cpu_seconds * 1e6 / self.requests

    @property
    def cpu_ms_per_gb(self) -> float:
        """CPU per 10^9 bytes carried, in milliseconds."""
        return self.cpu_seconds * 1e3 / (self.carried / 1e9)


TIMES = "\N{MULTIPLICATION SIGN}"
Cost = Callable[[Sample], float]


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some figures, and how far they lie apart."""

    median: float
    least: float
    most: float

    def shown(self, digits: int) -> str:
        """For a table: `2.47 (2.30 to 2.61)`."""
        median, least, most = (f"{x:.{digits}f}" for x in (self.median, self.least, self.most))
        return median if least == most else f"{median} ({least} to {most})"


def spread(values: Iterable[float]) -> Spread:
    """Of at least one figure."""
    found = list(values)
    return Spread(statistics.median(found), min(found), max(found))


def paired(samples: Sequence[Sample], reference: Sequence[Sample], cost: Cost) -> Spread:
    """How many times the reference's cost, within each round: the machine's drift cancels out."""
    pairs = zip(samples, reference, strict=True)
    return spread(cost(one) / cost(other) for one, other in pairs)
