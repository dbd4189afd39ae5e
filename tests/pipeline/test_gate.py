"""The gated operations: the order of the port calls is the promise."""

from base64 import b64encode
from collections import Counter
from dataclasses import replace
from hashlib import md5, sha256
from typing import Any

import pytest

from gateway.core.errors import (
    AccessDenied,
    CredentialsUnavailable,
    FactsUnavailable,
    JournalUnavailable,
    PolicyUnavailable,
    UpstreamUnavailable,
)
from gateway.core.inventory.configuration import SseS3
from gateway.core.inventory.document import (
    MAX_DOCUMENT_BYTES,
    read_configuration,
    write_configuration,
)
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from gateway.core.policy.input import BucketFact
from gateway.core.ports import Outcome
from gateway.core.s3.endpoint import Endpoint
from gateway.core.sigv4.payload import EMPTY_SHA256
from gateway.pipeline import gate as gate_module
from gateway.pipeline.dispatch import Head
from tests.support.fake_exchange import FakeExchange, broke_off
from tests.support.fake_fact_reader import FakeFactReader
from tests.support.fake_policy_engine import answer
from tests.support.fake_time import NOW
from tests.support.fake_upstream import FakeResponse
from tests.support.fake_upstream_credentials import UPSTREAM
from tests.support.stage import (
    ACCOUNT,
    ANA,
    CONFIGURATION,
    DESTINATION,
    SOURCE,
    TOKEN_KEY,
    Stage,
    by_ana,
    known,
    put_inventory,
)
from tests.support.wire import UNSIGNED, Message, chunked_upload, message, presigned, signed

OTHER = "444455556666"
CANONICAL = write_configuration(read_configuration(CONFIGURATION))
ASKED = [f"facts {SOURCE}", f"facts {DESTINATION} {ACCOUNT}", "evaluate"]
ALLOWED = [*ASKED, "record allow", "credentials ana", "send PUT"]
DELETE = by_ana(message("DELETE", f"/{SOURCE}?inventory&id=daily"))


# --- the way of a yes -----------------------------------------------------------------------------


async def test_an_allowed_put_is_recorded_before_it_is_sent(stage: Stage) -> None:
    """I11: facts, policy, record, and only then credentials and S3."""
    exchange = await stage.put()
    assert stage.trace == [
        *ALLOWED,
        "answer 204",
        "conclude forwarded",
        "log forwarded",
        "access 204",
    ]
    assert (exchange.status, exchange.body) == (204, b"")
    assert exchange.header("x-inventory-gateway-decision-id") == "decision-1"
    assert stage.upstream.open == 0


async def test_remembered_facts_are_those_of_the_question(stage: Stage) -> None:
    """S3 is asked for both buckets where either is not known, and then for neither."""
    stage.facts.remembers = True
    await stage.facts.look_up(SOURCE, known().principal)
    stage.trace.clear()
    stage.upstream.answers += [FakeResponse(200), FakeResponse(200)]
    for asked in (ASKED, ["evaluate"]):
        await stage.put()
        assert stage.trace[: len(asked) + 1] == [*asked, "record allow"]
        stage.trace.clear()
    first, second = stage.engine.questions
    assert (first["source"], first["destination"]) == (second["source"], second["destination"])
    assert second["destination"]["owner_verified"] is True  # type: ignore[index]


async def test_an_allowed_delete_is_recorded_before_it_is_sent(stage: Stage) -> None:
    """I11: a removal takes the same way, without a document."""
    stage.upstream.answers.append(FakeResponse(204, (("x-amz-request-id", "UP1"),)))
    exchange = await stage.dispatch(DELETE)
    assert stage.trace == [
        f"facts {SOURCE}",
        "evaluate",
        "record allow",
        "credentials ana",
        "send DELETE",
        "answer 204",
        "conclude forwarded",
        "log forwarded",
        "access 204",
    ]
    assert exchange.status == 204
    sent = stage.upstream.sent[0]
    assert (sent.body, sent.header("x-amz-content-sha256")) == (b"", EMPTY_SHA256)
    assert stage.journal.outcome == Outcome("forwarded", 204, "UP1")
    assert stage.journal.only.action == "s3:DeleteInventoryConfiguration"


async def test_what_was_judged_is_what_is_sent(stage: Stage) -> None:
    """I12: canonical bytes, their hash in the record and in the signature; I13: one id."""
    await stage.put()
    sent, record = stage.upstream.sent[0], stage.journal.only
    digest = sha256(sent.body).hexdigest()
    assert sent.body == CANONICAL != CONFIGURATION
    assert record.document == sent.body
    assert (record.document_sha256, sent.header("x-amz-content-sha256")) == (digest, digest)
    assert sent.request.url == (
        f"https://s3.eu-central-1.amazonaws.com/{SOURCE}?inventory&id=daily"
    )
    assert record.inventory_id == "daily"
    shown = stage.engine.questions[0]["configuration"]
    assert shown == read_configuration(sent.body).as_boto3()


async def test_nothing_of_the_client_is_copied_upstream(stage: Stage) -> None:
    """I5, I20: the request is written anew; no header of the client's goes along."""
    await stage.dispatch(
        put_inventory(
            headers=[("x-amz-meta-evil", "1"), ("content-type", "text/plain"), ("cookie", "c=1")]
        )
    )
    sent = stage.upstream.sent[0]
    assert [name for name, _ in sent.request.headers] == [
        "host",
        "x-amz-date",
        "x-amz-content-sha256",
        "content-type",
        "content-length",
        "x-amz-security-token",
        "authorization",
    ]
    assert sent.header("content-length") == str(len(CANONICAL))
    assert sent.header("x-amz-security-token") == UPSTREAM.session_token
    assert f"Credential={UPSTREAM.access_key_id}/" in (sent.header("authorization") or "")


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(
            put_inventory(headers=[("x-amz-expected-bucket-owner", ACCOUNT)]), id="put-header"
        ),
        pytest.param(
            presigned(
                message(
                    "PUT",
                    f"/{SOURCE}?inventory&id=daily&x-amz-expected-bucket-owner={ACCOUNT}",
                    CONFIGURATION,
                ),
                ANA,
                at=NOW,
            ),
            id="put-presigned-query",
        ),
        pytest.param(
            by_ana(
                message(
                    "DELETE",
                    f"/{SOURCE}?inventory&id=daily",
                    headers=[("x-amz-expected-bucket-owner", ACCOUNT)],
                )
            ),
            id="delete",
        ),
    ],
)
async def test_the_expected_owner_is_passed_on(stage: Stage, wire: Message) -> None:
    """S3 checks it; policy sees it."""
    await stage.dispatch(wire, secure=True)
    assert stage.upstream.sent[0].header("x-amz-expected-bucket-owner") == ACCOUNT
    assert stage.engine.questions[0]["request"]["expected_bucket_owner"] == ACCOUNT  # type: ignore[index]


