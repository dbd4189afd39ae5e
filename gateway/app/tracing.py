"""Whether requests are traced: if a collector is named, in the environment as everywhere."""

import asyncio
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from typing import Final, Protocol

from gateway import __version__
from gateway.adapters.decision_log import StructlogEventLog
from gateway.core.ports import BucketFacts, Clock, EventLog, Journal, Metrics, PolicyEngine

#: A span around a request with these headers.
Traced = Callable[[Sequence[tuple[str, str]]], AbstractContextManager[None]]
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NO_SPAN: Final[AbstractContextManager[None]] = nullcontext()


class Tracing(Protocol):
    """Puts spans around what it is given, or gives it back as it is."""

    def request(self, headers: Sequence[tuple[str, str]]) -> AbstractContextManager[None]:
        """A span around a request."""
        ...

    def traceparent(self) -> str:
        """The header for a call on behalf of the request in hand; empty for none."""
        ...

    def metrics(self, metrics: Metrics) -> Metrics:
        """Spans of what is measured."""
        ...

    def facts(self, facts: BucketFacts) -> BucketFacts:
        """Spans of look-ups."""
        ...

    def policy(self, engine: PolicyEngine) -> PolicyEngine:
        """Spans of questions."""
        ...

    def journal(self, journal: Journal) -> Journal:
        """Records that name their trace."""
        ...


class Untraced:
    """Nothing is traced, and nothing is paid for it."""

    def request(self, _: Sequence[tuple[str, str]]) -> AbstractContextManager[None]:
        """Nothing."""
        return _NO_SPAN

    def traceparent(self) -> str:
        """None."""
        return ""

    def metrics(self, metrics: Metrics) -> Metrics:
        """As they are."""
        return metrics

    def facts(self, facts: BucketFacts) -> BucketFacts:
        """As they are."""
        return facts

    def policy(self, engine: PolicyEngine) -> PolicyEngine:
        """As it is."""
        return engine

    def journal(self, journal: Journal) -> Journal:
        """As it is."""
        return journal


UNTRACED: Final[Tracing] = Untraced()


def open_tracing(
    name: str, environment: Mapping[str, str], clock: Clock, log: EventLog, stack: AsyncExitStack
) -> Tracing:
    """Trace if the environment names a collector; what waits is sent when the stack is closed.

    Args:
        name: of this gateway.
        environment: OTEL_*: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
        clock: the wall clock, aware.
        log: names the trace in its lines; hears where traces are asked for, and not installed.
        stack: owns it.
    """
    disabled = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if disabled or not any(environment.get(endpoint) for endpoint in _ENDPOINTS):
        return UNTRACED
    if importlib.util.find_spec("opentelemetry") is None:
        log.fault(
            "requests are not traced",
            level="warning",
            reason="otel_not_installed",
            detail="in a clone, pip install '.[otel]'",
        )
        return UNTRACED
    # Megabytes and a thread that nobody else should pay for.
    from gateway.adapters.tracing_otel import OtelTracing  # noqa: PLC0415

    tracing = OtelTracing.start(name, __version__, clock)
    stack.push_async_callback(asyncio.to_thread, tracing.close)
    if isinstance(log, StructlogEventLog):
        log.trace_id = tracing.trace_id
    return tracing
