"""What counts as a yes: an engine's raw answer, read strictly; the words of a denial."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import PolicyUnavailable
from gateway.core.inventory.configuration import Destination, InventoryConfiguration
from gateway.core.policy.catalog import Catalog, Finding, Severity
from gateway.core.policy.decision import (
    Allow,
    Deny,
    Verdict,
    decide,
    denial_message,
    interpret,
)
from gateway.core.policy.exemption import UsedExemption
from gateway.core.policy.input import PUT_ACTION, BucketFact, Environment, PolicyInput, Requester
from gateway.core.policy.mutation import Mutation
from tests.support.strategies import json_values

EXEMPTION = {"id": "EX-7", "ticket": "GOV-1", "expires_ns": 1}
KINDS = ("violations", "warnings", "dryrun", "exempted")


def _catalog(message: str = "{path} is {value}, not {allowed}.") -> Catalog:
    entry = {"title": "t", "topic": "t", "message": message, "remedy": "Set {path}."}
    return Catalog.from_data(
        {"INV001": {**entry, "severity": "high"}, "INV002": {**entry, "severity": "critical"}}
    )


def _question(
    prefix: str | None = None, destination: BucketFact | None = None, region: str = "us-east-1"
) -> PolicyInput:
    return PolicyInput(
        action=PUT_ACTION,
        request_id="r",
        api="PutBucketInventoryConfiguration",
        method="PUT",
        region="us-east-1",
        source_ip="192.0.2.1",
        user_agent="",
        expected_bucket_owner="",
        requester=Requester("alice", "sigv4-header", "AKID"),
        source=BucketFact("source", region),
        environment=Environment(0, "gateway-1"),
        inventory_id="inv-1",
        configuration=InventoryConfiguration(
            "inv-1",
            is_enabled=True,
            destination=Destination("arn:aws:s3:::reports", "CSV", prefix=prefix),
            included_object_versions="All",
            frequency="Daily",
            optional_fields=("Size", "ETag"),
        ),
        destination=destination,
    )


def _answer(**changes: object) -> dict[str, Any]:
    return {
        "schema": "inventory.decision/1",
        "allow": True,
        "ready": True,
        "policy_revision": "abc",
        "evaluated": ["INV001", "INV002"],
        **{kind: [] for kind in KINDS},
        **changes,
    }


def _found(rule: str = "INV001", path: str = "/Id", **more: object) -> dict[str, object]:
    return {"rule": rule, "path": path, **more}


def _reason(answer: object) -> str:
    with pytest.raises(PolicyUnavailable) as caught:
        interpret(answer, _catalog(), _question().document())
    return caught.value.reason


def test_answer_is_a_yes_when_everything_is_right():
    """All rules ran, none is open."""
    assert Verdict(allow=True, revision="abc") == interpret(
        _answer(), _catalog(), _question().document()
    )


def test_answer_is_a_yes_when_only_lesser_findings_are_there():
    """Warnings, dry runs and exemptions do not deny."""
    exempted = _found("INV002", exemption=EXEMPTION)
    answer = _answer(warnings=[_found()], dryrun=[_found()], exempted=[exempted])
    verdict = interpret(answer, _catalog(), _question().document())
    assert (True, 1, 1, "INV002") == (
        verdict.allow,
        len(verdict.warnings),
        len(verdict.dryrun),
        verdict.exempted[0].rule,
    )
    assert verdict.exempted[0].exemption == UsedExemption("EX-7", "GOV-1", 1)
    assert verdict.warnings[0].exemption is None


@pytest.mark.parametrize(
    "exemption",
    [
        pytest.param(None, id="none"),
        pytest.param("EX-7", id="a-text"),
        pytest.param({}, id="empty"),
        pytest.param({**EXEMPTION, "id": ""}, id="no-id"),
        pytest.param({**EXEMPTION, "id": 7}, id="id-mistyped"),
        pytest.param({**EXEMPTION, "ticket": None}, id="ticket-mistyped"),
        pytest.param({**EXEMPTION, "expires_ns": True}, id="expiry-mistyped"),
        pytest.param({**EXEMPTION, "expires_ns": "1"}, id="expiry-a-text"),
    ],
)
def test_answer_is_no_answer_when_something_is_exempted_by_nobody(exemption: object):
    """A finding that does not count must say who let it pass."""
    assert _reason(_answer(exempted=[_found(exemption=exemption)])) == "engine_answer"


@pytest.mark.parametrize(
    ("answer", "decided"),
    [
        pytest.param({}, Allow, id="yes"),
        pytest.param({"enforcement": "enforce"}, Allow, id="yes-enforced"),
        pytest.param({"enforcement": "observe"}, Allow, id="yes-observed"),
        pytest.param({"violations": 1}, Deny, id="no"),
        pytest.param({"violations": 1, "enforcement": "enforce"}, Deny, id="no-enforced"),
        pytest.param({"violations": 1, "enforcement": "observe"}, Allow, id="no-observed"),
    ],
)
def test_a_violation_refuses_unless_the_organisation_observes(
    answer: dict[str, Any], decided: type
):
    """What would have been refused is still told from what is allowed."""
    violated = "violations" in answer
    found = {"allow": not violated, "violations": [_found()] if violated else []}
    verdict = interpret(_answer(**{**answer, **found}), _catalog(), _question().document())
    decision = decide(verdict, "d-1")
    assert type(decision) is decided
    assert (decision.decision_id, decision.revision, decision.verdict) == ("d-1", "abc", verdict)
    if isinstance(decision, Allow):
        assert bool(decision.would_refuse) is violated


@pytest.mark.parametrize("word", ["Observe", "", None, True, ["observe"], "off"], ids=repr)
def test_answer_is_no_answer_when_its_enforcement_is_another_word(word: object):
    """It decides whether a no counts: nothing is guessed."""
    assert _reason(_answer(enforcement=word)) == "engine_answer"


def test_answer_is_a_no_with_words_when_a_violation_is_open():
    """Ids and pointers from the engine, words from the catalogue, worst first."""
    answer = _answer(
        allow=False, violations=[_found(allowed=["a", "b"]), _found("INV002", "/IsEnabled")]
    )
    verdict = interpret(answer, _catalog(), _question().document())
    expected = (
        Finding(
            "INV002",
            "/IsEnabled",
            Severity.CRITICAL,
            "/IsEnabled is True, not nothing.",
            "Set /IsEnabled.",
        ),
        Finding(
            "INV001", "/Id", Severity.HIGH, "/Id is 'inv-1', not a, b.", "Set /Id.", ("a", "b")
        ),
    )
    assert Verdict(allow=False, revision="abc", violations=expected) == verdict


ACCOUNT = "/Destination/S3BucketDestination/AccountId"
PATCH = Mutation("INV001", "add", ACCOUNT, "1" * 12)


def test_mutations_are_proposed_when_policy_patches():
    """Beside the violation that they would mend."""
    patch = {"rule": "INV001", "op": "add", "path": ACCOUNT, "value": "1" * 12}
    answer = _answer(allow=False, violations=[_found()], mutations=[patch])
    verdict = interpret(answer, _catalog(), _question().document())
    assert (False, (Mutation("INV001", "add", ACCOUNT, "1" * 12),)) == (
        verdict.allow,
        verdict.mutations,
    )


def test_mutations_are_none_when_the_answer_has_none():
    """An engine without patches says so, or says nothing."""
    for answer in (_answer(), _answer(mutations=[])):
        assert () == interpret(answer, _catalog(), _question().document()).mutations


def test_a_removal_cannot_be_patched():
    """There is nothing to patch: an answer that says otherwise is about something else."""
    patch = {"rule": "INV001", "op": "add", "path": ACCOUNT, "value": "1" * 12}
    document = _question().document()
    del document["configuration"]
    with pytest.raises(PolicyUnavailable) as caught:
        interpret(_answer(mutations=[patch]), _catalog(), document)
    assert caught.value.reason == "engine_answer"


@pytest.mark.parametrize(
    ("mutations", "observe", "mutates"),
    [
        pytest.param((), False, False, id="nothing-proposed"),
        pytest.param((), True, False, id="nothing-proposed-observed"),
        pytest.param((PATCH,), False, True, id="proposed"),
        pytest.param((PATCH,), True, False, id="proposed-observed"),
    ],
)
def test_whoever_observes_changes_nothing(
    mutations: tuple[Mutation, ...], observe: bool, mutates: bool
):
    """A patch is an effect; proposals are recorded all the same."""
    verdict = Verdict(allow=False, revision="abc", observe=observe, mutations=mutations)
    assert mutates == verdict.mutates


@pytest.mark.parametrize("allow", [True, False])
def test_a_decision_names_what_was_patched(allow: bool):
    """Whichever way it went."""
    verdict = Verdict(allow=allow, revision="abc")
    assert decide(verdict, "d-1", (PATCH,)).mutations == (PATCH,)
    assert decide(verdict, "d-1").mutations == ()


NO_FINDINGS: dict[str, object] = {
    "missing": None,
    "is-an-object": {},
    "holds-text": ["INV001"],
    "holds-null": [None],
    "rule-is-unknown": [_found("INV999")],
    "rule-is-a-number": [{"rule": 1, "path": "/Id"}],
    "path-is-missing": [{"rule": "INV001"}],
    "allowed-is-text": [_found(allowed="a")],
    "allowed-holds-numbers": [_found(allowed=[1])],
}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(None, "engine_answer", id="undefined"),
        pytest.param(True, "engine_answer", id="true"),
        pytest.param([], "engine_answer", id="list"),
        pytest.param("allow", "engine_answer", id="text"),
        pytest.param({}, "engine_answer", id="empty"),
        pytest.param({"allow": True}, "engine_answer", id="allow-alone"),
        pytest.param(_answer(schema="inventory.decision/2"), "engine_answer", id="schema"),
        pytest.param(_answer(schema=None), "engine_answer", id="no-schema"),
        pytest.param(_answer(allow="true"), "engine_answer", id="allow-is-text"),
        pytest.param(_answer(allow=1), "engine_answer", id="allow-is-one"),
        pytest.param(_answer(allow=None), "engine_answer", id="allow-is-undefined"),
        pytest.param(_answer(ready=1), "engine_answer", id="ready-is-one"),
        pytest.param(_answer(ready=None), "engine_answer", id="ready-is-undefined"),
        pytest.param(_answer(policy_revision=None), "engine_answer", id="no-revision"),
        pytest.param(_answer(evaluated=None), "engine_answer", id="no-evaluated"),
        pytest.param(_answer(evaluated="INV001"), "engine_answer", id="evaluated-is-text"),
        pytest.param(_answer(evaluated=[1, 2]), "engine_answer", id="evaluated-holds-numbers"),
        pytest.param(_answer(evaluated=[]), "engine_incomplete", id="nothing-ran"),
        pytest.param(_answer(evaluated=["INV001"]), "engine_incomplete", id="a-rule-did-not-run"),
        pytest.param(
            _answer(evaluated=["INV001", "INV002", "INV003"]), "engine_incomplete", id="extra-rule"
        ),
        *(
            pytest.param(_answer(**{kind: value}), "engine_answer", id=f"{kind}-{name}")
            for kind in KINDS
            for name, value in NO_FINDINGS.items()
        ),
        pytest.param(_answer(mutations=None), "engine_answer", id="mutations-are-null"),
        pytest.param(_answer(mutations=[{}]), "engine_answer", id="mutations-hold-no-patch"),
        pytest.param(_answer(ready=False), "engine_not_ready", id="not-ready"),
        pytest.param(_answer(ready=False, allow=False), "engine_not_ready", id="not-ready-no"),
        pytest.param(
            _answer(violations=[_found()]), "engine_contradiction", id="yes-beside-violations"
        ),
        pytest.param(_answer(allow=False), "engine_contradiction", id="no-without-violations"),
    ],
)
def test_answer_is_none_when_it_is_not_exactly_a_decision(answer: object, reason: str):
    """I15: deny, counted, recorded."""
    assert reason == _reason(answer)


_members = st.fixed_dictionaries(
    {},
    optional={
        "schema": st.just("inventory.decision/1") | json_values,
        "allow": st.booleans() | json_values,
        "ready": st.just(True) | json_values,  # noqa: FBT003
        "policy_revision": st.just("abc") | json_values,
        "evaluated": st.just(["INV001", "INV002"]) | json_values,
        "mutations": json_values,
        **{
            kind: st.lists(
                st.fixed_dictionaries(
                    {"rule": st.sampled_from(["INV001", "x"]) | json_values},
                    optional={"path": st.text("/Id~01é9", max_size=9), "allowed": json_values},
                ),
                max_size=2,
            )
            | json_values
            for kind in KINDS
        },
    },
)


@given(_members | json_values)
def test_nothing_but_policy_unavailable_is_raised_when_the_answer_is_arbitrary(answer: object):
    """And a yes has no violation beside it."""
    try:
        verdict = interpret(answer, _catalog(), _question().document())
    except PolicyUnavailable as fault:
        assert fault.reason.startswith("engine_")  # noqa: PT017 - most answers end here
        return
    assert verdict.allow == (not verdict.violations)


# --- the values that messages quote ---------------------------------------------------------------


def _quoted(path: str, question: PolicyInput | None = None, message: str = "{value}") -> str:
    answer = _answer(allow=False, violations=[_found(path=path)])
    verdict = interpret(answer, _catalog(message), (question or _question("a/b~c")).document())
    return verdict.violations[0].message


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/Id", "'inv-1'", id="text"),
        pytest.param("/IsEnabled", "True", id="boolean"),
        pytest.param("/Destination/S3BucketDestination/Prefix", "'a/b~c'", id="nested"),
        pytest.param("/OptionalFields/1", "'ETag'", id="list-item"),
        pytest.param("/OptionalFields", "['Size', 'ETag']", id="list"),
        pytest.param("/Schedule", "Frequency", id="object"),
        pytest.param("", "Destination, IsEnabled, Id, IncludedObjectVersions", id="document"),
        pytest.param("/Filter", "not set", id="absent"),
        pytest.param("/Filter/Prefix", "not set", id="absent-below"),
        pytest.param("/Id/x", "not set", id="below-text"),
        pytest.param("/OptionalFields/2", "not set", id="behind-the-list"),
        pytest.param("/OptionalFields/-", "not set", id="no-index"),
        pytest.param("/OptionalFields/" + "9" * 5000, "not set", id="huge-index"),
        pytest.param("/OptionalFields/²", "not set", id="not-an-index"),
        pytest.param("/a~1b~0c", "not set", id="escapes"),
    ],
)
def test_value_is_quoted_when_a_path_points_at_it(path: str, expected: str):
    """RFC 6901; what is not there is `not set`."""
    assert _quoted(path).startswith(expected)


def test_value_is_not_set_when_the_object_is_empty():
    """`SSES3` is an object with no members."""
    question = _question()
    assert "not set" == _quoted("/Missing/Deep", question)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        pytest.param("{path}{0}%s", "'{path}{0}%s'", id="template-syntax-is-text"),
        pytest.param("x" * 300, f"'{'x' * 100}'", id="cut"),
        pytest.param("a\u2028b", "'a\u2028b'", id="line-separator-is-no-control"),
        pytest.param("a\x85b\x1b[31m", "'a?b?[31m'", id="controls"),
        pytest.param("</Message>", "'</Message>'", id="xml-is-escaped-later"),
    ],
)
def test_value_is_bounded_and_plain_when_it_is_hostile(prefix: str, expected: str):
    """The sender's text is quoted, never interpreted."""
    quoted = _quoted("/Destination/S3BucketDestination/Prefix", _question(prefix))
    assert expected == quoted


