"""The journal as its readers see it: pages of decisions, one decision, counts.

A reader never waits for a writer and never makes one wait. Positions count what was written, in
the order in which it became durable: a decision has one, and so has its outcome. They are the
cursors of pages, for they never change and never come late.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from gateway.core.ports import DecisionRecord, Outcome

#: What `JournalFilter.outcome` calls a decision that has none.
OPEN: Final = "open"
_MODES: Final = {
    "violations": "deny",
    "warnings": "warn",
    "dryrun": "dryrun",
    "exempted": "exempted",
}


class Verdict(StrEnum):
    """What a decision said, in one word."""

    ALLOW = "allow"
    #: Policy only observes; it was allowed.
    WOULD_DENY = "would_deny"
    DENY = "deny"
    #: Policy, facts or credentials were not to be had; it was refused.
    ERROR = "error"


@dataclass(frozen=True, slots=True, order=True)
class FoundRule:
    """A rule that fired, once or more.

    Args:
        rule: its id.
        mode: `deny`, `warn`, `dryrun` or `exempted`.
    """

    rule: str
    mode: str


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """Which decisions; what is empty does not matter. Texts are compared whole, as they are.

    Args:
        verdict: of them.
        outcome: `forwarded`, `refused`, `failed`, `unknown`, or `OPEN`.
        principal: who asked.
        bucket: the source bucket.
        rule: that fired, in whatever mode.
        since: the earliest instant, aware.
        until: the first instant that is too late, aware.
    """

    verdict: Verdict | None = None
    outcome: str = ""
    principal: str = ""
    bucket: str = ""
    rule: str = ""
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING: Final = JournalFilter()


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A decision in a list: what there is to see at a glance, without its documents.

    Args:
        position: the cursor that stands on it.
        outcome: None as long as there is none.
        rules: what fired, by rule and mode, each once.
    """

    position: int
    decision_id: str
    timestamp: datetime
    principal: str
    action: str
    bucket: str
    inventory_id: str
    verdict: Verdict
    error: str
    outcome: Outcome | None
    rules: tuple[FoundRule, ...]


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A decision, whole.

    Args:
        position: of the decision.
        record: as it was recorded.
        outcome: None as long as there is none.
        writer: the process that recorded it.
        hash: of the decision, its position and the hash before it, in hexadecimal.
    """

    position: int
    record: DecisionRecord
    outcome: Outcome | None
    writer: str
    hash: str

    @property
    def verdict(self) -> Verdict:
        """What it said."""
        return verdict_of(self.record)


@dataclass(frozen=True, slots=True)
class JournalCounts:
    """How many decisions there are, for an overview.

    Args:
        hours: by the hour in which they fell (its beginning, UTC) and verdict; hours without any
            are not there.
        rules: by rule and mode, decisions in which it fired.
        principals: by principal and verdict, of those who asked most.
        open: without outcome.
    """

    hours: Mapping[tuple[datetime, Verdict], int]
    rules: Mapping[FoundRule, int]
    principals: Mapping[tuple[str, Verdict], int]
    open: int

    @property
    def verdicts(self) -> Mapping[Verdict, int]:
        """By verdict, each of them."""
        sums = dict.fromkeys(Verdict, 0)
        for (_, verdict), number in self.hours.items():
            sums[verdict] += number
        return sums


class AmbiguousIdError(LookupError):
    """More than one decision begins like that."""


class JournalReader(Protocol):
    """Looks into the journal; of what a writer has acknowledged, everything is seen at once."""

    async def page(
        self, wanted: JournalFilter = EVERYTHING, *, before: int | None = None, limit: int = 50
    ) -> Sequence[JournalRow]:
        """Decisions, newest first.

        Args:
            wanted: which.
            before: the position of the last row of the page before; None for the newest.
            limit: most rows. Fewer than that, and there are no more.

        Raises:
            JournalUnavailable: `journal_read`.
        """
        ...

    async def tail(
        self, wanted: JournalFilter = EVERYTHING, *, after: int, limit: int = 50
    ) -> Sequence[JournalRow]:
        """Decisions that were recorded behind a position, oldest first; nothing comes in late.

        Args:
            wanted: which.
            after: the last position that was seen; 0 for the oldest.
            limit: most rows.

        Raises:
            JournalUnavailable: `journal_read`.
        """
        ...

    async def get(self, decision_id: str) -> JournalEntry | None:
        """One decision, whole.

        Args:
            decision_id: the id, or as much of its beginning as no other has.

        Raises:
            AmbiguousIdError: several begin like that.
            JournalUnavailable: `journal_read`.
        """
        ...

    async def counts(self, since: datetime, until: datetime) -> JournalCounts:
        """How many decisions fell into a span of time, from `since` on and before `until`.

        Raises:
            JournalUnavailable: `journal_read`.
        """
        ...

    async def timings(self, *, limit: int = 500) -> Sequence[Mapping[str, int]]:
        """The metrics of the newest decisions and of their outcomes, newest first.

        Raises:
            JournalUnavailable: `journal_read`.
        """
        ...


def verdict_of(record: DecisionRecord) -> Verdict:
    """What a record says, in one word."""
    if record.error:
        return Verdict.ERROR
    if not record.allow:
        return Verdict.DENY
    return Verdict.WOULD_DENY if record.result.get("would_refuse") is True else Verdict.ALLOW


def rules_of(result: Mapping[str, object]) -> tuple[FoundRule, ...]:
    """The rules that a record's `result` names, sorted, each once for every mode."""
    found = set()
    for member, mode in _MODES.items():
        findings = result.get(member, ())
        for finding in findings if isinstance(findings, Sequence) else ():
            if isinstance(finding, Mapping) and "rule" in finding:
                found.add(FoundRule(str(finding["rule"]), mode))
    return tuple(sorted(found))
