"""OpenTelemetry traces, for those who have installed the extra `otel` and named a collector.

A request is a span from its head to its end, and so are its look-ups and its question to policy.
What else is measured becomes a span below it when it ends. Nothing of it goes to S3: what is sent
there is signed, and made from a list of headers that holds none of these.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Self

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.core.policy.input import BucketFact
from gateway.core.ports import (
    BucketFacts,
    Clock,
    DecisionRecord,
    Journal,
    Metrics,
    Outcome,
    PolicyAnswer,
    PolicyEngine,
    Principal,
    Stage,
)

_NANOSECONDS: Final = 1_000_000_000
_SERVER_ERROR: Final = 500
#: Version 00 of https://www.w3.org/TR/trace-context, section 3.2.2; zeros are no ids.
_TRACEPARENT: Final = re.compile(
    r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII
)


class OtelTracing:
    """Makes spans. Made by `start`, which reads OTEL_*, the convention of OpenTelemetry.

    Args:
        provider: where spans go.
        clock: the wall clock, aware.
    """

    def __init__(self, provider: TracerProvider, clock: Clock) -> None:
        self._provider = provider
        self.clock = clock
        self.tracer = provider.get_tracer("s3-inventory-gateway")
        self._propagator = TraceContextTextMapPropagator()

    @classmethod
    def start(cls, name: str, version: str, clock: Clock) -> Self:
        """Send spans to the collector of OTEL_EXPORTER_OTLP_ENDPOINT, in a thread, in batches.

        Args:
            name: of this gateway; OTEL_SERVICE_NAME wins.
            version: of the package.
            clock: the wall clock, aware.
        """
        own = Resource({"service.name": name, "service.version": version})
        provider = TracerProvider(resource=own.merge(Resource.create()), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        return cls(provider, clock)

    def close(self) -> None:
        """Send what waits; it may take the exporter's time-out."""
        self._provider.shutdown()

    @contextmanager
    def request(self, headers: Sequence[tuple[str, str]]) -> Iterator[None]:
        """A span around a request; the client's trace goes on where it names a valid one.

        Args:
            headers: as received; a second `traceparent` makes both worthless.
        """
        named = [value for name, value in headers if name.lower() == "traceparent"]
        carrier = {}
        if len(named) == 1 and _TRACEPARENT.fullmatch(named[0]) is not None:
            carrier["traceparent"] = named[0]
        above = self._propagator.extract(carrier)
        with self.tracer.start_as_current_span("S3", above, SpanKind.SERVER):
            yield

    def metrics(self, metrics: Metrics) -> Metrics:
        """These, and spans."""
        return TracedMetrics(metrics, self)

    def facts(self, facts: BucketFacts) -> BucketFacts:
        """The same, with a span for each look-up."""
        return TracedFacts(facts, self)

    def policy(self, engine: PolicyEngine) -> PolicyEngine:
        """The same, with a span for each question."""
        return TracedPolicy(engine, self)

    def journal(self, journal: Journal) -> Journal:
        """The same, with the trace in each record."""
        return TracedJournal(journal, self)

    def trace_id(self) -> str:
        """Of the request in hand; empty outside of any."""
        found = trace.get_current_span().get_span_context()
        return trace.format_trace_id(found.trace_id) if found.is_valid else ""

    def traceparent(self) -> str:
        """The header for a call on behalf of the request in hand; empty outside of any."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get("traceparent", "")


class TracedMetrics:
    """The port Metrics: what is counted becomes spans, too.

    Args:
        metrics: counts.
        tracing: makes the spans.
    """

    def __init__(self, metrics: Metrics, tracing: OtelTracing) -> None:
        self._metrics = metrics
        self._tracer = tracing.tracer
        self._clock = tracing.clock

    def request(self, operation: str, group: str, status: int, seconds: float, bucket: str) -> None:
        """Name the request's span; it ends with the request."""
        self._metrics.request(operation, group, status, seconds, bucket)
        span = trace.get_current_span()
        span.update_name(f"S3 {operation or 'none'}")
        span.set_attributes(
            {"rpc.method": operation, "rpc.system": "aws-api", "http.response.status_code": status}
        )
        if status >= _SERVER_ERROR or not status:
            span.set_status(StatusCode.ERROR)

    def stage(self, stage: Stage, seconds: float) -> None:
        """Make a span of what has just ended."""
        self._metrics.stage(stage, seconds)
        if trace.get_current_span().is_recording():
            end = int(self._clock().timestamp() * _NANOSECONDS)
            start = end - int(seconds * _NANOSECONDS)
            self._tracer.start_span(stage.value, start_time=start).end(end)

    def decision(self, record: DecisionRecord) -> None:
        """Say in the request's span how it was decided."""
        self._metrics.decision(record)
        trace.get_current_span().set_attributes(
            {"inventory.decision_id": record.decision_id, "inventory.allow": record.allow}
        )

    def journal_error(self, reason: str) -> None:
        """Count it."""
        self._metrics.journal_error(reason)


class TracedPolicy:
    """The port PolicyEngine: a question is a span, which an OPA server sees as its parent.

    Args:
        engine: answers.
        tracing: makes the spans.
    """

    def __init__(self, engine: PolicyEngine, tracing: OtelTracing) -> None:
        self._engine = engine
        self._tracer = tracing.tracer

    @property
    def name(self) -> str:
        """Of the engine."""
        return self._engine.name

    @property
    def revision(self) -> str:
        """Of what is loaded."""
        return self._engine.revision

    async def evaluate(self, document: Mapping[str, object]) -> PolicyAnswer:
        """Ask.

        Raises:
            PolicyUnavailable: as the engine does.
        """
        with self._tracer.start_as_current_span(Stage.POLICY.value):
            return await self._engine.evaluate(document)


class TracedFacts:
    """The port BucketFacts: each look-up is a span; what is remembered is none.

    Args:
        facts: looks up.
        tracing: makes the spans.
    """

    def __init__(self, facts: BucketFacts, tracing: OtelTracing) -> None:
        self._facts = facts
        self._tracer = tracing.tracer

    async def look_up(
        self, bucket: str, principal: Principal, *, expected_owner: str = "", not_in: str = ""
    ) -> BucketFact:
        """Look up.

        Raises:
            DependencyUnavailable: as the facts do.
        """
        with self._tracer.start_as_current_span(Stage.FACTS.value):
            return await self._facts.look_up(
                bucket, principal, expected_owner=expected_owner, not_in=not_in
            )

    def recall(
        self, bucket: str, principal: Principal, *, expected_owner: str = ""
    ) -> BucketFact | None:
        """Recall."""
        return self._facts.recall(bucket, principal, expected_owner=expected_owner)


class TracedJournal:
    """The port Journal: records name their trace.

    Args:
        journal: keeps them.
        tracing: knows the trace.
    """

    def __init__(self, journal: Journal, tracing: OtelTracing) -> None:
        self._journal = journal
        self._tracing = tracing

    async def record(self, record: DecisionRecord) -> None:
        """Store the decision with its trace.

        Raises:
            JournalUnavailable: as the journal does.
        """
        result = {**record.result, "trace_id": self._tracing.trace_id()}
        await self._journal.record(replace(record, result=result))

    async def conclude(self, decision_id: str, outcome: Outcome) -> None:
        """Add the outcome.

        Raises:
            JournalUnavailable: as the journal does.
        """
        await self._journal.conclude(decision_id, outcome)
