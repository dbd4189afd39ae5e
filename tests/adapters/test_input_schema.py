"""No engine is asked a question that does not fit the published schema."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gateway.adapters.input_schema import CheckedPolicyEngine
from gateway.core.errors import PolicyUnavailable
from gateway.core.policy.input import (
    DELETE_ACTION,
    PUT_ACTION,
    BucketFact,
    Environment,
    PolicyInput,
    Requester,
)
from tests.adapters.test_opa_wasm import ABSENT, DELETE, PUT, changed
from tests.support.fake_policy_engine import FakePolicyEngine
from tests.support.strategies import configurations, json_values

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "policies/schemas/input.json").read_text())
ORACLE = Draft202012Validator(SCHEMA)


@pytest.fixture
def engine() -> FakePolicyEngine:
    """Answers whatever it is asked."""
    return FakePolicyEngine([])


@pytest.fixture
def checked(engine: FakePolicyEngine) -> CheckedPolicyEngine:
    """The same behind the schema that ships."""
    return CheckedPolicyEngine.shipped(engine)


def test_what_ships_is_what_is_published():
    """One schema, in two places."""
    shipped = (ROOT / "gateway/bundle/input.schema.json").read_bytes()
    assert shipped == (ROOT / "policies/schemas/input.json").read_bytes()


@pytest.mark.parametrize("document", [PUT, DELETE], ids=["put", "delete"])
async def test_what_fits_is_asked_as_it_is(checked, engine, document):
    """Nothing is filled in, nothing is left out."""
    before = copy.deepcopy(document)
    answer = await checked.evaluate(document)
    assert (answer.value, engine.questions, document) == (engine.answer, [before], before)
    assert (checked.name, checked.revision) == (engine.name, engine.revision)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        pytest.param("/schema", "inventory.input/2", id="schema"),
        pytest.param("/action", "s3:GetInventoryConfiguration", id="action"),
        pytest.param("/source", ABSENT, id="no-source"),
        pytest.param("/configuration", ABSENT, id="put-of-nothing"),
        pytest.param("/unknown", 1, id="unknown-section"),
        pytest.param("/request/unknown", 1, id="unknown-member"),
        pytest.param("/source/known", "true", id="known-is-text"),
        pytest.param("/source/region", None, id="region-is-null"),
        pytest.param("/source/account", "1234", id="no-account"),
        pytest.param("/source/facts_age_seconds", -1, id="age-below-nought"),
        pytest.param("/source/facts_age_seconds", 0.5, id="age-with-a-fraction"),
        pytest.param("/source/object_count", 2**31, id="beyond-31-bits"),
        pytest.param("/source/tags", {"a": 1}, id="tag-is-a-number"),
        pytest.param("/request/user_agent", "a\nb", id="control-character"),
        pytest.param("/request/user_agent", "x" * 8193, id="text-without-end"),
        pytest.param("/principal/name", "", id="nobody"),
        pytest.param("/environment/time_ns", True, id="time-is-true"),
        pytest.param("/configuration/Extra", {}, id="unknown-of-the-configuration"),
        pytest.param("/previous_configuration", {}, id="held-without-id"),
    ],
)
async def test_what_does_not_fit_is_not_asked(checked, engine, pointer, value):
    """I15: no answer, and a reason that names the place."""
    with pytest.raises(PolicyUnavailable) as caught:
        await checked.evaluate(changed(pointer, value))
    assert caught.value.reason == "input_schema"
    assert len(str(caught.value.detail)) <= 200
    assert engine.questions == []


def pointers(value: object, path: str = "") -> Iterator[str]:
    """Every place of a document."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield f"{path}/{name}"
            yield from pointers(item, f"{path}/{name}")


async def fits(checked: CheckedPolicyEngine, document: Any) -> bool:
    """Whether it was asked."""
    try:
        await checked.evaluate(document)
    except PolicyUnavailable as fault:
        assert fault.reason == "input_schema"  # noqa: PT017 - one of the two answers
        return False
    return True


@pytest.mark.parametrize("pointer", sorted(pointers(PUT)))
async def test_the_compiled_schema_is_the_published_one(checked, pointer):
    """Everywhere, whatever stands there: as jsonschema says, which knows the file's draft."""
    strange: tuple[object, ...] = (
        ABSENT,
        None,
        True,
        -1,
        1.5,
        2**63,
        "",
        "x\x7f",
        "x\n",
        "x\ny",
        "\x00",
        "x\u2028",
        [],
        ["x"],
        {},
        {"KeyId": "k"},
    )
    for value in strange:
        document = changed(pointer, value)
        assert await fits(checked, document) == ORACLE.is_valid(document), (pointer, value)


@settings(max_examples=100)
@given(place=st.sampled_from(sorted(pointers(PUT))), value=json_values)
async def test_the_compiled_schema_is_the_published_one_for_any_value(place: str, value: object):
    """Likewise, with what nobody thinks of."""
    document = changed(place, value)
    assert await fits(_CHECKED, document) == ORACLE.is_valid(document)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param({"type": "string", "not": {"pattern": "a|b"}}, id="one-or-the-other"),
        pytest.param({"type": "string", "not": {"pattern": "^a|b$"}}, id="bound"),
        pytest.param({"type": "string", "pattern": "^x", "not": {"pattern": "b"}}, id="both"),
        pytest.param({"type": "string", "not": {"pattern": "b"}, "pattern": "^x"}, id="turned"),
        pytest.param({"not": {"pattern": "b"}}, id="of-any-type"),
    ],
)
async def test_what_a_text_may_not_hold_is_forbidden_in_whatever_way_it_is_said(text, engine):
    """The compiled schema says it in other words; it must not say less."""
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"t": text}}
    checked, oracle = CheckedPolicyEngine(engine, schema), Draft202012Validator(schema)
    for value in ("", "a", "b", "ca", "cb", "cbd", "x", "xa", "xb", "x\nb", "c\nd", 7, None):
        assert await fits(checked, {"t": value}) == oracle.is_valid({"t": value}), value


_CHECKED = CheckedPolicyEngine.shipped(FakePolicyEngine([]))
_names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
_accounts = st.from_regex(r"\A([0-9]{12})?\Z")
_facts = st.builds(
    BucketFact,
    bucket=_names,
    region=st.sampled_from(["", "eu-central-1"]),
    known=st.booleans(),
    owner_verified=st.booleans(),
    account=_accounts,
    age_seconds=st.integers(0, 2**31 - 1),
)


@given(
    facts=st.tuples(_facts, _facts),
    configuration=configurations,
    user_agent=st.text(max_size=9000),
    names=st.tuples(_names, _names),
    owner=_accounts,
    time_ns=st.integers(0, 2**63 - 1),
    removes=st.booleans(),
)
async def test_what_the_gate_asks_fits(
    facts, configuration, user_agent, names, owner, time_ns, removes
):
    """The check is for what nobody thought of: no honest request is refused by it."""
    source, destination = facts
    question = PolicyInput(
        action=DELETE_ACTION if removes else PUT_ACTION,
        request_id=names[0],
        api="PutBucketInventoryConfiguration",
        method="DELETE" if removes else "PUT",
        region="eu-central-1",
        source_ip="192.0.2.7",
        user_agent=user_agent,
        expected_bucket_owner=owner,
        requester=Requester(names[1], "sigv4-header", "AKID"),
        source=source,
        environment=Environment(time_ns=time_ns, gateway="test"),
        inventory_id=configuration.id,
        configuration=None if removes else configuration,
        destination=None if removes else destination,
    )
    assert await fits(_CHECKED, question.document())
