"""Judging offline: the question that the gateway would put, the answer that it would give."""

import asyncio
import functools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters import opa_wasm
from gateway.adapters.opa_wasm import PolicyBundle, WasmPolicyEngine
from gateway.app.evaluate import (
    AssumptionError,
    Assumptions,
    Evaluation,
    Evaluator,
    question_schema,
)
from gateway.app.submission import Submission, read_submissions
from gateway.core.policy.catalog import Severity
from gateway.core.policy.instant import nanoseconds
from tests.core.inventory.test_shape import SHAPE, reports
from tests.support.terraform import change, plan

NOW = datetime(2026, 11, 21, tzinfo=UTC)
KEY = "arn:aws:kms:eu-central-1:444455556666:key/1111aaaa"
UNENCRYPTED = reports(Encryption={})
del UNENCRYPTED["Destination"]["S3BucketDestination"]["Encryption"]
#: What makes the shape a thing about which no rule has anything to say.
SOUND = Assumptions(NOW, "acme-orders", "team", "eu-central-1", "eu-central-1", owner_verified=True)
RULES: dict[str, Any] = {"INV001": {"default_key": KEY, "mutate": True}}

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def engines() -> Iterator[dict[str, WasmPolicyEngine]]:
    """Engines by their settings; the module is compiled once, which takes a second."""
    made: dict[str, WasmPolicyEngine] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opa_wasm, "_compiled", functools.cache(opa_wasm._compiled))
        yield made
    for engine in made.values():
        asyncio.run(engine.close())


@pytest.fixture
def ask(engines: dict[str, WasmPolicyEngine]) -> Ask:
    """Judge one file under settings."""

    async def judge(
        value: Any,
        assumptions: Assumptions = SOUND,
        *,
        applies: frozenset[str] | None = None,
        **org: Any,
    ) -> Evaluation:
        key = json.dumps(org)
        if key not in engines:
            engines[key] = WasmPolicyEngine(
                PolicyBundle.shipped(), org={"revision": "r", **org}, threads=1, timeout=5
            )
        evaluator = Evaluator(engines[key], question_schema(), applies)
        return await evaluator.evaluate(submission(value), assumptions)

    return judge


def submission(value: Any) -> Submission:
    """Return the last thing that a file asks for."""
    return read_submissions("f.json", json.dumps(value).encode())[-1]


def assuming(**changes: Any) -> Assumptions:
    """Return assumptions, none of them made but those that are given."""
    return Assumptions(**{"time": NOW, "bucket": "acme-orders", **changes})


def violations(evaluation: Evaluation) -> list[str]:
    """Return which rules refuse."""
    return sorted({finding.rule for finding in evaluation.outcome.violations})


async def test_what_breaks_no_rule_is_allowed(ask: Ask):
    """With everything assumed that the gateway would find."""
    found = await ask(SHAPE)
    assert (found.word, found.refused, [*found.findings()]) == ("allow", False, [])
    assert (found.bucket, found.diff, found.mended) == ("acme-orders", "", None)
    assert found.document["environment"]["time_ns"] == nanoseconds(NOW)
    assert found.document["principal"]["name"] == "team"


async def test_what_nobody_knows_gets_the_gateways_answer(ask: Ask):
    """Unknown Regions and an owner whom nobody confirmed refuse, and are told."""
    found = await ask(SHAPE, assuming())
    assert violations(found) == ["INV012", "INV015", "INV016"]
    assert found.unknown("INV012") == ("/destination/owner_verified",)
    assert found.unknown("INV015") == ("/source/region", "/destination/region")
    assert (await ask(SHAPE)).unknown("INV015") == ()


@pytest.mark.parametrize(
    "facts",
    [
        {
            "buckets": {
                "acme-orders": {"region": "eu-central-1"},
                "acme-inventory": {"region": "eu-central-1", "account": "444455556666"},
            }
        },
        {
            "source": {"region": "eu-central-1"},
            "destination": {"region": "eu-central-1", "owner_verified": True},
        },
    ],
    ids=["by-name", "by-section"],
)
async def test_facts_come_from_a_file(ask: Ask, facts: dict[str, Any]):
    """By the names of buckets, or for whatever bucket it is."""
    assert (await ask(SHAPE, assuming(facts=facts))).word == "allow"


async def test_an_account_that_owns_the_bucket_is_told_from_another(ask: Ask):
    """Who says which account owns the destination has answered what the gateway asks S3."""
    buckets = {"acme-inventory": {"region": "eu-central-1", "account": "111122223333"}}
    facts = {"buckets": buckets, "source": {"region": "eu-central-1"}}
    assert violations(await ask(SHAPE, assuming(facts=facts))) == ["INV012"]


async def test_an_option_outdoes_the_file(ask: Ask):
    """Whoever types it means it."""
    facts = {"source": {"region": "us-east-1"}, "destination": {"region": "us-east-1"}}
    found = await ask(
        SHAPE, assuming(facts=facts, source_region="eu-central-1", owner_verified=True)
    )
    assert violations(found) == ["INV015"]
    assert found.document["source"]["region"] == "eu-central-1"


