"""Metrics for Prometheus: counted in plain dictionaries, put into its words when it asks.

prometheus_client's own counters take a lock each, which a gateway that counts on one event loop
does not need. Its multiprocess mode writes files; workers here ask each other and add up.
"""

import operator
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

import orjson
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector, CollectorRegistry

from gateway.core.ports import DecisionRecord, Stage

_PREFIX: Final = "inventory_gateway_"
_NANOSECONDS: Final = 1_000_000_000
#: Seconds. Half a millisecond is what a look into memory takes here, ten minutes a large transfer.
BOUNDS: Final = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0),
)
#: No family has more label sets; further ones are counted as `other`.
_MOST: Final = 1000
_OTHER: Final = "other"
_NONE: Final = "none"
_OPENMETRICS: Final = "application/openmetrics-text"
VERDICTS: Final = ("allow", "deny", "would_deny", "unavailable")
#: The lists of findings in a record, and what the label `mode` says.
_MODES: Final = {
    "violations": "deny",
    "warnings": "warn",
    "dryrun": "dryrun",
    "exempted": "exempted",
}
#: Reasons of records that are the policy engine's; facts and credentials have theirs.
_ENGINE: Final = "engine_"

Labels = tuple[str, ...]
#: By family and labels: one value or, of a histogram, the counts of its buckets and the sum.
Samples = dict[str, dict[Labels, list[float]]]
#: Says what is so now: family, labels, value.
Source = Callable[[], Iterable[tuple[str, Labels, float]]]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric.

    Args:
        kind: of prometheus_client.
        text: for the HELP line.
        labels: their names.
        merge: what makes of the values of two workers one.
    """

    kind: type[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]
    text: str
    labels: Labels = ()
    merge: Callable[[float, float], float] = operator.add


FAMILIES: Final[Mapping[str, Family]] = {
    "requests_total": Family(
        CounterMetricFamily,
        "Requests by operation, its group, and class of the answer's status (none: no answer).",
        ("operation", "group", "status_class"),
    ),
    "bucket_requests_total": Family(
        CounterMetricFamily,
        "Requests by bucket; only with metrics_buckets.",
        ("bucket", "group", "status_class"),
    ),
    "request_duration_seconds": Family(
        HistogramMetricFamily, "From the head of a request to the end of its answer.", ("group",)
    ),
    "stage_duration_seconds": Family(
        HistogramMetricFamily,
        "What a part took; upstream: until S3's answer begins, with the upload.",
        ("stage",),
    ),
    "decisions_total": Family(
        CounterMetricFamily,
        "Decisions on inventory configurations (unavailable: refused for want of a part).",
        ("verdict",),
    ),
    "findings_total": Family(
        CounterMetricFamily, "Findings of decisions, by what they did.", ("rule", "mode")
    ),
    "policy_errors_total": Family(
        CounterMetricFamily, "Questions without an answer that counts.", ("reason",)
    ),
    "journal_errors_total": Family(
        CounterMetricFamily, "Records that could not be made durable.", ("reason",)
    ),
    "bytes_total": Family(
        CounterMetricFamily,
        "Bytes of bodies received (in), and of answers sent with their heads (out).",
        ("direction",),
    ),
    "streams_open": Family(GaugeMetricFamily, "Requests under way."),
    "upstream_connections": Family(GaugeMetricFamily, "Connections to S3.", ("pool", "state")),
    "credentials_expiry_seconds": Family(
        GaugeMetricFamily, "Until the gateway's own credentials end; absent: never.", (), min
    ),
    "policy_info": Family(
        GaugeMetricFamily,
        "1, with what decides.",
        ("engine", "revision", "settings_revision"),
        max,
    ),
    "policy_settings_reloaded": Family(
        GaugeMetricFamily, "1 if the settings in force are those of the file.", (), min
    ),
    "exemptions_expiring": Family(
        GaugeMetricFamily, "Exemptions that end within 14 days.", (), max
    ),
    "journal_waiting": Family(GaugeMetricFamily, "Records that wait to be made durable."),
    "ready": Family(GaugeMetricFamily, "1 if ready for traffic.", (), min),
}


class _Histogram:
    """Counts by bucket, and the sum."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


