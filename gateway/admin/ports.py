"""What the page is handed, beside the journal: the rules in force, and a place to try things out.

Neither can have an effect: nothing here forwards, records or changes anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.admin.difference import Line
from gateway.admin.record import FindingView
from gateway.core.journal import Verdict
from gateway.core.policy.exemption import Exemption


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a rule.

    Args:
        name: as it is written in the settings.
        description: what it means.
        default: as JSON; empty for none.
        value: what the settings in force say, as JSON; empty where they say nothing.
    """

    name: str
    description: str
    default: str
    value: str


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """A rule as it is in force.

    Args:
        id: of the rule.
        title: what it holds.
        severity: low, medium, high or critical.
        topic: of the catalogue.
        mode: deny, warn, dryrun or off; empty where only the engine knows.
        why: it is there.
        message: what a client reads, with braces for its own values.
        remedy: likewise.
        parameters: what may be set.
    """

    id: str
    title: str
    severity: str
    topic: str
    mode: str
    why: str
    message: str
    remedy: str
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """Policy as it is now.

    Args:
        engine: its name.
        revision: of the rules.
        settings_revision: of the organisation's settings; empty where there are none.
        observes: whether nothing is refused.
        problem: why the settings are not those of the file; empty where they are.
        rules: by id.
        exemptions: all of them, those that have ended, too.
    """

    engine: str
    revision: str
    settings_revision: str
    observes: bool
    problem: str
    rules: tuple[RuleEntry, ...]
    exemptions: tuple[Exemption, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something to try out.

    Args:
        document: S3's XML, or the JSON of `--inventory-configuration`, as pasted.
        bucket: the source.
        principal: who would ask.
        look_up: whether the gateway is to look the buckets up, as it would for a request; else
            the following are taken as they are.
        source_region: empty for not known.
        destination_region: likewise.
        owner_verified: whether AccountId really owns the destination.
    """

    document: str = ""
    bucket: str = ""
    principal: str = ""
    look_up: bool = True
    source_region: str = ""
    destination_region: str = ""
    owner_verified: bool = True


@dataclass(frozen=True, slots=True)
class Trial:
    """What would be decided.

    Args:
        verdict: None where no question could be put to policy.
        problem: why not; or, with a verdict, why there was no answer.
        findings: of the verdict.
        revision: of the settings that answered.
        corrected: the document with all that policy can fill in; empty where that is nothing.
        changes: from the one to the other.
        applied: members that the gateway fills in by itself.
        still: the rules that would refuse the corrected document.
    """

    verdict: Verdict | None
    problem: str = ""
    findings: tuple[FindingView, ...] = ()
    revision: str = ""
    corrected: str = ""
    changes: tuple[Line, ...] = ()
    applied: tuple[str, ...] = ()
    still: tuple[str, ...] = field(default=())


class Policy(Protocol):
    """The rules and settings in force, and their answers to what is no request."""

    def in_force(self) -> PolicyInForce:
        """Everything there is to show."""
        ...

    def principals(self) -> Sequence[str]:
        """The names that may be tried."""
        ...

    async def attempt(self, attempt: Attempt) -> Trial:
        """Judge a document that nobody has sent; nothing is forwarded or recorded.

        Never raises what a visitor can cause: it is in the trial.
        """
        ...

    async def replay(self, question: Mapping[str, object]) -> Trial:
        """Ask a recorded question again; nothing is recorded."""
        ...