@pytest.mark.parametrize(
    ("destination", "region", "expected"),
    [
        (None, "", "source in an unknown Region,  in an unknown Region"),
        (
            BucketFact("reports", "eu-west-1"),
            "us-east-1",
            "source in us-east-1, reports in eu-west-1",
        ),
        (BucketFact("reports"), "us-east-1", "source in us-east-1, reports in an unknown Region"),
    ],
)
def test_facts_are_named_when_a_message_asks_for_them(
    destination: BucketFact | None, region: str, expected: str
):
    """What could not be learned is said to be unknown."""
    message = "{source_bucket} in {source_region}, {destination_bucket} in {destination_region}"
    assert expected == _quoted("/Id", _question(None, destination, region), message)


def test_who_and_which_are_named_when_a_message_asks_for_them():
    """A removal has no configuration to point into, but an id, and somebody who asks."""
    assert "inv-1 of alice" == _quoted("", message="{inventory_id} of {principal}")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("", "source"), ("/Id", "source"), ("/Destination/S3BucketDestination/Bucket", "reports")],
    ids=["whole", "elsewhere", "below-destination"],
)
def test_bucket_is_the_one_that_the_path_is_about(path: str, expected: str):
    """A configuration does not name its source: what points at none of it is about that."""
    assert expected == _quoted(path, _question(None, BucketFact("reports")), "{bucket}")


