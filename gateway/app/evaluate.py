"""Judge a document offline: the gateway's own reading, question and verdict, and no effect.

Nothing is looked up, forwarded or journalled. What the gateway would look up is assumed, or not
known; a fact that is not known gets the answer that the gateway would give.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib import resources
from typing import Any, Final

import orjson

from gateway.app.submission import Submission
from gateway.core.inventory.configuration import InventoryConfiguration, read_bucket_arn
from gateway.core.policy.catalog import Catalog, Finding, Severity
from gateway.core.policy.decision import Allow, Verdict, decide, interpret
from gateway.core.policy.input import (
    DELETE_ACTION,
    PUT_ACTION,
    BucketFact,
    Environment,
    PolicyInput,
    Requester,
    check_expected_owner,
    is_account_id,
)
from gateway.core.policy.instant import nanoseconds
from gateway.core.policy.mutation import Mutation, apply_mutations
from gateway.core.ports import PolicyEngine

#: What a file of facts may hold: sections of the question, and buckets by their names.
SECTIONS: Final = ("buckets", "source", "destination", "request", "principal")
_PREVIOUS: Final = "previous_configuration"
#: These are false as long as nobody has looked.
_UNSEEN: Final = frozenset({"/source/known", "/destination/known", "/destination/owner_verified"})


class AssumptionError(ValueError):
    """The question cannot be put; the text says what is missing or wrong."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the gateway would know, or look up.

    Args:
        time: of the request; exemptions and freezes go by it.
        bucket: the source, where the file does not say.
        principal: who asks.
        source_region: of the source.
        destination_region: of the destination.
        owner_verified: whether AccountId really owns the destination.
        facts: further ones: members of the question by section, and `buckets` by their names.
    """

    time: datetime
    bucket: str = ""
    principal: str = "nobody"
    source_region: str = ""
    destination_region: str = ""
    owner_verified: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a gateway would do, and why.

    Args:
        submission: that was judged.
        document: the question to policy.
        catalog: of the rules that were asked.
        verdict: on the submission as it is.
        applied: patches that the gateway applies by itself.
        outcome: the verdict on what the gateway would send: with those patches.
        proposed: all patches that policy knows of, those that nobody has switched on, too.
        mended: the verdict with all of them; None where there are none.
    """

    submission: Submission
    document: Mapping[str, Any]
    catalog: Catalog
    verdict: Verdict
    applied: tuple[Mutation, ...]
    outcome: Verdict
    proposed: tuple[Mutation, ...] = ()
    mended: Verdict | None = None

    @property
    def refused(self) -> bool:
        """Whether the gateway would answer AccessDenied."""
        return not isinstance(decide(self.outcome, ""), Allow)

    @property
    def word(self) -> str:
        """The verdict in a word or two."""
        if self.refused:
            return "deny"
        return "allow" if self.outcome.allow else "would deny"

    @property
    def bucket(self) -> str:
        """The source."""
        name: str = self.document["source"]["bucket"]
        return name

    @property
    def diff(self) -> str:
        """All patches, as a unified diff of the file."""
        return self.submission.diff(self.proposed)

    def findings(self) -> Iterator[tuple[str, Finding]]:
        """Every finding with its kind: what refuses first, what is let pass last."""
        outcome = self.outcome
        for kind, findings in (
            ("violation", outcome.violations),
            ("warning", outcome.warnings),
            ("dryrun", outcome.dryrun),
            ("exempted", outcome.exempted),
        ):
            for finding in findings:
                yield kind, finding

    def unknown(self, rule: str) -> tuple[str, ...]:
        """Facts that a rule goes by and that nobody has given, as pointers into the question."""
        facts = self.catalog.rules[rule].facts
        return tuple(fact for fact in facts if _is_unknown(self.document, fact))

    def fails(self, threshold: Severity | None) -> bool:
        """Whether a pipeline should stop: refused, or something open is as bad as the threshold."""
        if self.refused:
            return True
        open_findings = (*self.outcome.violations, *self.outcome.warnings)
        return threshold is not None and any(it.severity >= threshold for it in open_findings)