@pytest.mark.parametrize(
    ("wire", "mechanism"),
    [
        pytest.param(put_inventory(), "sigv4-header", id="header"),
        pytest.param(
            presigned(message("PUT", f"/{SOURCE}?inventory&id=daily", CONFIGURATION), ANA, at=NOW),
            "sigv4-query",
            id="presigned",
        ),
        pytest.param(
            by_ana(message("PUT", f"/{SOURCE}/any/key?id=daily&inventory=1", CONFIGURATION)),
            "sigv4-header",
            id="key-path-and-value",
        ),
        pytest.param(
            by_ana(
                message(
                    "PUT",
                    "/?inventory&id=daily&x-id=PutObject",
                    CONFIGURATION,
                    host=f"{SOURCE}.s3.example.org:9000",
                )
            ),
            "sigv4-header",
            id="virtual-host-and-x-id",
        ),
        pytest.param(
            signed(
                message("PUT", f"/{SOURCE}?inventory&id=daily", CONFIGURATION),
                ANA,
                at=NOW,
                payload=UNSIGNED,
            ),
            "sigv4-header",
            id="unsigned-payload",
        ),
        pytest.param(
            signed(
                message("PUT", f"/{SOURCE}?inventory&id=daily", CONFIGURATION),
                ANA,
                at=NOW,
                declare=False,
            ),
            "sigv4-header",
            id="undeclared-payload",
        ),
    ],
)
async def test_every_spelling_is_judged(stage: Stage, wire: Message, mechanism: str) -> None:
    """I14: whatever S3 would take for this operation is the same question and the same request."""
    exchange = await stage.dispatch(wire, secure=True)
    assert exchange.status == 204
    question, sent = stage.engine.questions[0], stage.upstream.sent[0]
    assert question["action"] == "s3:PutInventoryConfiguration"
    assert question["principal"]["method"] == mechanism  # type: ignore[index]
    assert question["source"]["bucket"] == SOURCE  # type: ignore[index]
    assert sent.request.url.endswith(f"/{SOURCE}?inventory&id=daily")
    assert sent.body == CANONICAL


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        pytest.param(
            Endpoint("https://s3.{region}.amazonaws.com"),
            "https://s3.eu-central-1.amazonaws.com",
            id="the-buckets-region",
        ),
        pytest.param(
            Endpoint("http://minio:9000", "us-west-2"), "http://minio:9000", id="configured"
        ),
    ],
)
async def test_the_authority_is_the_configured_one(
    stage: Stage, endpoint: Endpoint, url: str
) -> None:
    """I8: nothing in the request chooses it."""
    stage.endpoint = endpoint
    await stage.put()
    sent = stage.upstream.sent[0]
    assert sent.request.url == f"{url}/{SOURCE}?inventory&id=daily"
    region = endpoint.region or "eu-central-1"
    assert f"/{region}/s3/aws4_request" in (sent.header("authorization") or "")


async def test_a_bucket_of_unknown_region_is_asked_for_where_the_client_signed(
    stage: Stage,
) -> None:
    """HeadBucket said 403 without a Region; whether that may pass is policy's matter."""
    stage.facts.unreadable.add(SOURCE)
    await stage.put()
    assert stage.upstream.sent[0].request.url.startswith("https://s3.eu-central-1.amazonaws.com/")
    assert stage.engine.questions[0]["source"]["known"] is False  # type: ignore[index]


async def test_the_record_and_the_answer_name_what_s3_said(stage: Stage) -> None:
    """S3's own answer is relayed, less what is not for the client."""
    stage.upstream.answers.append(
        FakeResponse(
            400,
            (
                ("x-amz-request-id", "UP1"),
                ("x-amz-id-2", "HOST"),
                ("content-type", "application/xml"),
                ("set-cookie", "c=1"),
                ("connection", "close"),
            ),
            [b"<Error><Code>TooMany", b"Configurations</Code></Error>"],
        )
    )
    exchange = await stage.put()
    assert exchange.status == 400
    assert exchange.body == b"<Error><Code>TooManyConfigurations</Code></Error>"
    assert exchange.headers == [
        ("x-amz-request-id", "UP1"),
        ("x-amz-id-2", "HOST"),
        ("content-type", "application/xml"),
        ("x-inventory-gateway-decision-id", "decision-1"),
    ]
    assert stage.journal.outcome == Outcome("failed", 400, "UP1")
    assert stage.log.event["upstream_request_id"] == "UP1"
    assert stage.log.event["decision_id"] == "decision-1"


# --- the way of a no ------------------------------------------------------------------------------


async def test_a_refusal_names_rules_and_decision_and_sends_nothing(stage: Stage) -> None:
    """403 AccessDenied with every rule, its remedy and the decision id; outcome `refused`."""
    stage.engine.answer = answer("INV001", "INV015")
    exchange = await stage.put()
    assert stage.trace == [
        *ASKED,
        "record deny",
        "conclude refused",
        "log refused",
        "answer 403",
        "access 403",
    ]
    assert (exchange.status, exchange.code) == (403, "AccessDenied")
    words = exchange.error["Message"]
    assert "[INV001] The report is not encrypted. Set Encryption." in words
    assert "[INV015] acme-inventory is in eu-central-1." in words
    assert "decision-1" in words
    assert exchange.header("x-inventory-gateway-decision-id") == "decision-1"
    assert stage.journal.outcome == Outcome("refused")
    assert stage.log.event["decision_id"] == "decision-1"


