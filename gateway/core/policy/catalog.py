"""The catalogue of rules: what a constant rule id means, in words for people.

Rego returns ids and pointers only. Texts are joined here, so that a tenant's text never passes
through an engine into a verdict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from gateway.core.policy.exemption import UsedExemption


class Severity(IntEnum):
    """How bad a finding is; higher comes first."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry: `message` and `remedy` are templates over a finding's parameters.

    `facts` are pointers into the question, to what must be looked up for the rule.
    """

    id: str
    title: str
    severity: Severity
    topic: str
    message: str
    remedy: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every rule that must have run for an answer to count."""

    rules: Mapping[str, Rule]

    @classmethod
    def from_data(cls, data: Mapping[str, Mapping[str, object]]) -> Self:
        """Read `data.inventory.catalog` of a bundle.

        Raises:
            ValueError: an entry lacks a text or has an unknown severity.
        """
        return cls({rule_id: _rule(rule_id, entry) for rule_id, entry in data.items()})

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all rules."""
        return frozenset(self.rules)


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that fired, in words.

    Args:
        rule: the rule's id.
        path: JSON pointer into the configuration, in boto3's shape.
        severity: from the catalogue.
        message: what is wrong.
        remedy: what to do.
        allowed: what would be allowed, where the rule says.
        exemption: that kept it from counting, if any.
    """

    rule: str
    path: str
    severity: Severity
    message: str
    remedy: str
    allowed: tuple[str, ...] = ()
    exemption: UsedExemption | None = None

    def as_record(self) -> dict[str, object]:
        """For the journal and the decision log."""
        exemption = {} if self.exemption is None else {"exemption": self.exemption.as_record()}
        return {
            "rule": self.rule,
            "path": self.path,
            "severity": self.severity.name.lower(),
            "message": self.message,
            "remedy": self.remedy,
            "allowed": list(self.allowed),
            **exemption,
        }


def _rule(rule_id: str, entry: Mapping[str, object]) -> Rule:
    texts = {key: entry.get(key) for key in ("title", "severity", "topic", "message", "remedy")}
    missing = [key for key, value in texts.items() if not isinstance(value, str) or not value]
    if missing:
        raise ValueError(f"catalogue entry {rule_id} lacks {', '.join(missing)}")
    words = {key: str(value) for key, value in texts.items()}
    try:
        severity = Severity[words["severity"].upper()]
    except KeyError:
        raise ValueError(f"catalogue entry {rule_id}: unknown severity") from None
    facts = entry.get("facts")
    return Rule(
        rule_id,
        words["title"],
        severity,
        words["topic"],
        words["message"],
        words["remedy"],
        tuple(map(str, facts)) if isinstance(facts, list) else (),
    )


def sort_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """By severity, rule and path: the order of a set differs between engines."""
    return tuple(sorted(findings, key=lambda item: (-item.severity, item.rule, item.path)))