class Evaluator:
    """Puts submissions to an engine.

    Args:
        engine: to be asked.
        schema: of the question (`policies/schemas/input.json`).
        applies: the rules whose patches the gateway applies by itself; None: all that propose any.
    """

    def __init__(
        self,
        engine: PolicyEngine,
        schema: Mapping[str, Any],
        applies: frozenset[str] | None = None,
    ) -> None:
        # 3 MiB that a gateway whose playground nobody visits should not pay for.
        from jsonschema import Draft202012Validator  # noqa: PLC0415

        self._engine = engine
        self._validator = Draft202012Validator(schema)
        self._applies = applies

    async def evaluate(self, submission: Submission, assumptions: Assumptions) -> Evaluation:
        """Judge one submission.

        Raises:
            AssumptionError: the source bucket is not known, or a fact does not fit.
            PolicyUnavailable: the engine gave no answer that counts.
        """
        document = self._question(submission, submission.configuration, assumptions)
        verdict, catalog = await self._ask(document)
        proposed = verdict.mutations
        applied = () if verdict.observe else self._own(proposed)
        outcome = await self._patched(submission, assumptions, applied) or verdict
        mended = outcome
        if proposed != applied:
            mended = await self._patched(submission, assumptions, proposed) or verdict
        return Evaluation(
            submission,
            document,
            catalog,
            verdict,
            applied,
            outcome,
            proposed,
            mended if proposed else None,
        )

    def _own(self, proposed: tuple[Mutation, ...]) -> tuple[Mutation, ...]:
        if self._applies is None:
            return proposed
        return tuple(mutation for mutation in proposed if mutation.rule in self._applies)

    async def _patched(
        self, submission: Submission, assumptions: Assumptions, mutations: tuple[Mutation, ...]
    ) -> Verdict | None:
        if not mutations or submission.configuration is None:
            return None
        configuration = apply_mutations(submission.configuration, mutations)
        verdict, _ = await self._ask(self._question(submission, configuration, assumptions))
        return verdict

    async def _ask(self, document: Mapping[str, Any]) -> tuple[Verdict, Catalog]:
        answer = await self._engine.evaluate(document)
        return interpret(answer.value, answer.catalog, document), answer.catalog

    def _question(
        self,
        submission: Submission,
        configuration: InventoryConfiguration | None,
        assumptions: Assumptions,
    ) -> dict[str, Any]:
        """The document of the question.

        Raises:
            AssumptionError: it is not one that the gateway could put.
        """
        facts = assumptions.facts
        _check_sections(facts)
        source = assumptions.bucket or submission.bucket
        if not source:
            raise AssumptionError("the source bucket is not said; use --bucket")
        told = _told(facts, "source", source)
        region = assumptions.source_region or told.get("region", "") or submission.region
        question = PolicyInput(
            action=DELETE_ACTION if configuration is None else PUT_ACTION,
            request_id="EVALUATION",
            api=f"{'Delete' if configuration is None else 'Put'}BucketInventoryConfiguration",
            method="DELETE" if configuration is None else "PUT",
            region=region,
            source_ip="",
            user_agent="",
            expected_bucket_owner=check_expected_owner(submission.expected_owner or None),
            requester=Requester(assumptions.principal, "sigv4-header", "EVALUATION"),
            source=BucketFact(source, region, known=bool(region), account=told.get("account", "")),
            environment=Environment(nanoseconds(assumptions.time), "evaluation"),
            inventory_id=submission.inventory_id,
        )
        further: dict[str, Mapping[str, Any]] = {"source": _others(told)}
        if configuration is not None:
            destination, further["destination"] = _destination(configuration, assumptions)
            question = replace(question, configuration=configuration, destination=destination)
        document: dict[str, Any] = question.document()
        further |= {name: facts.get(name, {}) for name in ("request", "principal")}
        for name, members in further.items():
            document[name] = {**document[name], **members}
        if _PREVIOUS in facts:
            document[_PREVIOUS] = facts[_PREVIOUS]
        for error in self._validator.iter_errors(document):
            where = "/".join(str(part) for part in error.absolute_path)
            raise AssumptionError(f"the facts do not fit: /{where}: {error.message[:200]}")
        return document


def question_schema() -> Mapping[str, Any]:
    """The schema of the question, as it ships with the bundle."""
    raw = resources.files("gateway.bundle").joinpath("input.schema.json").read_bytes()
    schema: Mapping[str, Any] = orjson.loads(raw)
    return schema


def _destination(
    configuration: InventoryConfiguration, assumptions: Assumptions
) -> tuple[BucketFact, dict[str, Any]]:
    """What is known of the destination, and further facts of it.

    The gateway asks S3 whether AccountId owns the bucket; who says which account does has answered.
    """
    bucket = read_bucket_arn(configuration.destination.bucket_arn).bucket
    account = configuration.destination.account_id or ""
    told = _told(assumptions.facts, "destination", bucket)
    region = assumptions.destination_region or told.get("region", "")
    asked = account if is_account_id(account) else ""
    owned = assumptions.owner_verified or told.get("account") == asked
    fact = BucketFact(
        bucket,
        region,
        known=bool(region),
        owner_verified=bool(asked) and owned,
        account=asked,
    )
    return fact, _others(told)


def _told(facts: Mapping[str, Any], section: str, bucket: str) -> dict[str, Any]:
    return {**facts.get("buckets", {}).get(bucket, {}), **facts.get(section, {})}


def _others(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in {"region", "account"}}


def _check_sections(facts: Mapping[str, Any]) -> None:
    for name, section in facts.items():
        if name == _PREVIOUS:
            continue
        if name not in SECTIONS:
            known = ", ".join((*SECTIONS, _PREVIOUS))
            raise AssumptionError(f"the facts do not fit: {name!r} is none of {known}")
        inner = (
            section.values() if name == "buckets" and isinstance(section, Mapping) else [section]
        )
        if not all(isinstance(item, Mapping) for item in inner):
            raise AssumptionError(f"the facts do not fit: {name} must hold members")


def _is_unknown(document: Mapping[str, Any], pointer: str) -> bool:
    value: Any = document
    for name in pointer.split("/")[1:]:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value is None or value == "" or (pointer in _UNSEEN and value is False)
