"""The structured log in memory."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.ports import DecisionRecord, Outcome


@dataclass(slots=True)
class FakeEventLog:
    """Keeps every event; `faults` hold the class of the exception in flight, too."""

    trace: list[str] = field(default_factory=list)
    decisions: list[tuple[DecisionRecord, Outcome]] = field(default_factory=list)
    events: list[Mapping[str, object]] = field(default_factory=list)
    faults: list[Mapping[str, object]] = field(default_factory=list)

    def decision(self, record: DecisionRecord, outcome: Outcome) -> None:
        """Keep a decision."""
        self.trace.append(f"log {outcome.kind}")
        self.decisions.append((record, outcome))

    def access(self, event: Mapping[str, object]) -> None:
        """Keep an access event."""
        self.trace.append(f"access {event['status']}")
        self.events.append(dict(event))

    def fault(self, message: str, **fields: object) -> None:
        """Keep a fault."""
        problem = sys.exception()
        kind = "" if problem is None else type(problem).__name__
        self.faults.append({"message": message, "exception": kind} | fields)

    @property
    def event(self) -> Mapping[str, object]:
        """The only access event."""
        assert len(self.events) == 1, self.events
        return self.events[0]
