"""Answers that are known for a while: the same for the same question, and for no other."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import PolicyUnavailable
from gateway.core.policy.fact import Fact, LookedUp
from gateway.core.policy.input import (
    DELETE_ACTION,
    BucketFact,
    Environment,
    PolicyInput,
    Requester,
)
from gateway.core.policy.version import PolicyVersion
from gateway.core.ports import CACHE_HIT as HIT
from gateway.core.ports import PolicyAnswer
from gateway.pipeline.decision_cache import CachedPolicyEngine, question_key
from gateway.pipeline.judge import Case
from tests.support.fake_policy_engine import FakePolicyEngine, answer
from tests.support.stage import Stage
from tests.support.strategies import json_values

FREEZE = {"windows": [{"starts_ns": 100, "ends_ns": 200}]}
VERSION = PolicyVersion.of("b", FREEZE, repeats=True)
QUESTION = PolicyInput(
    action=DELETE_ACTION,
    request_id="request-1",
    api="DeleteBucketInventoryConfiguration",
    method="DELETE",
    region="eu-central-1",
    source_ip="192.0.2.7",
    user_agent="test",
    expected_bucket_owner="",
    requester=Requester("ana", "sigv4-header", "AKID"),
    source=BucketFact("acme-orders", "eu-central-1", known=True),
    environment=Environment(time_ns=0, gateway="test"),
    inventory_id="daily",
)
#: What a repeated request has in common with the first, as everything else is left as it is.
SAME: Mapping[str, Mapping[str, Any]] = {
    "nothing": {},
    "id": {"request_id": "request-2"},
    "age": {"source": replace(QUESTION.source, age_seconds=99)},
    "time": {"environment": Environment(time_ns=99, gateway="test")},
}
OTHER: Mapping[str, Mapping[str, Any]] = {
    "action": {"action": "s3:PutInventoryConfiguration"},
    "id": {"inventory_id": "weekly"},
    "address": {"source_ip": "192.0.2.8"},
    "user-agent": {"user_agent": "other"},
    "expected-owner": {"expected_bucket_owner": "111122223333"},
    "name": {"requester": replace(QUESTION.requester, name="tom")},
    "key": {"requester": replace(QUESTION.requester, access_key_id="OTHER")},
    "bucket": {"source": replace(QUESTION.source, bucket="acme-other")},
    "region": {"source": replace(QUESTION.source, region="us-east-1")},
    "known": {"source": replace(QUESTION.source, known=False)},
    "owner": {"source": replace(QUESTION.source, account="111122223333")},
    "destination": {"destination": BucketFact("acme-inventory")},
    "fact": {"further": (LookedUp(Fact.CONFIGURATIONS, {"/previous_configuration": None}),)},
    "gateway": {"environment": Environment(time_ns=0, gateway="other")},
    "freeze-begins": {"environment": Environment(time_ns=100, gateway="test")},
    "freeze-is-over": {"environment": Environment(time_ns=200, gateway="test")},
}


class Policy(FakePolicyEngine):
    """A fake that has versions."""

    version: PolicyVersion = VERSION


class Watch:
    """A stopwatch that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The seconds."""
        return self.now


@pytest.fixture
def policy() -> Policy:
    """Answers, and remembers what it was asked."""
    return Policy([])


@pytest.fixture
def watch() -> Watch:
    """At its beginning."""
    return Watch()


@pytest.fixture
def cached(policy: Policy, watch: Watch) -> CachedPolicyEngine:
    """Knows an answer for a minute."""
    return CachedPolicyEngine(policy, watch, seconds=60.0)


async def ask(cached: CachedPolicyEngine, **changes: Any) -> PolicyAnswer:
    """The question, changed."""
    return await cached.evaluate(replace(QUESTION, **changes).document())


@pytest.mark.parametrize("changes", SAME.values(), ids=SAME)
async def test_the_same_question_is_asked_once(
    cached: CachedPolicyEngine, policy: Policy, changes: Mapping[str, Any]
) -> None:
    """The known answer says that it was known; the engine's timers of then are none of now."""
    policy.metrics = {"timer_rego_query_eval_ns": 5}
    first = await ask(cached)
    second = await ask(cached, **changes)
    assert (first.metrics, second.metrics) == (policy.metrics, {HIT: 1})
    assert replace(second, metrics={}) == replace(first, metrics={})
    assert len(policy.questions) == 1