async def test_what_was_found_is_told_by_id_with_the_answer(stage: Stage) -> None:
    """Warnings and exemptions, as headers of an allowed write; dry runs in the record alone."""
    exemption = {"id": "EX-7", "ticket": "GOV-1", "expires_ns": 1}
    stage.engine.answer = answer(
        warnings=[{"rule": "INV015", "path": "/Id"}],
        dryrun=[{"rule": "INV001", "path": "/Id"}],
        exempted=[{"rule": "INV001", "path": "/Id", "exemption": exemption}],
    )
    exchange = await stage.put()
    assert exchange.status == 204
    assert exchange.headers[-3:] == [
        ("x-inventory-gateway-decision-id", "decision-1"),
        ("x-inventory-gateway-warnings", "INV015"),
        ("x-inventory-gateway-exemptions", "EX-7"),
    ]
    assert stage.journal.only.result["dryrun"]
    assert "would_refuse" not in stage.log.event


@pytest.mark.parametrize("wire", [put_inventory(), DELETE], ids=["put", "delete"])
async def test_observing_refuses_nothing_and_records_everything(
    stage: Stage, wire: Message
) -> None:
    """I11: an allow is durable before the effect; record and access event say what it would be."""
    stage.engine.answer = answer("INV001", "INV015", enforcement="observe")
    exchange = await stage.dispatch(wire)
    sent = stage.trace.index(f"send {wire.method}")
    assert stage.trace.index("record allow") < sent
    assert exchange.status == 204
    assert exchange.header("x-inventory-gateway-would-refuse") == "INV001; INV015"
    assert stage.journal.only.result["would_refuse"] is True
    assert stage.journal.outcome.kind == "forwarded"
    assert stage.log.event["would_refuse"] is True


async def test_observing_does_not_stand_for_a_missing_record(stage: Stage) -> None:
    """I11, I18: no record, no action, in any mode."""
    stage.engine.answer = answer("INV001", enforcement="observe")
    stage.journal.fault = JournalUnavailable("journal_full")
    assert (await stage.put()).status == 503
    assert stage.upstream.sent == []


async def test_observing_does_not_stand_for_a_missing_answer(stage: Stage) -> None:
    """I15: an answer that does not count is none, whatever else it says."""
    stage.engine.answer = answer("INV001", enforcement="observe", ready=False)
    assert (await stage.put()).status == 503
    assert stage.upstream.sent == []


async def test_a_removal_can_be_refused(stage: Stage) -> None:
    """I11: DELETE needs the same permission as PUT, and the same yes."""
    stage.engine.answer = answer("INV001")
    exchange = await stage.dispatch(DELETE)
    assert exchange.status == 403
    assert stage.upstream.sent == []


@pytest.mark.parametrize("wire", [put_inventory(), DELETE], ids=["put", "delete"])
@pytest.mark.parametrize("violations", [(), ("INV001",)], ids=["yes", "no"])
async def test_without_a_journal_nothing_is_sent(
    stage: Stage, wire: Message, violations: tuple[str, ...]
) -> None:
    """I11, I18: no record, no action: 503 with Retry-After."""
    stage.engine.answer = answer(*violations)
    stage.journal.fault = JournalUnavailable("journal_full", detail="/var/lib/journal.db")
    exchange = await stage.dispatch(wire)
    assert (exchange.status, exchange.code) == (503, "ServiceUnavailable")
    assert exchange.header("Retry-After") == "2"
    assert "/var" not in exchange.error["Message"]
    assert stage.upstream.sent == []
    assert stage.log.event["reason"] == "journal_full"


@pytest.mark.parametrize("wire", [put_inventory(), DELETE], ids=["put", "delete"])
async def test_without_policy_nothing_is_sent(stage: Stage, wire: Message) -> None:
    """I15: an engine that fails is a recorded no and a 503."""
    stage.engine.fault = PolicyUnavailable("engine_timeout")
    exchange = await stage.dispatch(wire)
    assert (exchange.status, exchange.code) == (503, "ServiceUnavailable")
    record = stage.journal.only
    assert (record.allow, record.error) == (False, "engine_timeout")
    assert stage.journal.outcome == Outcome("refused")
    assert stage.upstream.sent == []
    assert stage.log.faults[0]["reason"] == "engine_timeout"


@pytest.mark.parametrize("wire", [put_inventory(), DELETE], ids=["put", "delete"])
@pytest.mark.parametrize(
    "fault",
    [FactsUnavailable("facts_timeout"), CredentialsUnavailable("credentials_expired")],
    ids=["facts", "credentials-for-facts"],
)
async def test_without_facts_nothing_is_asked_or_sent(
    stage: Stage, wire: Message, fault: FactsUnavailable
) -> None:
    """I15: missing facts are a recorded no and a 503; the engine is not asked to guess."""
    stage.facts.fault = fault
    exchange = await stage.dispatch(wire)
    assert (exchange.status, exchange.code) == (503, "ServiceUnavailable")
    record = stage.journal.only
    assert (record.allow, record.error) == (False, fault.reason)
    assert "evaluate" not in stage.trace
    assert stage.upstream.sent == []


async def test_neither_facts_nor_journal_is_still_a_no(stage: Stage) -> None:
    """I18: the refusal that cannot be recorded is refused all the same."""
    stage.facts.fault = FactsUnavailable("facts_timeout")
    stage.journal.fault = JournalUnavailable("journal_full")
    exchange = await stage.put()
    assert exchange.status == 503
    assert stage.upstream.sent == []


