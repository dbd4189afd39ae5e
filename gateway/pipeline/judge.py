"""Ask policy and put the decision on record, durably, before anybody acts on it."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final

from gateway.core.errors import DependencyUnavailable, JournalUnavailable, PolicyUnavailable
from gateway.core.policy.catalog import Finding
from gateway.core.policy.decision import Allow, Decision, Deny, Verdict, decide, interpret
from gateway.core.policy.input import PolicyInput
from gateway.core.ports import (
    Clock,
    DecisionRecord,
    EventLog,
    Journal,
    Outcome,
    PolicyEngine,
    Stopwatch,
)

_NANOSECONDS: Final = 1_000_000_000


class Judge:
    """Turns questions into recorded decisions.

    Args:
        engine: answers.
        journal: keeps; what it cannot keep did not happen.
        log: gets a copy of each decision with its outcome.
        clock: the wall clock, aware.
        stopwatch: for the durations in the record.
        new_id: makes decision ids.
    """

    def __init__(
        self,
        engine: PolicyEngine,
        journal: Journal,
        log: EventLog,
        clock: Clock,
        stopwatch: Stopwatch,
        new_id: Callable[[], str],
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._log = log
        self._clock = clock
        self._stopwatch = stopwatch
        self._new_id = new_id

    async def decide(
        self, question: PolicyInput, document: bytes | None, metrics: Mapping[str, int]
    ) -> tuple[Decision, DecisionRecord]:
        """Ask, interpret, record.

        Args:
            question: with all its facts.
            document: the canonical document that an allow would send; None for a DELETE.
            metrics: durations so far, in nanoseconds, by OPA's `timer_*_ns` convention.

        Raises:
            PolicyUnavailable: recorded as a deny.
            JournalUnavailable: there is no decision.
        """
        started = self._stopwatch()
        decision_id = self._new_id()
        try:
            answer = await self._engine.evaluate(question.document())
            verdict = interpret(answer.value, answer.catalog, question)
        except PolicyUnavailable as fault:
            await self._refuse(decision_id, question, document, metrics, fault)
            raise
        timers = {**answer.metrics, **metrics, "timer_policy_ns": self._since(started)}
        decision = decide(verdict, decision_id)
        record = self._record(decision, question, document, timers, answer.provenance)
        await self._journal.record(record)
        return decision, record

    async def refuse(
        self,
        question: PolicyInput,
        document: bytes | None,
        metrics: Mapping[str, int],
        fault: DependencyUnavailable,
    ) -> None:
        """Record that a question could not even be asked: facts or credentials were missing.

        Raises:
            JournalUnavailable: the refusal could not be recorded; it is refused all the same.
        """
        await self._refuse(self._new_id(), question, document, metrics, fault)

    async def conclude(self, record: DecisionRecord, outcome: Outcome) -> None:
        """Add the outcome. It never raises: the effect is known to the caller already."""
        try:
            await self._journal.conclude(record.decision_id, outcome)
        except JournalUnavailable as fault:
            self._log.fault(
                "outcome not recorded", decision_id=record.decision_id, reason=fault.reason
            )
        self._log.decision(record, outcome)

    async def _refuse(
        self,
        decision_id: str,
        question: PolicyInput,
        document: bytes | None,
        metrics: Mapping[str, int],
        fault: DependencyUnavailable,
    ) -> None:
        decision = Deny(decision_id, self._engine.revision, fault=fault.reason)
        record = self._record(decision, question, document, metrics)
        await self._journal.record(record)
        await self.conclude(record, Outcome("refused"))

    def _record(
        self,
        decision: Decision,
        question: PolicyInput,
        document: bytes | None,
        metrics: Mapping[str, int],
        provenance: Mapping[str, object] | None = None,
    ) -> DecisionRecord:
        return DecisionRecord(
            decision_id=decision.decision_id,
            timestamp=self._clock(),
            request_id=question.request_id,
            principal=question.requester.name,
            action=question.action,
            bucket=question.source.bucket,
            inventory_id=question.inventory_id,
            allow=isinstance(decision, Allow),
            revision=decision.revision,
            input=question.document(),
            result=_result(decision.verdict, provenance or {}, allow=isinstance(decision, Allow)),
            document=document,
            document_sha256="" if document is None else sha256(document).hexdigest(),
            error=decision.fault if isinstance(decision, Deny) else "",
            metrics=metrics,
        )

    def _since(self, started: float) -> int:
        return round((self._stopwatch() - started) * _NANOSECONDS)


def _result(
    verdict: Verdict | None, provenance: Mapping[str, object], *, allow: bool
) -> dict[str, object]:
    def records(findings: tuple[Finding, ...]) -> list[dict[str, object]]:
        return [finding.as_record() for finding in findings]

    if verdict is None:
        return {"allow": allow}
    return {
        "allow": allow,
        "would_refuse": allow and not verdict.allow,
        "violations": records(verdict.violations),
        "warnings": records(verdict.warnings),
        "dryrun": records(verdict.dryrun),
        "exempted": records(verdict.exempted),
        "provenance": dict(provenance),
    }
