"""After a crash: what S3 holds says what became of a decision."""

from hashlib import sha256
from typing import Any

import pytest

from gateway.core.errors import FactsUnavailable, JournalUnavailable, UpstreamUnavailable
from gateway.core.inventory.document import read_configuration, write_configuration
from gateway.core.journal import JournalEntry
from gateway.core.policy.input import DELETE_ACTION, PUT_ACTION
from gateway.core.ports import Outcome, Principal
from gateway.core.s3.operations import DEFAULT_GROUPS
from gateway.pipeline.reconcile import Reconciler
from tests.support import fake_time
from tests.support.decisions import FakeReader
from tests.support.fake_upstream import FakeResponse
from tests.support.fakes import decision_record
from tests.support.inventory import document
from tests.support.stage import Stage

PUT = write_configuration(read_configuration(document().encode()))
OTHER = write_configuration(read_configuration(document(report="ORC").encode()))
ANA = Principal("analytics-team", ("acme-*",), DEFAULT_GROUPS)
GONE = b"<Error><Code>NoSuchConfiguration</Code></Error>"


def entry(decision_id: str = "d-1", position: int = 1, **changes: Any) -> JournalEntry:
    """A PUT that was allowed."""
    values = {"action": PUT_ACTION, "document": PUT, "document_sha256": sha256(PUT).hexdigest()}
    record = decision_record(decision_id, bucket="acme-orders", **(values | changes))
    return JournalEntry(position, record, None, "w", "0")


REMOVAL: dict[str, Any] = {"action": DELETE_ACTION, "document": None, "document_sha256": ""}


@pytest.fixture
def stage() -> Stage:
    """A stage whose bucket is there; no decision is on record."""
    made = Stage()
    made.facts.regions["acme-orders"] = "eu-central-1"
    return made


def reconciler(stage: Stage, reader: FakeReader | None = None, **changes: Any) -> Reconciler:
    """One that knows one principal, and what was decided since."""
    return Reconciler(
        stage.journal,
        stage.facts,
        stage.upstream,
        stage.credentials,
        stage.endpoint,
        {ANA.name: ANA}.get,
        stage.log,
        fake_time.clock,
        reader=reader or FakeReader(),
        region="eu-central-1",
        **changes,
    )


@pytest.mark.parametrize(
    ("decision", "answer", "kind"),
    [
        pytest.param(entry(), FakeResponse(200, pieces=[PUT]), "forwarded", id="held"),
        pytest.param(entry(), FakeResponse(200, pieces=[OTHER]), "failed", id="another is held"),
        pytest.param(entry(), FakeResponse(404, pieces=[GONE]), "failed", id="nothing is held"),
        pytest.param(entry(**REMOVAL), FakeResponse(404, pieces=[GONE]), "forwarded", id="removed"),
        pytest.param(entry(**REMOVAL), FakeResponse(200, pieces=[PUT]), "failed", id="not removed"),
        pytest.param(
            entry(),
            FakeResponse(404, pieces=[b"<Error><Code>NoSuchBucket</Code></Error>"]),
            "unknown",
            id="no bucket",
        ),
        pytest.param(entry(), FakeResponse(403), "unknown", id="not to be read"),
        pytest.param(entry(), FakeResponse(200, pieces=[b"<x/>"]), "unknown", id="no document"),
        pytest.param(entry(), UpstreamUnavailable("connect_refused"), "unknown", id="no answer"),
        pytest.param(entry(principal="left"), None, "unknown", id="principal is gone"),
        pytest.param(entry(allow=False), None, "refused", id="denied"),
    ],
)
async def test_outcome_is_what_s3_says(stage: Stage, decision: JournalEntry, answer, kind: str):
    """A denied decision needs no question; without an answer it stays unknown, and is marked so."""
    if answer is not None:
        stage.upstream.answers.append(answer)
    await reconciler(stage).reconcile([decision])
    assert stage.journal.outcomes == {"d-1": Outcome(kind)}
    assert [outcome.kind for _, outcome in stage.log.decisions] == [kind]
    assert len(stage.upstream.sent) == (answer is not None)


async def test_question_is_a_signed_read(stage: Stage):
    """GetBucketInventoryConfiguration, for the principal that asked then."""
    stage.upstream.answers.append(FakeResponse(200, pieces=[PUT]))
    await reconciler(stage).reconcile([entry()])
    (sent,) = stage.upstream.sent
    assert sent.request.method == "GET"
    assert sent.request.url.endswith("/acme-orders?inventory&id=daily")
    assert (sent.header("authorization") or "").startswith("AWS4-HMAC-SHA256 ")
    assert stage.facts.asked == [("acme-orders", ANA.name, "")]


async def test_facts_that_cannot_be_had_leave_it_unknown(stage: Stage):
    """It is not asked without knowing where."""
    stage.facts.fault = FactsUnavailable("region_unknown")
    await reconciler(stage).reconcile([entry()])
    assert (stage.journal.outcomes, stage.upstream.sent) == ({"d-1": Outcome("unknown")}, [])


async def test_question_is_bounded(stage: Stage):
    """One that hangs does not keep the others."""
    stage.upstream.answers.append(TimeoutError())
    stage.upstream.answers.append(FakeResponse(200, pieces=[PUT]))
    await reconciler(stage, patience=5.0).reconcile([entry("d-1", inventory_id="x"), entry("d-2")])
    assert stage.journal.outcomes == {"d-1": Outcome("unknown"), "d-2": Outcome("forwarded")}


LATER: dict[str, Any] = {"document": OTHER, "document_sha256": sha256(OTHER).hexdigest()}


@pytest.mark.parametrize(
    ("later", "kind"),
    [
        pytest.param([entry("d-2", 3, **LATER)], "unknown", id="put"),
        pytest.param([entry("d-2", 3, **REMOVAL)], "unknown", id="removed"),
        pytest.param(
            [entry("d-2", 3, **LATER, result={"would_refuse": True})], "unknown", id="observed"
        ),
        pytest.param([entry("d-2", 3, **LATER, allow=False)], "failed", id="refused"),
        pytest.param([entry("d-2", 3, inventory_id="x")], "failed", id="another configuration"),
        pytest.param(
            [entry(f"d-{n}", n, inventory_id="x") for n in range(2, 502)], "unknown", id="many"
        ),
    ],
)
async def test_what_may_have_been_overwritten_is_unknown(
    stage: Stage, later: list[JournalEntry], kind: str
):
    """I16: clients are served meanwhile, by others too; who writes again hides no effect."""
    stage.upstream.answers.append(FakeResponse(200, pieces=[OTHER]))
    reader = FakeReader([entry("d-1"), *later])
    await reconciler(stage, reader).reconcile([entry("d-1")])
    assert stage.journal.outcomes == {"d-1": Outcome(kind)}


async def test_a_journal_that_cannot_be_read_leaves_it_unknown(stage: Stage):
    """Then nobody can say that nothing came after it."""
    stage.upstream.answers.append(FakeResponse(404, pieces=[GONE]))
    reader = FakeReader()
    reader.fault = JournalUnavailable("journal_read")
    await reconciler(stage, reader).reconcile([entry("d-1")])
    assert stage.journal.outcomes == {"d-1": Outcome("unknown")}


async def test_journal_that_takes_no_outcome_is_told(stage: Stage):
    """And the next start asks again."""
    stage.journal.fault = JournalUnavailable("journal_queue_full")
    await reconciler(stage).reconcile([entry(allow=False)])
    assert [fault["reason"] for fault in stage.log.faults] == ["journal_queue_full"]