# --- what became of it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answered", "outcome", "status"),
    [
        pytest.param(
            UpstreamUnavailable("connect_failed", sent=False),
            Outcome("failed"),
            502,
            id="never-connected",
        ),
        pytest.param(
            UpstreamUnavailable("connect_timeout", timeout=True, sent=False),
            Outcome("failed"),
            504,
            id="connect-timeout",
        ),
        pytest.param(
            UpstreamUnavailable("broke_off"), Outcome("unknown"), 502, id="broke-off-after-send"
        ),
        pytest.param(
            UpstreamUnavailable("answer_timeout", timeout=True),
            Outcome("unknown"),
            504,
            id="timeout-after-send",
        ),
        pytest.param(
            FakeResponse(204, (), [], UpstreamUnavailable("body_broke_off")),
            Outcome("unknown"),
            502,
            id="answer-broke-off",
        ),
        pytest.param(
            FakeResponse(200, (), [b"x" * (64 * 1024 + 1)]),
            Outcome("unknown"),
            502,
            id="answer-too-large",
        ),
        pytest.param(FakeResponse(503), Outcome("failed", 503), 503, id="s3-says-503"),
        pytest.param(
            FakeResponse(307, (("location", "https://evil/"),)),
            Outcome("failed", 307),
            502,
            id="redirect",
        ),
        pytest.param(
            FakeResponse(
                403, (), [b"<Error><Code>SignatureDoesNotMatch</Code><Token>t</Token></Error>"]
            ),
            Outcome("failed", 403),
            503,
            id="s3-refuses-our-signature",
        ),
    ],
)
async def test_the_outcome_says_what_is_known(
    stage: Stage, answered: FakeResponse | Exception, outcome: Outcome, status: int
) -> None:
    """`failed`: S3 did not act; `unknown`: it may have. Never `forwarded` without S3's yes."""
    stage.upstream.answers.append(answered)
    exchange = await stage.put()
    assert exchange.status == status
    assert stage.journal.outcome == outcome
    answered_first = isinstance(answered, FakeResponse) and answered.status == status
    answer, added = [f"answer {status}"], [f"conclude {outcome.kind}", f"log {outcome.kind}"]
    order = [*answer, *added] if answered_first else [*added, *answer]
    assert stage.trace[-4:] == [*order, f"access {status}"]
    assert len(stage.upstream.sent) == 1
    assert stage.upstream.open == 0
    assert b"Token" not in exchange.body


@pytest.mark.parametrize("wire", [put_inventory(), DELETE], ids=["put", "delete"])
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (301, "PermanentRedirect"),
        (307, "TemporaryRedirect"),
        (400, "AuthorizationHeaderMalformed"),
    ],
)
async def test_an_allow_is_not_carried_to_another_region(
    stage: Stage, wire: Message, status: int, code: str
) -> None:
    """I11: it rests on facts that S3 calls wrong. They are put right, and policy is asked anew."""
    stage.facts.moved[SOURCE] = "ap-south-1"
    document = f"<Error><Code>{code}</Code></Error>".encode()
    stage.upstream.answers.append(FakeResponse(status, (("x-amz-request-id", "U"),), [document]))
    dispatcher = stage.dispatcher
    first, second = FakeExchange([wire.body]), FakeExchange([wire.body])
    head = Head(wire.method, wire.target, wire.headers)
    await dispatcher.dispatch(head, first)
    assert (first.status, first.code) == (503, "ServiceUnavailable")
    assert len(stage.upstream.sent) == len(stage.journal.records) == 1
    assert stage.journal.outcome == Outcome("failed", status, "U")
    assert stage.log.event["reason"] == "bucket_moved"
    stage.engine.answer = answer("INV015")
    await dispatcher.dispatch(head, second)
    assert second.status == 403
    assert stage.engine.questions[1]["source"]["region"] == "ap-south-1"  # type: ignore[index]
    assert len(stage.upstream.sent) == 1


async def test_a_redirection_that_leads_nowhere_is_a_failure(stage: Stage) -> None:
    """S3 says elsewhere, HeadBucket says here: one send, nothing followed."""
    stage.upstream.answers.append(FakeResponse(301, (("location", "https://evil/"),)))
    exchange = await stage.put()
    assert (exchange.status, exchange.header("location")) == (502, None)
    assert stage.journal.outcome == Outcome("failed", 301)
    assert len(stage.upstream.sent) == 1


async def test_a_bucket_in_a_region_not_on_the_list_is_not_judged(stage: Stage) -> None:
    """I8: it could not be reached anyway."""
    stage.endpoint = Endpoint("https://s3.{region}.amazonaws.com", regions=("us-*",))
    exchange = await stage.put()
    assert (exchange.status, exchange.code) == (403, "AccessDenied")
    assert (stage.journal.records, stage.upstream.sent) == ({}, [])


async def test_credentials_that_run_out_after_the_yes_are_a_failure(stage: Stage) -> None:
    """Recorded as allowed, and as failed: nothing was sent."""
    stage.credentials.fault = CredentialsUnavailable("credentials_expired")
    exchange = await stage.put()
    assert exchange.status == 503
    assert stage.journal.only.allow
    assert stage.journal.outcome == Outcome("failed")
    assert stage.upstream.sent == []


async def test_an_effect_without_outcome_is_still_told(stage: Stage) -> None:
    """I17: the allow is on record; what cannot be added is a fault, and S3's yes is passed on."""
    original = stage.journal.conclude

    async def refuse(decision_id: str, outcome: Outcome) -> None:
        await original(decision_id, outcome)
        raise JournalUnavailable("journal_full")

    stage.journal.conclude = refuse  # type: ignore[method-assign]
    exchange = await stage.put()
    assert exchange.status == 204
    assert stage.log.faults[0]["message"] == "outcome not recorded"


# --- what policy fills in -------------------------------------------------------------------------

BUCKET_DESTINATION = "/Destination/S3BucketDestination"
PLAIN = CONFIGURATION.replace(b"<Encryption><SSE-S3/></Encryption>", b"")
NO_ACCOUNT = PLAIN.replace(f"<AccountId>{ACCOUNT}</AccountId>".encode(), b"")
ENCRYPT = {
    "rule": "INV001",
    "op": "add",
    "path": f"{BUCKET_DESTINATION}/Encryption",
    "value": {"SSES3": {}},
}
OWN = {"rule": "INV015", "op": "add", "path": f"{BUCKET_DESTINATION}/AccountId", "value": ACCOUNT}


