"""Spans: whose trace they belong to, what they say, and what they do not."""

from dataclasses import replace

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from gateway.adapters.tracing_otel import OtelTracing
from gateway.core.errors import PolicyUnavailable
from gateway.core.ports import Outcome, Stage
from tests.adapters.test_metrics_prometheus import RECORD
from tests.support import fake_time
from tests.support.fake_metrics import FakeMetrics
from tests.support.fake_policy_engine import FakePolicyEngine
from tests.support.fakes import FakeBucketFacts, FakeJournal
from tests.support.stage import known

TRACE = "0af7651916cd43dd8448eb211c80319c"
ABOVE = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{ABOVE}-01"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """What was sent."""
    return InMemorySpanExporter()


@pytest.fixture
def tracing(spans: InMemorySpanExporter) -> OtelTracing:
    """It sends at once."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return OtelTracing(provider, fake_time.clock)


def named(spans: InMemorySpanExporter, name: str) -> ReadableSpan:
    """The one of this name."""
    (found,) = [span for span in spans.get_finished_spans() if span.name == name]
    return found


def trace_of(span: ReadableSpan) -> str:
    """Its trace."""
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


def test_a_valid_trace_goes_on(tracing: OtelTracing, spans: InMemorySpanExporter) -> None:
    """The span's parent is the client's; further calls name this span."""
    with tracing.request([("host", "h"), ("Traceparent", TRACEPARENT)]):
        assert tracing.trace_id() == TRACE
        handed_on = tracing.traceparent()
    span = named(spans, "S3")
    assert span.parent is not None
    assert span.context is not None
    assert (trace_of(span), f"{span.parent.span_id:016x}") == (TRACE, ABOVE)
    assert handed_on == f"00-{TRACE}-{span.context.span_id:016x}-01"
    assert (tracing.trace_id(), tracing.traceparent()) == ("", "")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("traceparent", "")],
        [("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)],
        [("traceparent", TRACEPARENT.upper())],
        [("traceparent", f"00-{'0' * 32}-{ABOVE}-01")],
        [("traceparent", f"00-{TRACE}-{'0' * 16}-01")],
        [("traceparent", f"ff-{TRACE}-{ABOVE}-01")],
        [("traceparent", f"{TRACEPARENT}-more")],
        [("traceparent", f"{TRACEPARENT}\n")],
        [("traceparent", f"00-{TRACE[:-1]}-{ABOVE}-01")],
        [("tracestate", "a=b")],
    ],
    ids="none empty two capitals no-trace no-span ff more line short state".split(),
)
def test_any_other_begins_a_trace(
    tracing: OtelTracing, spans: InMemorySpanExporter, headers: list[tuple[str, str]]
) -> None:
    """What is not valid is as if it were not there."""
    with tracing.request(headers):
        assert len(tracing.trace_id()) == 32
        assert tracing.trace_id() != TRACE
    assert named(spans, "S3").parent is None


@pytest.mark.parametrize(
    ("status", "expected"), [(200, False), (403, False), (503, True), (0, True)]
)
def test_a_request_is_named_by_its_operation(
    tracing: OtelTracing, spans: InMemorySpanExporter, status: int, *, expected: bool
) -> None:
    """A refusal is no error of the gateway; and no bucket is named."""
    counted = FakeMetrics()
    metrics = tracing.metrics(counted)
    with tracing.request([]):
        metrics.request("GetObject", "objects", status, 0.1, "acme")
    span = named(spans, "S3 GetObject")
    assert span.attributes == {
        "rpc.method": "GetObject",
        "rpc.system": "aws-api",
        "http.response.status_code": status,
    }
    assert (span.status.status_code is StatusCode.ERROR) is expected
    assert counted.requests == [("GetObject", "objects", status, 0.1, "acme")]


def test_a_stage_is_a_span_that_ends_now(tracing: OtelTracing, spans: InMemorySpanExporter) -> None:
    """Below the request; outside of any it is only counted."""
    counted = FakeMetrics()
    metrics = tracing.metrics(counted)
    metrics.stage(Stage.UPSTREAM, 1.0)
    with tracing.request([("traceparent", TRACEPARENT)]):
        metrics.stage(Stage.JOURNAL, 0.5)
    span = named(spans, "journal")
    assert trace_of(span) == TRACE
    assert span.end_time == int(fake_time.NOW.timestamp()) * 10**9
    assert span.end_time - (span.start_time or 0) == 500_000_000
    assert len(spans.get_finished_spans()) == 2
    assert counted.stages == [(Stage.UPSTREAM, 1.0), (Stage.JOURNAL, 0.5)]


async def test_decisions_and_errors_are_counted_and_told(
    tracing: OtelTracing, spans: InMemorySpanExporter
) -> None:
    """The record names the trace, and the span the decision."""
    counted, journal = FakeMetrics(), FakeJournal()
    metrics = tracing.metrics(counted)
    traced = tracing.journal(journal)
    record = replace(RECORD, result={"allow": True})
    with tracing.request([("traceparent", TRACEPARENT)]):
        await traced.record(record)
        await traced.conclude("d", Outcome("forwarded"))
        metrics.decision(record)
    metrics.journal_error("journal_write")
    assert journal.records["d"].result == {"allow": True, "trace_id": TRACE}
    assert journal.outcomes["d"] == Outcome("forwarded")
    assert (counted.decisions, counted.journal_errors) == ([record], ["journal_write"])
    assert named(spans, "S3").attributes == {"inventory.decision_id": "d", "inventory.allow": True}


async def test_look_ups_and_questions_are_spans(
    tracing: OtelTracing, spans: InMemorySpanExporter
) -> None:
    """A fault is one, too, and still a fault; what is handed on names the span."""
    handed_on: list[str] = []

    class Engine(FakePolicyEngine):
        async def evaluate(self, document):
            """Ask, naming the trace."""
            handed_on.append(tracing.traceparent())
            return await super().evaluate(document)

    engine = Engine([])
    policy = tracing.policy(engine)
    facts = tracing.facts(FakeBucketFacts({"b": "eu-central-1"}, {}))
    assert (policy.name, policy.revision) == (engine.name, engine.revision)
    with tracing.request([("traceparent", TRACEPARENT)]):
        assert facts.recall("b", known().principal) is None
        assert (await facts.look_up("b", known().principal)).region == "eu-central-1"
        assert (await policy.evaluate({})).value == engine.answer
        asked = named(spans, "policy")
        engine.fault = PolicyUnavailable("engine_timeout")
        with pytest.raises(PolicyUnavailable):
            await policy.evaluate({})
    assert asked.context is not None
    assert handed_on[0] == f"00-{TRACE}-{asked.context.span_id:016x}-01"
    assert trace_of(named(spans, "facts")) == TRACE
    assert [span.name for span in spans.get_finished_spans()].count("policy") == 2
