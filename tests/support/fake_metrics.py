"""What was counted, in order."""

from dataclasses import dataclass, field

from gateway.core.ports import DecisionRecord, Stage


@dataclass(slots=True)
class FakeMetrics:
    """Keeps every call."""

    requests: list[tuple[str, str, int, float, str]] = field(default_factory=list)
    stages: list[tuple[Stage, float]] = field(default_factory=list)
    decisions: list[DecisionRecord] = field(default_factory=list)
    journal_errors: list[str] = field(default_factory=list)

    def request(self, operation: str, group: str, status: int, seconds: float, bucket: str) -> None:
        """Keep the end of a request."""
        self.requests.append((operation, group, status, seconds, bucket))

    def stage(self, stage: Stage, seconds: float) -> None:
        """Keep what a part took."""
        self.stages.append((stage, seconds))

    def decision(self, record: DecisionRecord) -> None:
        """Keep a decision."""
        self.decisions.append(record)

    def journal_error(self, reason: str) -> None:
        """Keep a reason."""
        self.journal_errors.append(reason)