async def test_a_patched_configuration_is_judged_anew_and_sent(stage: Stage) -> None:
    """I11, I12: facts and policy once more, and only the second answer is recorded and obeyed."""
    stage.engine.first = [answer("INV001", mutations=[ENCRYPT])]
    exchange = await stage.put(PLAIN)
    assert stage.trace == [
        *ASKED,
        *ALLOWED,
        "answer 204",
        "conclude forwarded",
        "log forwarded",
        "access 204",
    ]
    assert exchange.headers[-2:] == [
        ("x-inventory-gateway-decision-id", "decision-1"),
        ("x-inventory-gateway-mutated", "Destination.S3BucketDestination.Encryption"),
    ]
    sent, record = stage.upstream.sent[0], stage.journal.only
    assert read_configuration(sent.body) == read_configuration(CONFIGURATION)
    digest = sha256(sent.body).hexdigest()
    assert (record.document, record.document_sha256) == (sent.body, digest)
    assert sent.header("x-amz-content-sha256") == digest
    first, second = stage.engine.questions
    written = read_configuration(PLAIN).as_boto3()
    assert (first["configuration"], second["configuration"]) == (
        written,
        read_configuration(CONFIGURATION).as_boto3(),
    )
    assert record.input == second
    assert record.result["mutations"] == [ENCRYPT]
    assert record.result["original"] == {
        "configuration": written,
        "body_sha256": sha256(PLAIN).hexdigest(),
    }
    assert record.metrics["timer_facts_ns"] == record.metrics["timer_policy_ns"] == 1_000_000_000


async def test_the_facts_of_a_patched_account_are_those_that_count(stage: Stage) -> None:
    """I9: who owns the destination is asked with the account that S3 will be told."""
    stage.engine.first = [answer("INV001", mutations=[ENCRYPT, OWN])]
    exchange = await stage.put(NO_ACCOUNT)
    assert exchange.header("x-inventory-gateway-mutated") == (
        "Destination.S3BucketDestination.AccountId, Destination.S3BucketDestination.Encryption"
    )
    assert stage.facts.asked == [
        (SOURCE, "ana", ""),
        (DESTINATION, "ana", ""),
        (SOURCE, "ana", ""),
        (DESTINATION, "ana", ACCOUNT),
    ]
    first, second = (question["destination"] for question in stage.engine.questions)
    assert first["owner_verified"] is False  # type: ignore[index]
    assert second["owner_verified"] is True  # type: ignore[index]


async def test_a_patch_may_answer_a_warning(stage: Stage) -> None:
    """The configuration is improved where it would have passed; the second answer counts."""
    warned = [{"rule": "INV001", "path": "/Id"}]
    stage.engine.first = [answer(warnings=warned, mutations=[ENCRYPT])]
    exchange = await stage.put(PLAIN)
    assert exchange.status == 204
    assert exchange.header("x-inventory-gateway-warnings") is None
    assert exchange.header("x-inventory-gateway-mutated")


async def test_a_patch_that_does_not_lead_to_a_yes_is_a_no_in_words(stage: Stage) -> None:
    """What is left to mend is told, and what the settings had filled in before."""
    stage.engine.first = [answer("INV001", "INV015", mutations=[ENCRYPT])]
    stage.engine.answer = answer("INV015")
    exchange = await stage.put(PLAIN)
    assert (exchange.status, exchange.code) == (403, "AccessDenied")
    words = exchange.error["Message"]
    assert "[INV015]" in words
    assert "[INV001]" not in words
    assert "fill in: Destination.S3BucketDestination.Encryption (INV001)." in words
    assert exchange.header("x-inventory-gateway-mutated") is None
    assert stage.upstream.sent == []
    assert stage.trace[-5:-1] == ["record deny", "conclude refused", "log refused", "answer 403"]
    assert stage.journal.only.result["mutations"] == [ENCRYPT]


async def test_observing_patches_nothing(stage: Stage) -> None:
    """The client's own document is judged once and sent; the proposal is on record."""
    stage.engine.answer = answer("INV001", enforcement="observe", mutations=[ENCRYPT])
    exchange = await stage.put(PLAIN)
    assert exchange.status == 204
    assert exchange.header("x-inventory-gateway-mutated") is None
    assert exchange.header("x-inventory-gateway-would-refuse") == "INV001"
    assert stage.upstream.sent[0].body == write_configuration(read_configuration(PLAIN))
    assert stage.journal.only.result["would_mutate"] == [ENCRYPT]


@pytest.mark.parametrize(
    ("first", "then", "reason"),
    [
        pytest.param(
            answer("INV001", mutations=[ENCRYPT]),
            answer("INV001", mutations=[ENCRYPT]),
            "engine_mutation",
            id="proposes-for-ever",
        ),
        pytest.param(
            answer("INV001", mutations=[{**ENCRYPT, "op": "replace"}]),
            answer(),
            "engine_mutation",
            id="replaces-what-is-not-there",
        ),
        pytest.param(
            answer("INV001", mutations=[{**ENCRYPT, "value": {"SSEKMS": {"KeyId": "é"}}}]),
            answer(),
            "engine_mutation",
            id="makes-no-document",
        ),
        pytest.param(
            answer("INV001", mutations=[{**ENCRYPT, "path": "/Destination"}]),
            answer(),
            "engine_answer",
            id="patches-what-it-may-not",
        ),
        pytest.param(
            answer("INV001", mutations=[ENCRYPT]),
            PolicyUnavailable("engine_timeout"),
            "engine_timeout",
            id="fails-the-second-time",
        ),
    ],
)
async def test_a_patch_that_goes_wrong_is_a_recorded_no(
    stage: Stage, first: object, then: object, reason: str
) -> None:
    """I15: 503, one record, nothing sent; nobody is asked a third time."""
    stage.engine.first = [first, then]
    stage.engine.answer = answer()
    exchange = await stage.put(PLAIN)
    assert (exchange.status, exchange.code) == (503, "ServiceUnavailable")
    assert stage.upstream.sent == []
    assert stage.trace.count("evaluate") <= 2
    assert (stage.journal.only.allow, stage.journal.only.error) == (False, reason)


async def test_facts_that_fail_the_second_time_are_a_recorded_no(stage: Stage) -> None:
    """I11: a yes cannot rest on the facts of another document."""
    stage.engine.first = [answer("INV001", mutations=[ENCRYPT])]
    original = stage.facts.look_up

    async def once(*args: Any, **options: Any) -> BucketFact:
        if len(stage.facts.asked) >= 2:
            raise FactsUnavailable("facts_timeout")
        return await original(*args, **options)

    stage.facts.look_up = once  # type: ignore[method-assign]
    exchange = await stage.put(PLAIN)
    assert exchange.status == 503
    assert (stage.upstream.sent, stage.journal.only.error) == ([], "facts_timeout")
    assert stage.journal.only.result["mutations"] == [ENCRYPT]