class PrometheusMetrics:
    """The port Metrics, and what is to be read of it.

    Args:
        buckets: count requests by bucket, too.
    """

    def __init__(self, *, buckets: bool = False) -> None:
        self._names_buckets = buckets
        self._requests: dict[tuple[str, str, int], int] = defaultdict(int)
        self._buckets: dict[tuple[str, str, int], int] = defaultdict(int)
        self._durations: dict[str, _Histogram] = defaultdict(_Histogram)
        self._stages = {stage: _Histogram() for stage in Stage}
        self._counts: dict[str, dict[Labels, float]] = defaultdict(dict)
        self._counts["decisions_total"] = {(verdict,): 0 for verdict in VERDICTS}
        self._sources: list[Source] = []

    def request(self, operation: str, group: str, status: int, seconds: float, bucket: str) -> None:
        """Count the end of a request."""
        self._requests[operation, group, status // 100] += 1
        self._durations[group].observe(seconds)
        if self._names_buckets and bucket:
            key = (bucket, group, status // 100)
            if len(self._buckets) >= _MOST and key not in self._buckets:
                key = (_OTHER, group, status // 100)
            self._buckets[key] += 1

    def stage(self, stage: Stage, seconds: float) -> None:
        """Count what one part took."""
        self._stages[stage].observe(seconds)

    def decision(self, record: DecisionRecord) -> None:
        """Count a decision with its findings, and what facts and policy took."""
        self._count("decisions_total", _verdict(record))
        for name, mode in _MODES.items():
            findings: Any = record.result.get(name, ())
            for finding in findings:
                self._count("findings_total", str(finding["rule"]), mode)
        if record.error.startswith(_ENGINE):
            self._count("policy_errors_total", record.error)
        for stage in (Stage.FACTS, Stage.POLICY):
            took = record.metrics.get(f"timer_{stage}_ns")
            if took is not None:
                self.stage(stage, took / _NANOSECONDS)

    def journal_error(self, reason: str) -> None:
        """Count what could not be made durable."""
        self._count("journal_errors_total", reason)

    def watch(self, source: Source) -> None:
        """Ask this whenever somebody wants to know."""
        self._sources.append(source)

    def samples(self) -> Samples:
        """Everything, as of now."""
        found: Samples = {name: {} for name in FAMILIES}
        for name, counted in (
            ("requests_total", self._requests),
            ("bucket_requests_total", self._buckets),
        ):
            for (first, group, hundreds), count in counted.items():
                status = f"{hundreds}xx" if hundreds else _NONE
                found[name][first or _NONE, group or _NONE, status] = [count]
        for group, histogram in self._durations.items():
            values = [*histogram.counts, histogram.total]
            found["request_duration_seconds"][(group or _NONE,)] = values
        for stage, histogram in self._stages.items():
            found["stage_duration_seconds"][(stage.value,)] = [*histogram.counts, histogram.total]
        for name, counts in self._counts.items():
            found[name] |= {labels: [value] for labels, value in counts.items()}
        for source in self._sources:
            for name, labels, value in source():
                found[name][labels] = [value]
        return found

    def _count(self, family: str, *labels: str) -> None:
        counts = self._counts[family]
        if len(counts) >= _MOST and labels not in counts:
            labels = (_OTHER,) * len(labels)
        counts[labels] = counts.get(labels, 0) + 1


def encode(samples: Samples) -> bytes:
    """Samples for another worker of the same version."""
    return orjson.dumps(
        {name: list(found.items()) for name, found in samples.items()},
        option=orjson.OPT_NON_STR_KEYS,
    )


def decode(text: bytes) -> Samples:
    """The opposite.

    Raises:
        ValueError: it is not what `encode` makes.
    """
    return {
        name: {tuple(labels): values for labels, values in found}
        for name, found in orjson.loads(text).items()
    }


def merge(workers: Sequence[Samples]) -> Samples:
    """The samples of all workers as those of one gateway."""
    merged: Samples = {name: {} for name in FAMILIES}
    for samples in workers:
        for name, found in samples.items():
            known, join = merged[name], FAMILIES[name].merge
            for labels, values in found.items():
                before = known.get(labels)
                known[labels] = (
                    values
                    if before is None
                    else [join(one, other) for one, other in zip(before, values, strict=True)]
                )
    return merged


def accepted(accept: str) -> str:
    """What to write for a client that accepts this: one of two, said as `Accept` says it.

    A client's own words never reach the library: it writes any version that they name, and fails on
    one that is no number.
    """
    kinds = {kind.partition(";")[0].strip() for kind in accept.split(",")}
    return f"{_OPENMETRICS}; version=1.0.0" if _OPENMETRICS in kinds else ""


def render(samples: Samples, accept: str) -> tuple[bytes, str]:
    """The exposition in the best format that the client accepts, and its Content-Type."""
    registry = CollectorRegistry()
    registry.register(_Shown(samples))
    write, content_type = choose_encoder(accepted(accept))
    return write(registry), content_type


class _Shown(Collector):
    """Samples in prometheus_client's classes."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Metric]:
        """Every family, also one without a sample."""
        for name, family in FAMILIES.items():
            metric: Any = family.kind(_PREFIX + name, family.text, labels=family.labels)
            for labels, values in sorted(self._samples[name].items()):
                if family.kind is HistogramMetricFamily:
                    *counts, total = values
                    bounds = [*map(str, BOUNDS), "+Inf"]
                    metric.add_metric(
                        labels, list(zip(bounds, accumulate(counts), strict=True)), total
                    )
                else:
                    metric.add_metric(labels, values[0])
            yield metric


def _verdict(record: DecisionRecord) -> str:
    if record.error:
        return "unavailable"
    if not record.allow:
        return "deny"
    return "would_deny" if record.result.get("would_refuse") else "allow"