async def test_further_facts_reach_the_rules(ask: Ask):
    """Tags, what S3 holds already, and more about who asks."""
    facts = {
        "source": {"tags": {"classification": "secret"}, "object_count": 3},
        "previous_configuration": None,
        "principal": {"groups": ["inventory"]},
        "request": {"user_agent": "Terraform"},
    }
    rules = {"INV002": {"tags": {"classification": ["secret"]}}}
    found = await ask(
        SHAPE,
        Assumptions(NOW, "b", "t", "r-1", "r-1", owner_verified=True, facts=facts),
        inventory={"rules": rules},
    )
    assert violations(found) == ["INV002"]
    assert found.document["previous_configuration"] is None
    assert found.document["principal"]["groups"] == ["inventory"]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"surce": {}}, "'surce' is none of buckets, source"),
        ({"configuration": {}}, "'configuration' is none of"),
        ({"source": []}, "source must hold members"),
        ({"buckets": []}, "buckets must hold members"),
        ({"buckets": {"acme-orders": 7}}, "buckets must hold members"),
        ({"source": {"tags": {"a": 1}}}, "/source/tags/a: 1 is not of type 'string'"),
        ({"source": {"tag": {}}}, "/source: Additional properties"),
        ({"previous_configuration": 7}, "/previous_configuration: "),
    ],
    ids=str,
)
async def test_facts_that_no_gateway_could_have_are_refused(ask: Ask, facts: Any, words: str):
    """A typo in a fact would be a question about something else."""
    with pytest.raises(AssumptionError) as refused:
        await ask(SHAPE, assuming(facts=facts))
    assert words in str(refused.value)


async def test_a_source_that_nobody_names_is_missed(ask: Ask):
    """The document of S3 does not hold it."""
    with pytest.raises(AssumptionError, match="use --bucket"):
        await ask(SHAPE, Assumptions(NOW))


async def test_a_plan_brings_bucket_and_region(ask: Ask):
    """And its removals are judged as removals."""
    assumptions = Assumptions(NOW, destination_region="eu-central-1", owner_verified=True)
    assert (await ask(plan(change(["update"])), assumptions)).word == "allow"
    rules = {"INV050": {"owners": {"daily": ["platform"]}}}
    found = await ask(plan(change(["delete"])), assumptions, inventory={"rules": rules})
    assert found.document["action"] == "s3:DeleteInventoryConfiguration"
    assert violations(found) == ["INV050"]


async def test_a_patch_that_the_gateway_applies_is_judged_with_it(ask: Ask):
    """What would reach S3 counts, and the patch is there to be taken over."""
    found = await ask(UNENCRYPTED, inventory={"rules": RULES})
    assert (found.word, found.verdict.allow) == ("allow", False)
    assert [patch.rule for patch in found.applied] == ["INV001"]
    assert found.mended is not None
    assert found.mended.allow
    assert KEY in found.diff


async def test_a_patch_that_nobody_has_switched_on_is_only_proposed(ask: Ask):
    """The gateway would refuse; the diff says what would mend it."""
    found = await ask(UNENCRYPTED, applies=frozenset(), inventory={"rules": RULES})
    assert (found.word, found.applied) == ("deny", ())
    assert [patch.rule for patch in found.proposed] == ["INV001"]
    assert found.mended is not None
    assert found.mended.allow
    assert KEY in found.diff


async def test_observing_gateways_refuse_and_patch_nothing(ask: Ask):
    """What would be refused is told all the same."""
    found = await ask(UNENCRYPTED, enforcement="observe", inventory={"rules": RULES})
    assert (found.word, found.refused, found.applied) == ("would deny", False, ())
    assert violations(found) == ["INV001"]


async def test_exemptions_hold_offline(ask: Ask):
    """At the time of the request: until they end."""
    exemption = {
        "id": "EX-1",
        "rules": ["INV001"],
        "buckets": ["acme-*"],
        "principals": ["team"],
        "configuration_ids": ["*"],
        "reason": "r",
        "ticket": "T",
        "approved_by": "a",
        "expires_ns": nanoseconds(datetime(2027, 1, 1, tzinfo=UTC)),
    }
    found = await ask(UNENCRYPTED, exemptions=[exemption])
    assert [(kind, item.rule) for kind, item in found.findings()] == [("exempted", "INV001")]
    later = Assumptions(
        datetime(2027, 1, 1, tzinfo=UTC), "acme-orders", "team", "r", "r", owner_verified=True
    )
    assert violations(await ask(UNENCRYPTED, later, exemptions=[exemption])) == ["INV001"]


@pytest.mark.parametrize(
    ("mode", "enforcement", "threshold", "expected"),
    [
        ("deny", "enforce", None, True),
        ("deny", "enforce", Severity.CRITICAL, True),
        ("warn", "enforce", None, False),
        ("warn", "enforce", Severity.HIGH, True),
        ("warn", "enforce", Severity.CRITICAL, False),
        ("dryrun", "enforce", Severity.LOW, False),
        ("deny", "observe", None, False),
        ("deny", "observe", Severity.HIGH, True),
    ],
)
async def test_a_pipeline_stops_for_refusals_and_from_a_threshold_on(
    ask: Ask, mode: str, enforcement: str, threshold: Severity | None, expected: bool
):
    """INV001 is of severity high."""
    rules = {"INV001": {"mode": mode}}
    found = await ask(UNENCRYPTED, enforcement=enforcement, inventory={"rules": rules})
    assert found.fails(threshold) is expected


def test_the_schema_of_the_question_ships_as_it_is_published():
    """Whoever has no sources checks facts by the same schema."""
    root = Path(__file__).resolve().parents[2]
    assert question_schema() == json.loads((root / "policies/schemas/input.json").read_text())
