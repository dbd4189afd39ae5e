"""Ask policy and put the decision on record before anybody acts on it."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

import pytest

from gateway.core.errors import FactsUnavailable, JournalUnavailable, PolicyUnavailable
from gateway.core.inventory.document import read_configuration
from gateway.core.policy.decision import Allow, Deny
from gateway.core.policy.input import (
    DELETE_ACTION,
    PUT_ACTION,
    BucketFact,
    Environment,
    PolicyInput,
    Requester,
)
from gateway.core.policy.mutation import Mutation
from gateway.core.ports import Outcome
from gateway.core.ports import Stage as Part
from gateway.pipeline.judge import Case, Judge, Original, Ruling
from tests.support import stage as stage_module
from tests.support.fake_policy_engine import ENCRYPTION, answer
from tests.support.fake_time import NOW
from tests.support.stage import Stage

DOCUMENT = b"<InventoryConfiguration/>"
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


async def decide(
    judge: Judge, question: PolicyInput, document: bytes | None, metrics: Mapping[str, int]
) -> Ruling:
    """Ask and rule, as the gate does where nothing is patched."""
    return await judge.rule(await judge.ask(Case(question, document, metrics)))


async def test_a_yes_is_on_record_before_it_is_told(stage: Stage) -> None:
    """I16: one decision, one record, whole."""
    ruling = await decide(stage.judge, QUESTION, DOCUMENT, {"timer_facts_ns": 7})
    decision, record = ruling.decision, ruling.record
    assert isinstance(decision, Allow)
    assert stage.trace == ["evaluate", "record allow"]
    assert stage.journal.only is record
    assert (record.decision_id, record.timestamp, record.request_id) == (
        "decision-1",
        NOW,
        "request-1",
    )
    assert (record.principal, record.action, record.bucket, record.inventory_id) == (
        "ana",
        DELETE_ACTION,
        "acme-orders",
        "daily",
    )
    assert (record.allow, record.revision, record.error) == (True, "rev-1", "")
    assert record.input == QUESTION.document()
    assert record.result == {
        "allow": True,
        "would_refuse": False,
        "violations": [],
        "warnings": [],
        "dryrun": [],
        "exempted": [],
        "provenance": {},
    }
    assert record.metrics == {"timer_facts_ns": 7, "timer_policy_ns": 500_000_000}


async def test_the_record_names_the_bundles_and_keeps_the_engines_timers(stage: Stage) -> None:
    """Which policy decided can be told later; an engine cannot overwrite our own timers."""
    stage.engine.provenance = {"version": "1.22.0", "bundles": {"org": {"revision": "r"}}}
    stage.engine.metrics = {
        "timer_rego_query_eval_ns": 5,
        "timer_policy_ns": 6,
        "timer_facts_ns": 1,
    }
    record = (await decide(stage.judge, QUESTION, DOCUMENT, {"timer_facts_ns": 7})).record
    assert record.result["provenance"] == stage.engine.provenance
    assert record.metrics == {
        "timer_rego_query_eval_ns": 5,
        "timer_facts_ns": 7,
        "timer_policy_ns": 500_000_000,
    }


async def test_the_record_holds_the_document_and_its_hash(stage: Stage) -> None:
    """I12: the hash joins the record to what is sent."""
    record = (await decide(stage.judge, QUESTION, DOCUMENT, {})).record
    assert (record.document, record.document_sha256) == (DOCUMENT, sha256(DOCUMENT).hexdigest())


async def test_a_removal_has_no_document(stage: Stage) -> None:
    """Nor the hash of one."""
    record = (await decide(stage.judge, QUESTION, None, {})).record
    assert (record.document, record.document_sha256) == (None, "")


async def test_a_no_that_is_only_observed_is_on_record_as_such(stage: Stage) -> None:
    """I17: an allow, since it takes effect; what would have been refused can be counted."""
    stage.engine.answer = answer("INV001", enforcement="observe")
    ruling = await decide(stage.judge, QUESTION, DOCUMENT, {})
    decision, record = ruling.decision, ruling.record
    assert isinstance(decision, Allow)
    assert stage.trace == ["evaluate", "record allow"]
    assert (record.allow, record.result["allow"], record.result["would_refuse"]) == (
        True,
        True,
        True,
    )
    assert [finding["rule"] for finding in record.result["violations"]] == ["INV001"]  # type: ignore[attr-defined]


async def test_a_no_is_on_record_with_its_findings(stage: Stage) -> None:
    """Findings in words, sorted."""
    stage.engine.answer = answer("INV015", "INV001")
    ruling = await decide(stage.judge, QUESTION, DOCUMENT, {})
    decision, record = ruling.decision, ruling.record
    assert isinstance(decision, Deny)
    assert stage.trace == ["evaluate", "record deny"]
    assert record.result["would_refuse"] is False
    assert record.result["violations"] == [
        {
            "rule": "INV001",
            "path": ENCRYPTION,
            "severity": "high",
            "message": "The report is not encrypted.",
            "remedy": "Set Encryption.",
            "allowed": [],
        },
        {
            "rule": "INV015",
            "path": ENCRYPTION,
            "severity": "high",
            "message": " is in an unknown Region.",
            "remedy": "Choose a bucket in eu-central-1.",
            "allowed": [],
        },
    ]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(None, id="undefined"),
        pytest.param(True, id="true"),
        pytest.param({"allow": True}, id="allow-alone"),
        pytest.param(answer(allow="true"), id="allow-is-text"),
        pytest.param(answer(ready=False), id="not-ready"),
        pytest.param(answer("INV001", allow=True), id="contradiction"),
        pytest.param(answer(evaluated=["INV001"]), id="a-rule-did-not-run"),
        pytest.param(answer(evaluated=[]), id="no-rule-ran"),
        pytest.param(answer(schema="inventory.decision/2"), id="other-schema"),
        pytest.param(answer(violations=None), id="no-list"),
    ],
)
async def test_an_answer_that_cannot_be_trusted_is_a_recorded_no(stage: Stage, raw: object) -> None:
    """I15: whatever is not plainly a yes denies, and the record says why."""
    stage.engine.answer = raw
    with pytest.raises(PolicyUnavailable) as caught:
        await decide(stage.judge, QUESTION, DOCUMENT, {"timer_facts_ns": 7})
    assert stage.trace == ["evaluate", "record deny", "conclude refused", "log refused"]
    record = stage.journal.only
    assert (record.allow, record.error, record.result) == (
        False,
        caught.value.reason,
        {"allow": False},
    )
    assert (record.revision, record.metrics) == ("rev-1", {"timer_facts_ns": 7})


async def test_an_engine_that_fails_is_a_recorded_no(stage: Stage) -> None:
    """I15: a time-out, for instance."""
    stage.engine.fault = PolicyUnavailable("engine_timeout")
    with pytest.raises(PolicyUnavailable):
        await decide(stage.judge, QUESTION, DOCUMENT, {})
    assert stage.trace == ["evaluate", "record deny", "conclude refused", "log refused"]
    assert (stage.journal.only.allow, stage.journal.only.error) == (False, "engine_timeout")


@pytest.mark.parametrize("violations", [(), ("INV001",)], ids=["yes", "no"])
async def test_without_a_record_there_is_no_decision(
    stage: Stage, violations: tuple[str, ...]
) -> None:
    """I18: a yes or no that was not stored has not been said."""
    stage.engine.answer = answer(*violations)
    stage.journal.fault = JournalUnavailable("journal_full")
    with pytest.raises(JournalUnavailable):
        await decide(stage.judge, QUESTION, DOCUMENT, {})
    assert stage.trace[0] == "evaluate"
    assert not any(call.startswith(("conclude", "log")) for call in stage.trace)


async def test_a_question_that_could_not_be_asked_is_on_record(stage: Stage) -> None:
    """The engine is not asked; the record says what was missing."""
    case = Case(QUESTION, DOCUMENT, {"timer_facts_ns": 7})
    await stage.judge.refuse(case, FactsUnavailable("facts_timeout"))
    assert stage.trace == ["record deny", "conclude refused", "log refused"]
    record = stage.journal.only
    assert (record.allow, record.error, record.metrics) == (
        False,
        "facts_timeout",
        {"timer_facts_ns": 7},
    )


async def test_an_outcome_that_cannot_be_stored_is_a_fault_and_no_error(stage: Stage) -> None:
    """The effect is known to the caller already; the log still gets the outcome."""
    judge = stage.judge
    ruling = await decide(judge, QUESTION, DOCUMENT, {})
    stage.journal.fault = JournalUnavailable("journal_full")
    await judge.conclude(ruling, Outcome("forwarded", 204))
    assert stage.trace[2:] == ["conclude forwarded", "log forwarded"]
    assert stage.log.faults == [
        {
            "message": "outcome not recorded",
            "exception": "JournalUnavailable",
            "decision_id": "decision-1",
            "reason": "journal_full",
        }
    ]


async def test_decisions_have_ids_of_their_own(stage: Stage) -> None:
    """I16: two questions, two records."""
    judge = stage.judge
    for bucket in ("acme-a", "acme-b"):
        question = replace(QUESTION, source=BucketFact(bucket, known=True))
        await decide(judge, question, None, {})
    assert {key: record.bucket for key, record in stage.journal.records.items()} == {
        "decision-1": "acme-a",
        "decision-2": "acme-b",
    }


PATH = "/Destination/S3BucketDestination/Encryption"
PATCH = Mutation("INV001", "add", PATH, {"SSES3": {}})
PROPOSAL = PATCH.as_record()
CONFIGURATION = read_configuration(stage_module.CONFIGURATION)
WRITTEN = replace(
    QUESTION,
    action=PUT_ACTION,
    configuration=CONFIGURATION,
    destination=BucketFact("acme-inventory", "eu-central-1", known=True),
)
ORIGINAL = Original({"Id": "daily"}, "body-sha256", (PATCH,))
PATCHED = Case(
    WRITTEN, DOCUMENT, {"timer_facts_ns": 7, "timer_policy_ns": 3}, b"<as sent/>", ORIGINAL
)


@pytest.mark.parametrize("violations", [(), ("INV015",)], ids=["yes", "no"])
async def test_what_was_patched_is_on_record_with_what_it_was(
    stage: Stage, violations: tuple[str, ...]
) -> None:
    """The client's document, the patches and the final document: whoever audits needs all three."""
    stage.engine.answer = answer(*violations)
    judge = stage.judge
    ruling = await judge.rule(await judge.ask(PATCHED))
    record = ruling.record
    assert ruling.decision.mutations == (PATCH,)
    assert record.input["configuration"] == CONFIGURATION.as_boto3()
    assert (record.received, record.document) == (b"<as sent/>", DOCUMENT)
    assert record.result["mutations"] == [PROPOSAL]
    assert record.result["original"] == {
        "configuration": {"Id": "daily"},
        "body_sha256": "body-sha256",
    }
    assert record.metrics == {"timer_facts_ns": 7, "timer_policy_ns": 500_000_003}


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(answer("INV001", mutations=[PROPOSAL]), id="once-more"),
        pytest.param(
            answer(warnings=[{"rule": "INV001", "path": PATH}], mutations=[PROPOSAL]),
            id="once-more-with-a-warning",
        ),
        pytest.param(answer(enforcement="observe"), id="observes-by-now"),
    ],
)
async def test_a_patch_that_settles_nothing_is_a_recorded_no(stage: Stage, raw: object) -> None:
    """I15: there is no third question, and what is patched is sent under the rule that wants it."""
    stage.engine.answer = raw
    with pytest.raises(PolicyUnavailable) as caught:
        await stage.judge.ask(PATCHED)
    assert "INV001" in str(caught.value.detail)
    assert stage.trace == ["evaluate", "record deny", "conclude refused", "log refused"]
    record = stage.journal.only
    assert (record.allow, record.error) == (False, "engine_mutation")
    assert record.result["mutations"] == [PROPOSAL]