@pytest.mark.parametrize("changes", OTHER.values(), ids=OTHER)
async def test_another_question_is_asked(
    cached: CachedPolicyEngine, policy: Policy, changes: Mapping[str, Any]
) -> None:
    """Whatever differs that a rule may read; and time, where an instant lies between."""
    await ask(cached)
    assert HIT not in (await ask(cached, **changes)).metrics
    assert len(policy.questions) == 2


async def test_a_known_answer_is_forgotten(
    cached: CachedPolicyEngine, policy: Policy, watch: Watch
) -> None:
    """At the end of its time, which hits do not make longer."""
    await ask(cached)
    watch.now = 59.9
    assert HIT in (await ask(cached)).metrics
    watch.now = 60.0
    assert HIT not in (await ask(cached)).metrics
    assert len(policy.questions) == 2


async def test_other_settings_know_nothing_of_the_old_ones(
    cached: CachedPolicyEngine, policy: Policy
) -> None:
    """A change is in force at once, even if the old version comes back."""
    await ask(cached)
    policy.version = PolicyVersion.of("b", FREEZE, repeats=True)
    assert HIT not in (await ask(cached)).metrics
    policy.version = VERSION
    assert HIT not in (await ask(cached)).metrics


async def test_an_answer_that_is_late_is_not_that_of_new_settings(
    cached: CachedPolicyEngine, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asked the old ones gets their answer; nobody else does."""
    evaluate, released = policy.evaluate, asyncio.Event()

    async def late(document: Mapping[str, object]) -> PolicyAnswer:
        found = await evaluate(document)
        await released.wait()
        return found

    monkeypatch.setattr(Policy, "evaluate", lambda _, document: late(document))
    first = asyncio.create_task(ask(cached))
    await asyncio.sleep(0)
    monkeypatch.undo()
    policy.version, policy.answer = PolicyVersion.of("b", FREEZE, repeats=True), answer("INV001")
    await ask(cached, inventory_id="other")
    released.set()
    assert (await first).value == answer()
    found = await ask(cached)
    assert (HIT in found.metrics, found.value) == (False, answer("INV001"))


async def test_without_the_promise_nothing_is_kept(
    cached: CachedPolicyEngine, policy: Policy
) -> None:
    """Rules of an organisation's own may read anything, the time among it."""
    policy.version = PolicyVersion.of("b", FREEZE)
    for _ in range(2):
        assert HIT not in (await ask(cached)).metrics


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(None, id="undefined"),
        pytest.param(answer(ready=False), id="not-ready"),
        pytest.param(answer("INV001", allow=True), id="contradiction"),
        pytest.param(answer(evaluated=[]), id="no-rule-ran"),
        pytest.param(PolicyUnavailable("engine_timeout"), id="fault"),
    ],
)
async def test_an_answer_that_does_not_count_is_not_kept(
    cached: CachedPolicyEngine, policy: Policy, raw: object
) -> None:
    """I15: a fault lasts no longer than it lasts."""
    policy.first = [raw]
    try:
        await ask(cached)
    except PolicyUnavailable:
        assert isinstance(raw, PolicyUnavailable)
    found = await ask(cached)
    assert HIT not in found.metrics
    assert found.value == answer()


