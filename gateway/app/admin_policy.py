"""Policy as the admin page shows it, and the page's playground. Nothing here has an effect."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from gateway.adapters.principals_file import PrincipalsFile
from gateway.admin.difference import difference
from gateway.admin.ports import Attempt, Parameter, PolicyInForce, RuleEntry, Trial
from gateway.admin.record import findings_of
from gateway.admin.wording import as_json
from gateway.app.correction import corrections
from gateway.app.evaluate import (
    AssumptionError,
    Assumptions,
    Evaluation,
    Evaluator,
    question_schema,
)
from gateway.app.policy import SettledPolicy
from gateway.app.submission import Submission, SubmissionError, read_submissions
from gateway.core.errors import DependencyUnavailable, GatewayError, PolicyUnavailable
from gateway.core.inventory.configuration import InventoryConfiguration, read_bucket_arn
from gateway.core.inventory.document import MAX_DOCUMENT_BYTES
from gateway.core.journal import Verdict as Word
from gateway.core.policy.catalog import Catalog
from gateway.core.policy.decision import Allow, Verdict, decide, interpret
from gateway.core.policy.input import BucketFact, is_account_id, subject_of
from gateway.core.policy.mode import mode_in_force
from gateway.core.ports import BucketFacts, Clock, PolicyEngine, Principal
from gateway.core.s3.address import is_bucket_name
from gateway.core.s3.operations import Group
from gateway.core.s3.region import is_region
from gateway.pipeline.authenticate import authorize_bucket, authorize_destination
from gateway.pipeline.optional_facts import OptionalFacts

_PASTED: Final = "what was pasted"


class _UnaskableError(ValueError):
    """There is no question to put; the text says why."""


class AdminPolicy:
    """The policy engine in force, asked what nobody has requested.

    Args:
        engine: in force.
        facts: of buckets.
        optional_facts: those that the settings name.
        principals: who is known.
        clock: the wall clock, aware.
    """

    def __init__(
        self,
        engine: PolicyEngine,
        facts: BucketFacts,
        optional_facts: OptionalFacts,
        principals: PrincipalsFile,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._facts = facts
        self._optional_facts = optional_facts
        self._principals = principals
        self._clock = clock

    def in_force(self) -> PolicyInForce:
        """Everything there is to show."""
        engine = self._engine
        if isinstance(engine, SettledPolicy):
            return _settled(engine)
        # That of an OPA server, whose module takes half a second to import.
        catalog = getattr(engine, "catalog", None)
        rules = catalog.rules if isinstance(catalog, Catalog) else {}
        return PolicyInForce(
            engine=engine.name,
            revision=engine.revision,
            settings_revision="",
            observes=False,
            problem="",
            rules=tuple(
                RuleEntry(
                    id=rule.id,
                    title=rule.title,
                    severity=rule.severity.name.lower(),
                    topic=rule.topic,
                    mode="",
                    why="",
                    message=rule.message,
                    remedy=rule.remedy,
                )
                for _, rule in sorted(rules.items())
            ),
            exemptions=(),
        )

    def principals(self) -> Sequence[str]:
        """The names that may be tried."""
        return tuple(principal.name for principal in self._principals.principals)

    async def attempt(self, attempt: Attempt) -> Trial:
        """Judge a document that nobody has sent; nothing is forwarded or recorded."""
        try:
            submission, configuration = _read(attempt.document)
            assumptions = await self._assume(attempt, submission, configuration)
            found = await self._evaluator.evaluate(submission, assumptions)
            corrected = await self._correct(found, configuration, assumptions)
        except (AssumptionError, SubmissionError, _UnaskableError) as fault:
            return Trial(None, str(fault).removeprefix(f"{_PASTED}: "))
        except DependencyUnavailable as fault:
            return Trial(Word.ERROR, fault.reason)
        except GatewayError as fault:
            return Trial(None, fault.message)
        word, outcome = _word(found.outcome), found.outcome
        result = _result(outcome)
        applied = tuple(mutation.member for mutation in found.applied)
        judged = findings_of(result, found.document)
        if corrected is None:
            return Trial(word, "", judged, outcome.revision, applied=applied)
        text, verdict = corrected
        return Trial(
            word,
            "",
            judged,
            outcome.revision,
            corrected=text,
            changes=difference(attempt.document.strip(), text),
            applied=applied,
            still=tuple(dict.fromkeys(finding.rule for finding in verdict.violations)),
        )

    async def replay(self, question: Mapping[str, object]) -> Trial:
        """Ask a recorded question again; nothing is recorded."""
        try:
            answer = await self._engine.evaluate(question)
            verdict = interpret(answer.value, answer.catalog, question)
        except PolicyUnavailable as fault:
            return Trial(Word.ERROR, fault.reason)
        findings = findings_of(_result(verdict), question)
        applied = tuple(mutation.member for mutation in verdict.mutations if verdict.mutates)
        return Trial(_word(verdict), "", findings, verdict.revision, applied=applied)

    @cached_property
    def _evaluator(self) -> Evaluator:
        return Evaluator(self._engine, question_schema())

    async def _assume(
        self, attempt: Attempt, submission: Submission, configuration: InventoryConfiguration
    ) -> Assumptions:
        """What the gateway would know of such a request.

        Raises:
            AccessDenied: the principal may not ask for that at all.
            FactsUnavailable, CredentialsUnavailable: nobody knows the buckets.
            _UnaskableError: a bucket or a Region cannot be one.
        """
        principal = self._principal(attempt.principal)
        source = attempt.bucket or submission.bucket
        if not is_bucket_name(source):
            raise _UnaskableError("The source bucket is none that S3 could have.")
        authorize_bucket(principal, source)
        wanted = configuration.destination
        destination = read_bucket_arn(wanted.bucket_arn).bucket
        authorize_destination(principal, destination)
        if not attempt.look_up:
            for region in filter(None, (attempt.source_region, attempt.destination_region)):
                if not is_region(region):
                    raise _UnaskableError(f"{region!r} is no Region.")
            return Assumptions(
                time=self._clock(),
                bucket=source,
                principal=principal.name,
                source_region=attempt.source_region,
                destination_region=attempt.destination_region,
                owner_verified=attempt.owner_verified,
            )
        account = wanted.account_id
        owner = account if account is not None and is_account_id(account) else ""
        here, there = await asyncio.gather(
            self._facts.look_up(source, principal),
            self._facts.look_up(destination, principal, expected_owner=owner),
        )
        if not here.exists:
            raise _UnaskableError(f"S3 says that there is no bucket {source}.")
        return Assumptions(
            time=self._clock(),
            bucket=source,
            principal=principal.name,
            source_region=here.region,
            destination_region=there.region,
            owner_verified=there.owner_verified,
            facts=await self._look_further(here, there, configuration, principal),
        )

    async def _look_further(
        self,
        source: BucketFact,
        destination: BucketFact,
        configuration: InventoryConfiguration,
        principal: Principal,
    ) -> dict[str, Any]:
        """The optional facts, by section of the question; what is not known is not there.

        S3 is asked whether the destination's owner has the source, too: nothing else is a guess.
        """
        account = ""
        if self._optional_facts.need_source_account and destination.account:
            guesses = [destination.account]
            account = await self._optional_facts.find_owner(source.bucket, principal, guesses)
        subject = subject_of(
            replace(source, account=account), destination, configuration, configuration.id
        )
        facts: dict[str, Any] = {"source": {"account": account}, "destination": {}}
        for found in await self._optional_facts.look_up(subject, principal):
            for pointer, value in found.members.items():
                *parents, member = pointer.removeprefix("/").split("/")
                section = facts[parents[0]] if parents else facts
                section[member] = value
        return facts

    def _principal(self, name: str) -> Principal:
        for principal in self._principals.principals:
            if principal.name == name:
                if Group.INVENTORY not in principal.groups:
                    raise _UnaskableError(f"{name} may not use the operations on inventories.")
                return principal
        raise _UnaskableError("No principal of that name has an access key here.")

    async def _correct(
        self,
        found: Evaluation,
        configuration: InventoryConfiguration,
        assumptions: Assumptions,
    ) -> tuple[str, Verdict] | None:
        """A corrected text with its own verdict; None where there is nothing to correct.

        Raises:
            PolicyUnavailable: there is no answer about it.
        """
        changes = corrections(configuration, found.outcome.violations, found.proposed)
        text = found.submission.with_members(changes)
        if not changes or not text:
            return None
        corrected, _ = _read(text)
        again = await self._evaluator.evaluate(corrected, assumptions)
        return text.strip(), again.outcome


def _read(text: str) -> tuple[Submission, InventoryConfiguration]:
    """The one configuration that was pasted.

    Raises:
        SubmissionError, _UnaskableError: it is none, or several.
    """
    data = text.encode(errors="replace")
    if len(data) > MAX_DOCUMENT_BYTES:
        raise _UnaskableError(f"A configuration has at most {MAX_DOCUMENT_BYTES} bytes.")
    found = read_submissions(_PASTED, data)
    if len(found) != 1:
        raise _UnaskableError(f"Paste one configuration; there are {len(found)} here.")
    configuration = found[0].configuration
    if configuration is None:
        raise _UnaskableError("Paste a configuration; this is a removal.")
    return found[0], configuration


def _word(verdict: Verdict) -> Word:
    if not isinstance(decide(verdict, ""), Allow):
        return Word.DENY
    return Word.ALLOW if verdict.allow else Word.WOULD_DENY


def _result(verdict: Verdict) -> dict[str, object]:
    """The findings, as a record has them."""
    kinds = {
        "violations": verdict.violations,
        "warnings": verdict.warnings,
        "dryrun": verdict.dryrun,
        "exempted": verdict.exempted,
    }
    return {name: [finding.as_record() for finding in found] for name, found in kinds.items()}


def _settled(engine: SettledPolicy) -> PolicyInForce:
    org = engine.org
    given = org.get("inventory", {}).get("rules", {})
    return PolicyInForce(
        engine=engine.name,
        revision=engine.revision,
        settings_revision=engine.settings_revision,
        observes=org.get("enforcement") == "observe",
        problem=engine.problem,
        rules=tuple(
            _rule(rule_id, entry, given.get(rule_id, {}), mode_in_force(rule_id, entry, org))
            for rule_id, entry in sorted(engine.entries.items())
        ),
        exemptions=tuple(engine.all_exemptions),
    )


def _rule(rule_id: str, entry: Mapping[str, Any], given: Mapping[str, Any], mode: str) -> RuleEntry:
    return RuleEntry(
        id=rule_id,
        title=entry["title"],
        severity=entry["severity"],
        topic=entry["topic"],
        mode=mode,
        why=entry.get("why", ""),
        message=entry["message"],
        remedy=entry["remedy"],
        parameters=tuple(
            Parameter(
                name,
                parameter["description"],
                as_json(parameter["default"], indent=None) if "default" in parameter else "",
                as_json(given[name], indent=None) if name in given else "",
            )
            for name, parameter in entry.get("parameters", {}).items()
        ),
    )