async def test_what_would_be_patched_is_on_record_where_policy_only_observes(stage: Stage) -> None:
    """Beside the finding that it would mend; nothing is changed."""
    stage.engine.answer = answer("INV001", enforcement="observe", mutations=[PROPOSAL])
    record = (await decide(stage.judge, WRITTEN, DOCUMENT, {})).record
    assert record.allow
    assert record.result["would_refuse"] is True
    assert record.result["would_mutate"] == [PROPOSAL]
    assert not {"mutations", "original"} & set(record.result)


async def test_the_question_is_written_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the engine saw is what messages quote and what is recorded."""
    opinion = await stage.judge.ask(Case(QUESTION, None, {}))
    assert stage.engine.questions == [opinion.input]
    monkeypatch.setattr(PolicyInput, "document", None)
    record = (await stage.judge.rule(opinion)).record
    assert record.input is opinion.input is stage.engine.questions[0]


async def test_a_decision_is_counted_with_its_outcome(stage: Stage) -> None:
    """Once; what the journal took is counted for itself."""
    ruling = await decide(stage.judge, QUESTION, DOCUMENT, {})
    assert (stage.metrics.decisions, stage.metrics.stages) == ([], [(Part.JOURNAL, 0.5)])
    await stage.judge.conclude(ruling, Outcome("forwarded"))
    assert stage.metrics.decisions == [ruling.record]


async def test_an_outcome_says_what_the_record_took(stage: Stage) -> None:
    """No record can hold how long it took itself; what the caller has measured stays beside."""
    ruling = await decide(stage.judge, QUESTION, DOCUMENT, {"timer_facts_ns": 7})
    await stage.judge.conclude(ruling, Outcome("forwarded", metrics={"timer_upstream_ns": 9}))
    assert set(ruling.record.metrics) == {"timer_facts_ns", "timer_policy_ns"}
    assert stage.journal.outcomes["decision-1"].metrics == {
        "timer_journal_ns": 500_000_000,
        "timer_upstream_ns": 9,
    }


async def test_what_the_journal_cannot_keep_is_counted_by_its_reason(stage: Stage) -> None:
    """Decisions and outcomes; a decision that is not on record is none."""
    judge = stage.judge
    ruling = await decide(judge, QUESTION, DOCUMENT, {})
    stage.journal.fault = JournalUnavailable("journal_write")
    with pytest.raises(JournalUnavailable):
        await decide(judge, QUESTION, DOCUMENT, {})
    assert stage.metrics.journal_errors == ["journal_write"]
    assert [part for part, _ in stage.metrics.stages] == [Part.JOURNAL] * 2
    assert stage.metrics.decisions == []
    await judge.conclude(ruling, Outcome("forwarded"))
    assert stage.metrics.journal_errors == ["journal_write"] * 2
    assert stage.metrics.decisions == [ruling.record]