@pytest.mark.parametrize(
    ("regions", "status", "code"),
    [
        pytest.param({}, 404, "NoSuchBucket", id="gone"),
        pytest.param({SOURCE: "us-east-1"}, 403, "AccessDenied", id="in-a-region-not-on-the-list"),
        pytest.param(
            {SOURCE: "cn-north-1"}, 400, "InvalidS3DestinationBucket", id="in-another-partition"
        ),
    ],
)
async def test_what_is_checked_of_the_facts_is_checked_of_the_second_ones(
    stage: Stage, regions: dict[str, str], status: int, code: str
) -> None:
    """I8: the yes is to what is true when it is given."""
    stage.endpoint = Endpoint("https://s3.{region}.amazonaws.com", regions=("eu-*",))
    stage.engine.first = [answer("INV001", mutations=[ENCRYPT])]
    original = stage.facts.look_up

    async def by_then(*args: Any, **options: Any) -> BucketFact:
        if len(stage.facts.asked) >= 2:
            stage.facts.regions = regions
        return await original(*args, **options)

    stage.facts.look_up = by_then  # type: ignore[method-assign]
    exchange = await stage.put(PLAIN)
    assert (exchange.status, exchange.code) == (status, code)
    assert (stage.trace.count("evaluate"), stage.upstream.sent) == (1, [])


@pytest.mark.parametrize("checked", ["authorize_destination", "write_configuration"])
async def test_a_patched_configuration_is_authorised_like_any_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, checked: str
) -> None:
    """I9: no patch can name another bucket; could one, this would be in its way."""
    stage.engine.first = [answer("INV001", mutations=[ENCRYPT])]
    check, asked = getattr(gate_module, checked), []

    def refuse_second(*args: Any) -> object:
        asked.append(args)
        if len(asked) == 2:
            raise AccessDenied("not there")
        return check(*args)

    monkeypatch.setattr(gate_module, checked, refuse_second)
    exchange = await stage.put(PLAIN)
    assert (exchange.status, stage.upstream.sent) == (403, [])


# --- before anything is asked ---------------------------------------------------------------------


def gzip_put(coding: str) -> Message:
    """A PUT that names a Content-Encoding."""
    return put_inventory(headers=[("content-encoding", coding)])


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        pytest.param(put_inventory(b"<x/>"), "MalformedXML", id="other-root"),
        pytest.param(put_inventory(b""), "MissingRequestBodyError", id="empty"),
        pytest.param(put_inventory(inventory_id="other"), "IdMismatch", id="other-id"),
        pytest.param(put_inventory(inventory_id="Daily"), "IdMismatch", id="other-case"),
        pytest.param(put_inventory(inventory_id="a%20b"), "MalformedXML", id="bad-id"),
        pytest.param(put_inventory(inventory_id=""), "MalformedXML", id="empty-id"),
        pytest.param(put_inventory(inventory_id="a" * 65), "MalformedXML", id="long-id"),
        pytest.param(
            by_ana(message("DELETE", f"/{SOURCE}?inventory&id=")),
            "MalformedXML",
            id="delete-empty-id",
        ),
        pytest.param(
            by_ana(message("DELETE", f"/{SOURCE}?inventory&id=..%2Fx")),
            "MalformedXML",
            id="delete-bad-id",
        ),
        pytest.param(
            put_inventory(CONFIGURATION.replace(b"arn:aws:s3:::acme", b"acme")),
            "InvalidS3DestinationBucket",
            id="bare-name",
        ),
        pytest.param(gzip_put("gzip"), "InvalidRequest", id="gzip"),
        pytest.param(
            chunked_upload(f"/{SOURCE}?inventory&id=daily", CONFIGURATION, ANA, at=NOW),
            "InvalidRequest",
            id="aws-chunked",
        ),
        pytest.param(
            chunked_upload(
                f"/{SOURCE}?inventory&id=daily",
                CONFIGURATION,
                ANA,
                at=NOW,
                headers=[("content-encoding", "identity")],
            ),
            "BadRequest",
            id="two-content-encodings",
        ),
        pytest.param(
            by_ana(Message("PUT", f"/{SOURCE}?inventory&id=daily", (("host", "localhost"),))).plus(
                ("transfer-encoding", "chunked")
            ),
            "MissingContentLength",
            id="no-length",
        ),
        pytest.param(
            put_inventory(b" " * (MAX_DOCUMENT_BYTES + 1)), "EntityTooLarge", id="too-large"
        ),
        pytest.param(
            by_ana(
                message("PUT", f"/{SOURCE}?inventory&id=daily", CONFIGURATION),
                payload=sha256(b"other").hexdigest(),
            ),
            "XAmzContentSHA256Mismatch",
            id="other-hash",
        ),
        pytest.param(
            put_inventory(headers=[("content-md5", b64encode(md5(b"x").digest()).decode())]),  # noqa: S324
            "BadDigest",
            id="other-md5",
        ),
        pytest.param(
            put_inventory(headers=[("x-amz-expected-bucket-owner", "0000")]),
            "InvalidBucketOwnerAWSAccountID",
            id="bad-owner",
        ),
        pytest.param(put_inventory(bucket="acme-gone"), "NoSuchBucket", id="source-does-not-exist"),
        pytest.param(
            put_inventory(CONFIGURATION.replace(b"arn:aws:", b"arn:aws-cn:")),
            "InvalidS3DestinationBucket",
            id="other-partition",
        ),
    ],
)
async def test_what_s3_would_refuse_is_refused_before_policy(
    stage: Stage, wire: Message, code: str
) -> None:
    """I11: no question, no record, nothing sent."""
    exchange = await stage.dispatch(wire)
    assert exchange.code == code
    assert not {"evaluate", "record allow", "record deny"} & set(stage.trace)
    assert stage.upstream.sent == []


async def test_an_identity_encoding_is_none(stage: Stage) -> None:
    """Some clients say so."""
    assert (await stage.dispatch(gzip_put("identity"))).status == 204