def test_misspelled_parameter_stays_visible_when_a_template_has_one():
    """A message with a hole is better than none."""
    assert "{vlaue}" == _quoted("/Id", message="{vlaue}")


# --- the words of a denial ------------------------------------------------------------------------


def _deny(*messages: str) -> Deny:
    findings = tuple(
        Finding(f"INV{number:03}", "/Id", Severity.HIGH, message, "Do this.")
        for number, message in enumerate(messages)
    )
    return Deny("d-1", "abc", Verdict(allow=False, revision="abc", violations=findings))


def test_denial_names_rule_fault_and_remedy_when_told():
    """And the decision, so that an operator finds it."""
    expected = (
        "Policy refuses the inventory configuration 'inv-1'. [INV000] Bad. Do this. "
        "[INV001] Worse. Do this. (decision d-1)"
    )
    assert expected == denial_message(_deny("Bad.", "Worse."), "inv-1")


def test_denial_has_no_rules_when_policy_could_not_be_asked():
    """The verdict is missing then."""
    expected = "Policy refuses the inventory configuration 'inv-1'. (decision d-1)"
    assert expected == denial_message(Deny("d-1", "", fault="engine_timeout"), "inv-1")


def test_denial_names_the_other_rules_when_their_words_do_not_fit():
    """A terminal's twenty lines; nothing is cut in the middle."""
    message = denial_message(_deny("x" * 1400, "y" * 400, "z"), "inv-1")
    assert message.endswith("Do this. Also: INV001, INV002. (decision d-1)")
    assert "yy" not in message


def test_denial_says_what_was_filled_in_when_policy_had_patched():
    """The values that are quoted are not all the client's own."""
    decision = replace(_deny("Bad."), mutations=(PATCH,))
    assert denial_message(decision, "inv-1") == (
        "Policy refuses the inventory configuration 'inv-1'. [INV000] Bad. Do this. It was judged "
        "with what the organisation's settings fill in: "
        "Destination.S3BucketDestination.AccountId (INV001). (decision d-1)"
    )


@given(st.lists(st.text(max_size=900), max_size=6), st.text(max_size=64))
def test_denial_is_bounded_when_findings_are_long(messages: list[str], inventory_id: str):
    """1,600 characters, and the rules that did not fit."""
    decision = _deny(*messages)
    message = denial_message(decision, inventory_id)
    assert len(message) <= 1600 + len(messages) * len("INV000, ") + len(" Also: .")
    assert decision.verdict is not None
    assert all(f"INV{number:03}" in message for number in range(len(messages)))
