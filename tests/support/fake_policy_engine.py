"""A policy engine that answers as told."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.errors import PolicyUnavailable
from gateway.core.policy.catalog import Catalog
from gateway.core.ports import PolicyAnswer

CATALOG = Catalog.from_data(
    {
        "INV001": {
            "title": "Encrypted report",
            "severity": "high",
            "topic": "encryption",
            "message": "The report is not encrypted.",
            "remedy": "Set Encryption.",
        },
        "INV015": {
            "title": "Same Region",
            "severity": "high",
            "topic": "destination",
            "message": "{destination_bucket} is in {destination_region}.",
            "remedy": "Choose a bucket in {source_region}.",
        },
    }
)
ENCRYPTION = "/Destination/S3BucketDestination/Encryption"


def answer(*violations: str, **changes: object) -> dict[str, object]:
    """A decision: a yes where no rule is named."""
    findings = [{"rule": rule, "path": ENCRYPTION} for rule in violations]
    return {
        "schema": "inventory.decision/1",
        "allow": not violations,
        "ready": True,
        "evaluated": sorted(CATALOG.ids),
        "policy_revision": "rev-1",
        "violations": findings,
        "warnings": [],
        "dryrun": [],
        "exempted": [],
    } | changes


@dataclass(slots=True)
class FakePolicyEngine:
    """Says yes until told otherwise; `fault` is raised while it is set.

    `first` are answers, or faults, that are given before it, once each.
    """

    trace: list[str]
    answer: object = field(default_factory=answer)
    fault: PolicyUnavailable | None = None
    first: list[object] = field(default_factory=list)
    questions: list[Mapping[str, object]] = field(default_factory=list)
    name: str = "fake"
    revision: str = "rev-1"
    catalog: Catalog = CATALOG
    provenance: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, int] = field(default_factory=dict)

    async def evaluate(self, document: Mapping[str, object]) -> PolicyAnswer:
        """The answer."""
        self.trace.append("evaluate")
        self.questions.append(document)
        if self.fault is not None:
            raise self.fault
        value = self.first.pop(0) if self.first else self.answer
        if isinstance(value, PolicyUnavailable):
            raise value
        return PolicyAnswer(value, self.catalog, self.provenance, self.metrics)