async def test_two_different_expected_owners_are_refused(stage: Stage) -> None:
    """I14: header and query must agree."""
    plain = message(
        "PUT",
        f"/{SOURCE}?inventory&id=daily&x-amz-expected-bucket-owner={ACCOUNT}",
        CONFIGURATION,
        [("x-amz-expected-bucket-owner", "444455556666")],
    )
    exchange = await stage.dispatch(presigned(plain, ANA, at=NOW), secure=True)
    assert exchange.code == "InvalidArgument"
    assert stage.upstream.sent == []


async def test_a_body_that_breaks_off_is_judged_by_nobody(stage: Stage) -> None:
    """I11: half a document is none."""
    exchange = await stage.dispatch(put_inventory(), [CONFIGURATION[:100], broke_off()])
    assert exchange.code == "IncompleteBody"
    assert stage.trace == ["answer 400", "access 400"]


@pytest.mark.parametrize("remote", ["192.0.2.7", "127.0.0.1", "::1"])
@pytest.mark.parametrize("sign", ["header", "presigned"])
async def test_an_unsigned_body_in_the_clear_is_refused(
    stage: Stage, remote: str, sign: str
) -> None:
    """I12: it could have been changed on the way; a proxy on this machine makes all seem local."""
    plain = message("PUT", f"/{SOURCE}?inventory&id=daily", CONFIGURATION)
    wire = (
        signed(plain, ANA, at=NOW, payload=UNSIGNED)
        if sign == "header"
        else presigned(plain, ANA, at=NOW)
    )
    exchange = await stage.dispatch(wire, remote=remote)
    assert (exchange.status, exchange.code) == (400, "InvalidRequest")
    assert "Use https, or sign the body" in exchange.error["Message"]
    assert (stage.upstream.sent, stage.journal.records) == ([], {})
    assert (await stage.dispatch(wire, remote=remote, secure=True)).status == 204


async def test_an_undeclared_body_is_taken_in_the_clear(stage: Stage) -> None:
    """I12: its hash is what the signature was verified over; another body is another signature."""
    plain = message("PUT", f"/{SOURCE}?inventory&id=daily", CONFIGURATION)
    wire = signed(plain, ANA, at=NOW, declare=False)
    changed = CONFIGURATION.replace(b"Daily", b"Weekly")
    assert (await stage.dispatch(wire, [changed])).code == "SignatureDoesNotMatch"
    assert stage.upstream.sent == []
    assert (await stage.dispatch(wire, remote="192.0.2.7")).status == 204


async def test_an_account_that_is_none_is_not_asked_about(stage: Stage) -> None:
    """Only twelve digits can be an owner; policy says the rest."""
    body = CONFIGURATION.replace(ACCOUNT.encode(), b"1234")
    await stage.put(body)
    assert stage.facts.asked == [(SOURCE, "ana", ""), (DESTINATION, "ana", "")]


async def test_without_an_account_nobody_is_asked_about(stage: Stage) -> None:
    """The same where it is missing."""
    await stage.put(CONFIGURATION.replace(f"<AccountId>{ACCOUNT}</AccountId>".encode(), b""))
    assert stage.facts.asked == [(SOURCE, "ana", ""), (DESTINATION, "ana", "")]


async def test_a_disabled_configuration_is_judged_like_any_other(stage: Stage) -> None:
    """It can be armed later."""
    stage.engine.answer = answer("INV001")
    exchange = await stage.put(CONFIGURATION.replace(b"true", b"false"))
    assert exchange.status == 403


async def test_two_decisions_never_share_anything(stage: Stage) -> None:
    """I16, I23: each call has a record, an outcome and an answer of its own."""
    dispatcher = stage.dispatcher
    for key, who in ((ANA, "ana"), (TOKEN_KEY, "tom")):
        plain = message("PUT", f"/{SOURCE}?inventory&id=daily", CONFIGURATION)
        wire = signed(plain, key, at=NOW)
        exchange = FakeExchange([wire.body])
        await dispatcher.dispatch(Head(wire.method, wire.target, wire.headers), exchange)
        assert exchange.header("x-inventory-gateway-decision-id") == (
            "decision-1" if who == "ana" else "decision-2"
        )
    records = stage.journal.records
    assert [record.principal for record in records.values()] == ["ana", "tom"]
    assert set(stage.journal.outcomes) == set(records)
    assert replace(
        records["decision-1"], principal="", decision_id="", input={}, request_id=""
    ) == (replace(records["decision-2"], principal="", decision_id="", input={}, request_id=""))


async def test_the_destination_is_one_of_the_principals_buckets(stage: Stage) -> None:
    """I9: the bucket that the body names is checked like the bucket in the path.

    Whoever holds a key could otherwise send the listing to a bucket of their own: in the same
    Region, with its real owner as AccountId and a bucket policy that answers HeadBucket, all
    default rules pass. The look-up tells, besides, whether any bucket in the world exists.
    """
    exchange = await stage.put(CONFIGURATION.replace(DESTINATION.encode(), b"evil-bucket"))
    assert exchange.status == 403
    assert stage.upstream.sent == []


@pytest.mark.parametrize("inventory_id", ["other", "Daily", "daily."])
async def test_another_id_than_the_documents_is_refused(stage: Stage, inventory_id: str) -> None:
    """I13: the id in the query is the id in the document, or nobody is asked at all."""
    exchange = await stage.put(inventory_id=inventory_id)
    assert exchange.error["Message"] == (
        "Document ID does not match the specified configuration ID."
    )
    assert stage.trace == ["answer 400", "access 400"]


@pytest.mark.parametrize(
    ("destinations", "status"),
    [((), 204), (("acme-inv*",), 204), (("reports", "acme-inventory"), 204), (("reports",), 403)],
)
async def test_destinations_have_globs_of_their_own(
    stage: Stage, destinations: tuple[str, ...], status: int
) -> None:
    """I9: where given, they stand in place of the principal's buckets; nothing is looked up."""
    key = known()
    principal = replace(key.principal, destinations=destinations)
    stage.store.add(replace(key, principal=principal))
    exchange = await stage.put()
    assert exchange.status == status
    if status == 403:
        assert DESTINATION in exchange.error["Message"]
        assert stage.trace == ["answer 403", "access 403"]


# --- optional facts -------------------------------------------------------------------------------