@pytest.mark.parametrize("violations", [(), ("INV001",)], ids=["yes", "no"])
async def test_every_request_has_a_record_of_its_own(
    stage: Stage, policy: Policy, violations: tuple[str, ...]
) -> None:
    """I16: what is known is the answer; decision, id and durable record are new, and say so."""
    policy.answer = answer(*violations)
    stage.engine = CachedPolicyEngine(policy, lambda: 0.0, seconds=60.0)  # type: ignore[assignment]
    judge = stage.judge
    for request_id in ("request-1", "request-2"):
        case = Case(replace(QUESTION, request_id=request_id), None, {})
        await judge.rule(await judge.ask(case))
    first, second = stage.journal.records.values()
    assert (first.decision_id, second.decision_id) == ("decision-1", "decision-2")
    assert (first.request_id, second.request_id) == ("request-1", "request-2")
    assert (
        (first.result, first.allow)
        == (second.result, second.allow)
        == (
            first.result,
            not violations,
        )
    )
    assert (HIT in first.metrics, second.metrics[HIT]) == (False, 1)
    assert len(policy.questions) == 1


async def test_the_answer_that_was_used_longest_ago_makes_room(
    cached: CachedPolicyEngine, policy: Policy
) -> None:
    """A hundred and twenty-eight are kept."""
    for number in range(128):
        await ask(cached, inventory_id=str(number))
    await ask(cached, inventory_id="0")
    await ask(cached, inventory_id="128")
    assert len(policy.questions) == 129
    assert HIT in (await ask(cached, inventory_id="0")).metrics
    assert HIT not in (await ask(cached, inventory_id="1")).metrics


async def test_a_question_without_end_is_not_kept(cached: CachedPolicyEngine) -> None:
    """A thousand inventories of one bucket are not worth their room."""
    held = [{"Id": "x" * 17_000}]
    further = (LookedUp(Fact.CONFIGURATIONS, {"/source/inventories": held}),)
    for _ in range(2):
        found = await ask(cached, further=further)
        assert HIT not in found.metrics


def test_it_is_named_like_the_engine_behind_it(cached: CachedPolicyEngine) -> None:
    """Records name what decided."""
    assert (cached.name, cached.revision) == ("fake", "rev-1")


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({}, id="empty"),
        pytest.param({"environment": None}, id="no-environment"),
        pytest.param({"environment": {}}, id="no-time"),
        pytest.param({"environment": {"time_ns": True}}, id="time-is-true"),
        pytest.param({"environment": {"time_ns": 1.0}}, id="time-is-a-fraction"),
        pytest.param({"environment": {"time_ns": 1}, "x": object()}, id="no-json"),
        pytest.param({"environment": {"time_ns": 1}, "x": float("nan")}, id="not-a-number"),
    ],
)
def test_what_is_no_question_has_no_key(document: Mapping[str, object]) -> None:
    """The engine says what is wrong with it."""
    assert question_key(document, VERSION) is None


_documents = st.fixed_dictionaries(
    {"environment": st.fixed_dictionaries({"time_ns": st.sampled_from([0, 100])})},
    optional={
        "request": st.fixed_dictionaries({}, optional={"id": json_values, "x": json_values}),
        "source": json_values,
        "facts_age_seconds": json_values,
    },
)


@given(_documents, _documents)
def test_a_key_forgets_nothing_else(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two questions share it only where nothing differs but what no rule reads."""

    def rest(document: dict[str, Any]) -> str:
        kept = {**document}
        if "request" in kept:
            kept["request"] = {k: v for k, v in kept["request"].items() if k != "id"}
        if isinstance(kept.get("source"), dict):
            source = kept["source"].items()
            kept["source"] = {k: v for k, v in source if k != "facts_age_seconds"}
        return repr(_sorted(kept))

    keys = question_key(one, VERSION), question_key(other, VERSION)
    if None not in keys:
        assert (keys[0] == keys[1]) == (rest(one) == rest(other))


def _sorted(value: object) -> object:
    match value:
        case dict():
            return sorted((name, _sorted(item)) for name, item in value.items())
        case list():
            return [_sorted(item) for item in value]
        case _:
            return value
