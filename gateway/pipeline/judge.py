"""Ask policy and put the decision on record, durably, before anybody acts on it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from gateway.core.errors import DependencyUnavailable, JournalUnavailable, PolicyUnavailable
from gateway.core.policy.catalog import Finding
from gateway.core.policy.decision import Allow, Decision, Deny, Verdict, decide, interpret
from gateway.core.policy.input import PolicyInput
from gateway.core.policy.mutation import Mutation
from gateway.core.ports import (
    NO_METRICS,
    Clock,
    DecisionRecord,
    EventLog,
    Journal,
    Metrics,
    Outcome,
    PolicyAnswer,
    PolicyEngine,
    Stage,
    Stopwatch,
)

_NANOSECONDS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Original:
    """What the client wrote, where policy has changed it.

    Args:
        configuration: in boto3's shape.
        body_sha256: of the body as it came.
        mutations: that made of it what is judged now.
    """

    configuration: Mapping[str, object]
    body_sha256: str
    mutations: tuple[Mutation, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One question, with all that belongs into its record.

    Args:
        question: with all its facts.
        document: the canonical document that an allow would send; None for a DELETE.
        metrics: durations so far, in nanoseconds, by OPA's `timer_*_ns` convention.
        received: the client's own document, as it came; empty for a DELETE.
        original: what the client wrote, where it is not what is judged.
    """

    question: PolicyInput
    document: bytes | None
    metrics: Mapping[str, int]
    received: bytes = b""
    original: Original | None = None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What policy says of a case; it counts once it is on record.

    Args:
        case: that was judged.
        input: the document that policy saw.
        verdict: its answer, read.
        metrics: the case's, and those of the engine.
        provenance: which bundles answered.
    """

    case: Case
    input: Mapping[str, object]
    verdict: Verdict
    metrics: Mapping[str, int]
    provenance: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision that is on record.

    Args:
        decision: that may be acted on.
        record: as it was stored.
        journal_ns: what it took to make it durable; no record can hold that of its own.
    """

    decision: Decision
    record: DecisionRecord
    journal_ns: int


