"""Whether requests are traced."""

import importlib.util
import sys
from contextlib import AsyncExitStack

import pytest

from gateway.app.tracing import UNTRACED, open_tracing
from gateway.core.ports import NO_METRICS
from tests.support.fake_event_log import FakeEventLog
from tests.support.fake_policy_engine import FakePolicyEngine
from tests.support.fake_time import clock
from tests.support.fakes import FakeBucketFacts, FakeJournal

NAMED = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    "environment",
    [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, {**NAMED, "OTEL_SDK_DISABLED": "True"}],
    ids=["nothing", "empty", "disabled"],
)
async def test_without_a_collector_nothing_is_traced(environment: dict[str, str]) -> None:
    """And nothing is imported for it."""
    log = FakeEventLog()
    async with AsyncExitStack() as stack:
        assert open_tracing("gateway", environment, clock, log, stack) is UNTRACED
    assert log.faults == []


def test_what_is_not_traced_is_given_back_as_it_is() -> None:
    """Nobody pays for what nobody asked for."""
    facts, engine, journal = FakeBucketFacts({}, {}), FakePolicyEngine([]), FakeJournal()
    assert UNTRACED.metrics(NO_METRICS) is NO_METRICS
    assert UNTRACED.facts(facts) is facts
    assert UNTRACED.policy(engine) is engine
    assert UNTRACED.journal(journal) is journal
    assert UNTRACED.traceparent() == ""
    with UNTRACED.request([("traceparent", "any")]), UNTRACED.request([]):
        pass


async def test_what_is_asked_for_and_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Traces are no reason not to start."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    log = FakeEventLog()
    async with AsyncExitStack() as stack:
        assert open_tracing("gateway", NAMED, clock, log, stack) is UNTRACED
    assert [line["reason"] for line in log.faults] == ["otel_not_installed"]


async def test_a_collector_that_is_named_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the gateway ends; one that is absent keeps nobody waiting that has nothing to send."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    log = FakeEventLog()
    async with AsyncExitStack() as stack:
        tracing = open_tracing("gateway", NAMED, clock, log, stack)
        assert tracing is not UNTRACED
        assert "gateway.adapters.tracing_otel" in sys.modules
    assert log.faults == []