async def test_optional_facts_are_part_of_the_question(stage: Stage) -> None:
    """They are about this configuration, and asked in the principal's name."""
    reader = FakeFactReader()
    stage.readers.append(reader)
    await stage.put()
    [(subject, principal)] = reader.asked
    assert subject == Subject(
        source=SOURCE,
        source_region="eu-central-1",
        inventory_id="daily",
        source_account=ACCOUNT,
        destination=DESTINATION,
        destination_region="eu-central-1",
        destination_account=ACCOUNT,
        encryption=SseS3(),
    )
    assert principal.name == "ana"
    question = stage.engine.questions[0]
    assert question["destination"]["delivery"] == {"allowed": True}  # type: ignore[index]
    assert question["facts"] == {"delivery": {"age_seconds": 0}}
    assert stage.journal.only.input == question


async def test_owner_of_the_source_is_asked_for_only_where_a_fact_depends_on_it(
    stage: Stage,
) -> None:
    """The tags of a bucket are the same, whosever it is."""
    stage.readers.append(FakeFactReader({"/source/tags": {}}, Fact.TAGS))
    await stage.put()
    assert stage.trace[:4] == [*ASKED, "record allow"]
    question = stage.engine.questions[0]
    assert (question["source"]["account"], question["source"]["tags"]) == ("", {})  # type: ignore[index]


async def test_optional_fact_that_cannot_be_had_is_unknown(stage: Stage) -> None:
    """Policy decides without it; the record says why it was not there."""
    stage.readers.append(FakeFactReader(fault=FactUnknown("denied")))
    exchange = await stage.put()
    assert exchange.status == 204
    question = stage.engine.questions[0]
    assert "delivery" not in question["destination"]  # type: ignore[operator]
    assert question["facts"] == {"delivery": {"unknown": "denied"}}


@pytest.mark.parametrize(
    ("role_arn", "headers", "owners", "expected"),
    [
        pytest.param(None, [], {}, "", id="nobodys"),
        pytest.param(None, [], {SOURCE: ACCOUNT}, ACCOUNT, id="that-of-the-destination"),
        pytest.param(f"arn:aws:iam::{OTHER}:role/r", [], {SOURCE: OTHER}, OTHER, id="of-the-role"),
        pytest.param("role", [], {SOURCE: OTHER}, "", id="role-without-account"),
        pytest.param(
            None, [("x-amz-expected-bucket-owner", OTHER)], {SOURCE: OTHER}, OTHER, id="expected"
        ),
    ],
)
async def test_owner_of_the_source_is_one_that_s3_confirms(
    stage: Stage,
    role_arn: str | None,
    headers: list[tuple[str, str]],
    owners: dict[str, str],
    expected: str,
) -> None:
    """The request speaks of accounts; none of them is believed."""
    stage.readers.append(FakeFactReader())
    client = known()
    stage.store.add(replace(client, principal=replace(client.principal, role_arn=role_arn)))
    stage.facts.owners = {**owners, DESTINATION: ACCOUNT}
    await stage.dispatch(put_inventory(headers=headers))
    assert stage.engine.questions[0]["source"]["account"] == expected  # type: ignore[index]


async def test_owner_of_the_destination_is_one_that_s3_confirms(stage: Stage) -> None:
    """The configuration's AccountId alone is the client's word."""
    reader = FakeFactReader()
    stage.readers.append(reader)
    stage.facts.owners = {SOURCE: ACCOUNT, DESTINATION: OTHER}
    await stage.put()
    [(subject, _)] = reader.asked
    assert (subject.destination, subject.destination_account) == (DESTINATION, "")


async def test_destination_that_is_not_known_is_not_asked_about(stage: Stage) -> None:
    """Nobody knows where to ask."""
    reader = FakeFactReader()
    stage.readers.append(reader)
    stage.facts.unreadable.add(DESTINATION)
    await stage.put()
    assert reader.asked == []
    assert "facts" not in stage.engine.questions[0]


async def test_removal_has_no_destination_to_ask_about(stage: Stage) -> None:
    """Only facts about the source are looked up."""
    reader = FakeFactReader()
    stage.readers.append(reader)
    await stage.dispatch(DELETE)
    assert reader.asked == []


# --- what is on record ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "stages"),
    [
        pytest.param([], "verification facts policy journal upstream", id="yes"),
        pytest.param([answer("INV001")], "verification facts policy journal", id="no"),
        pytest.param(
            [answer("INV001", mutations=[ENCRYPT]), answer()],
            "verification facts facts policy policy journal upstream",
            id="patched: facts and policy twice",
        ),
    ],
)
async def test_every_part_of_a_decision_is_timed(
    stage: Stage, policy: list[object], stages: str
) -> None:
    """Until it is recorded with the record, what comes after with the outcome."""
    stage.engine.first = policy
    await stage.put(PLAIN)
    assert stage.journal.measured == {
        f"timer_{name}_ns": times * 500_000_000 for name, times in Counter(stages.split()).items()
    }
    assert set(stage.journal.only.metrics) == {
        "timer_verification_ns",
        "timer_facts_ns",
        "timer_policy_ns",
    }


async def test_what_s3_took_to_say_nothing_is_timed(stage: Stage) -> None:
    """Where it is the longest of all."""
    stage.upstream.answers.append(UpstreamUnavailable("broke_off"))
    await stage.put()
    assert stage.journal.measured["timer_upstream_ns"] == 500_000_000


async def test_the_clients_own_document_is_on_record(stage: Stage) -> None:
    """As it came, beside the canonical one; where nobody could be asked, too; not for a DELETE."""
    await stage.put()
    assert stage.journal.only.received == CONFIGURATION != stage.journal.only.document


async def test_the_clients_own_document_is_on_record_of_a_fault(stage: Stage) -> None:
    """Whoever asks why nobody could decide wants to know about what."""
    stage.facts.fault = FactsUnavailable("facts_timeout")
    await stage.put()
    assert (stage.journal.only.error, stage.journal.only.received) == (
        "facts_timeout",
        CONFIGURATION,
    )


async def test_a_removal_has_no_document(stage: Stage) -> None:
    """None is not an empty one."""
    await stage.dispatch(DELETE)
    assert (stage.journal.only.received, stage.journal.only.document) == (None, None)