class Judge:
    """Turns questions into recorded decisions.

    Args:
        engine: answers.
        journal: keeps; what it cannot keep did not happen.
        log: gets a copy of each decision with its outcome.
        clock: the wall clock, aware.
        stopwatch: for the durations in the record.
        new_id: makes decision ids.
        metrics: count decisions, and what the journal takes.
    """

    def __init__(
        self,
        engine: PolicyEngine,
        journal: Journal,
        log: EventLog,
        clock: Clock,
        stopwatch: Stopwatch,
        new_id: Callable[[], str],
        metrics: Metrics = NO_METRICS,
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._log = log
        self._clock = clock
        self._stopwatch = stopwatch
        self._new_id = new_id
        self._counts = metrics

    async def ask(self, case: Case) -> Opinion:
        """Ask and interpret. Nothing is decided yet.

        Raises:
            PolicyUnavailable: recorded as a deny; also where policy proposes to patch once more
                what it has patched (its rules and its patches do not agree), or wants nothing
                patched any more.
            JournalUnavailable: not even that could be recorded.
        """
        started = self._stopwatch()
        document = case.question.document()
        try:
            answer = await self._engine.evaluate(document)
            verdict = interpret(answer.value, answer.catalog, document)
            _check_settled(case.original, verdict)
        except PolicyUnavailable as fault:
            await self.refuse(case, fault)
            raise
        return Opinion(
            case, document, verdict, self._metrics(case, answer, started), answer.provenance
        )

    async def rule(self, opinion: Opinion) -> Ruling:
        """Decide and record.

        Raises:
            JournalUnavailable: there is no decision.
        """
        original = opinion.case.original
        mutations = () if original is None else original.mutations
        decision = decide(opinion.verdict, self._new_id(), mutations)
        record = self._record(
            decision, opinion.case, opinion.input, opinion.metrics, opinion.provenance
        )
        return Ruling(decision, record, await self._store(record))

    async def refuse(self, case: Case, fault: DependencyUnavailable) -> None:
        """Record that there is no answer, or that the question could not even be asked.

        Raises:
            JournalUnavailable: the refusal could not be recorded; it is refused all the same.
        """
        decision = Deny(self._new_id(), self._engine.revision, fault=fault.reason)
        record = self._record(decision, case, case.question.document(), case.metrics)
        ruling = Ruling(decision, record, await self._store(record))
        await self.conclude(ruling, Outcome("refused"))

    async def conclude(self, ruling: Ruling, outcome: Outcome) -> None:
        """Add the outcome, and with it what the record itself took.

        It never raises: the effect is known to the caller already.
        """
        record = ruling.record
        metrics = {"timer_journal_ns": ruling.journal_ns, **outcome.metrics}
        outcome = replace(outcome, metrics=metrics)
        try:
            await self._journal.conclude(record.decision_id, outcome)
        except JournalUnavailable as fault:
            self._log.fault(
                "outcome not recorded", decision_id=record.decision_id, reason=fault.reason
            )
            self._counts.journal_error(fault.reason)
        self._counts.decision(record)
        self._log.decision(record, outcome)

    async def _store(self, record: DecisionRecord) -> int:
        """Make a record durable.

        Returns:
            What that took, in nanoseconds.

        Raises:
            JournalUnavailable: it is not.
        """
        started = self._stopwatch()
        try:
            await self._journal.record(record)
        except JournalUnavailable as fault:
            self._counts.journal_error(fault.reason)
            raise
        finally:
            took = self._stopwatch() - started
            self._counts.stage(Stage.JOURNAL, took)
        return round(took * _NANOSECONDS)

    def _record(
        self,
        decision: Decision,
        case: Case,
        document: Mapping[str, object],
        metrics: Mapping[str, int],
        provenance: Mapping[str, object] | None = None,
    ) -> DecisionRecord:
        question = case.question
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
            input=document,
            result=_result(decision, case.original, provenance or {}),
            document=case.document,
            document_sha256="" if case.document is None else sha256(case.document).hexdigest(),
            error=decision.fault if isinstance(decision, Deny) else "",
            metrics=metrics,
            received=case.received or None,
        )

    def _metrics(self, case: Case, answer: PolicyAnswer, started: float) -> dict[str, int]:
        """An engine cannot overwrite our own timers; a case that was judged twice took both."""
        before = case.metrics.get("timer_policy_ns", 0)
        return {
            **answer.metrics,
            **case.metrics,
            "timer_policy_ns": before + self._since(started),
        }

    def _since(self, started: float) -> int:
        return round((self._stopwatch() - started) * _NANOSECONDS)


def _check_settled(original: Original | None, verdict: Verdict) -> None:
    """A patch must mend what it was for: asked again, policy may not want to patch once more.

    Raises:
        PolicyUnavailable: it does, or by now it only observes, and would have patched nothing.
    """
    if original is not None and (verdict.mutations or verdict.observe):
        rules = ", ".join(mutation.rule for mutation in original.mutations)
        raise PolicyUnavailable("engine_mutation", detail=f"not settled after patches of {rules}")


def _result(
    decision: Decision, original: Original | None, provenance: Mapping[str, object]
) -> dict[str, object]:
    """The findings, and what policy changed, or would have changed, of what the client wrote."""

    def records(items: Iterable[Finding | Mutation]) -> list[dict[str, object]]:
        return [item.as_record() for item in items]

    allow, verdict = isinstance(decision, Allow), decision.verdict
    result: dict[str, object] = {"allow": allow}
    if verdict is not None:
        result |= {
            "would_refuse": allow and not verdict.allow,
            "violations": records(verdict.violations),
            "warnings": records(verdict.warnings),
            "dryrun": records(verdict.dryrun),
            "exempted": records(verdict.exempted),
            "provenance": dict(provenance),
        }
        if verdict.mutations:
            result["would_mutate"] = records(verdict.mutations)
    if original is not None:
        result["mutations"] = records(original.mutations)
        result["original"] = {
            "configuration": original.configuration,
            "body_sha256": original.body_sha256,
        }
    return result
