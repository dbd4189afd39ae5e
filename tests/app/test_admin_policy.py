"""The playground and the rules of the admin page, over the shipped policy."""

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters import opa_wasm
from gateway.adapters.principals_file import PrincipalsFile
from gateway.admin.ports import Attempt, Trial
from gateway.app.admin_policy import AdminPolicy
from gateway.app.policy import SettledPolicy
from gateway.app.settings import Settings
from gateway.core.errors import FactsUnavailable, PolicyUnavailable
from gateway.core.journal import Verdict
from gateway.core.policy.catalog import Catalog
from gateway.core.policy.fact import FactUnknown
from gateway.pipeline.optional_facts import OptionalFacts
from tests.support.fake_event_log import FakeEventLog
from tests.support.fake_fact_reader import FakeFactReader
from tests.support.fakes import FakeBucketFacts
from tests.support.inventory import ACCOUNT, document, optional_fields
from tests.support.site import write_principals

NOW = datetime(2026, 11, 21, tzinfo=UTC)
KEY = "arn:aws:kms:eu-central-1:444455556666:key/1111aaaa-22bb-33cc-44dd-5555eeee6666"
ORG = f"""
org:
  revision: r-1
  inventory:
    rules:
      INV001: {{minimum: SSE-KMS, default_key: "{KEY}", mutate: true}}
      INV033: {{mode: warn}}
  exemptions:
    - {{id: EX-1, rules: [INV030], buckets: ["*"], principals: ["*"], configuration_ids: ["*"],
       reason: r, ticket: T-1, approved_by: a, expires: 2027-01-01T00:00:00Z}}
"""
UNENCRYPTED = document(encryption="")
SHAPE = {
    "Id": "daily",
    "IsEnabled": True,
    "IncludedObjectVersions": "Current",
    "Schedule": {"Frequency": "Daily"},
    "Destination": {
        "S3BucketDestination": {
            "AccountId": ACCOUNT,
            "Bucket": "arn:aws:s3:::acme-inventory",
            "Format": "Parquet",
        }
    },
}


@pytest.fixture(scope="module")
def opened() -> Iterator[dict[str, SettledPolicy]]:
    """Policies by the text of their settings: each takes seconds to open."""
    made: dict[str, SettledPolicy] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opa_wasm, "_compiled", functools.cache(opa_wasm._compiled))
        yield made
    for policy in made.values():
        asyncio.run(policy.close())


@pytest.fixture
def facts() -> FakeBucketFacts:
    """Two buckets of ours in one Region, one in another."""
    regions = {"acme-orders": "eu-central-1", "acme-inventory": "eu-central-1"}
    return FakeBucketFacts(regions | {"acme-us": "us-east-1"}, dict.fromkeys(regions, ACCOUNT))


@pytest.fixture
async def settled(
    opened: dict[str, SettledPolicy], tmp_path: Path, request: pytest.FixtureRequest
) -> SettledPolicy:
    """The engine in force, under the settings of the parameter."""
    text = getattr(request, "param", "")
    if text not in opened:
        path = tmp_path / "policy.yaml"
        path.write_text(text)
        settings = Settings(policy_settings=path if text else None, policy_timeout_seconds=5)
        opened[text] = await SettledPolicy.open(settings, lambda: NOW, FakeEventLog())
    return opened[text]


@pytest.fixture
def reader() -> FakeFactReader:
    """An optional fact, unknown at first."""
    return FakeFactReader(FactUnknown("denied"))


@pytest.fixture
async def further(facts: FakeBucketFacts, reader: FakeFactReader) -> AsyncIterator[OptionalFacts]:
    """What the settings name."""
    made = OptionalFacts([reader], facts, lambda: 0.0)
    yield made
    await made.close()


@pytest.fixture
def admin(
    settled: SettledPolicy, facts: FakeBucketFacts, further: OptionalFacts, tmp_path: Path
) -> AdminPolicy:
    """What the page is handed."""
    principals = PrincipalsFile.load(write_principals(tmp_path / "principals.yaml"), {})
    return AdminPolicy(settled, facts, further, principals, lambda: NOW)


def pasted(text: str = UNENCRYPTED, **changes: Any) -> Attempt:
    """An attempt of ana's."""
    return replace(Attempt(text, "acme-orders", "ana"), **changes)


def rules(trial: Trial) -> list[str]:
    """What was found."""
    return [f"{finding.rule} {finding.kind}" for finding in trial.findings]


under = functools.partial(pytest.mark.parametrize, "settled", indirect=True)


async def test_what_is_wrong_is_found_and_corrected(admin: AdminPolicy) -> None:
    """The correction is in the text as it was pasted, and is judged as well."""
    trial = await admin.attempt(pasted())
    assert (trial.verdict, rules(trial)) == (Verdict.DENY, ["INV001 refuses"])
    assert trial.corrected == document(encryption="<Encryption><SSE-S3></SSE-S3></Encryption>")
    assert trial.still == ()
    assert {line.mark for line in trial.changes} == {"-", "+"}


async def test_json_stays_json(admin: AdminPolicy) -> None:
    """With its lines and its order."""
    trial = await admin.attempt(pasted(json.dumps(SHAPE, indent=2)))
    expected = json.loads(json.dumps(SHAPE))
    expected["Destination"]["S3BucketDestination"]["Encryption"] = {"SSES3": {}}
    assert json.loads(trial.corrected) == expected
    assert [line.text.strip() for line in trial.changes if line.mark == "+"][-1].startswith(
        '"Encryption"'
    )


async def test_what_is_left_to_its_author_is_named(admin: AdminPolicy) -> None:
    """Nobody but them knows which bucket they meant."""
    text = document(
        encryption="", bucket="arn:aws:s3:::acme-us", fields=optional_fields("Size", "Size")
    )
    trial = await admin.attempt(pasted(text))
    assert {"INV001 refuses", "INV015 refuses", "INV022 refuses"} <= {*rules(trial)}
    assert "<Field>Size</Field></OptionalFields>" in trial.corrected
    assert "INV015" in trial.still
    assert "INV022" not in trial.still


async def test_what_is_right_is_allowed_as_it_is(admin: AdminPolicy) -> None:
    """There is nothing to correct."""
    trial = await admin.attempt(pasted(document()))
    assert (trial.verdict, trial.findings, trial.corrected) == (Verdict.ALLOW, (), "")


async def test_buckets_are_looked_up_as_for_a_request(
    admin: AdminPolicy, facts: FakeBucketFacts
) -> None:
    """With the principal's own role, and AccountId as the owner to confirm."""
    await admin.attempt(pasted())
    assert facts.asked[:2] == [("acme-orders", "ana", ""), ("acme-inventory", "ana", ACCOUNT)]


@pytest.mark.parametrize(
    ("allowed", "expected"), [(True, []), (False, ["INV018 warns"])], ids=["allowed", "denied"]
)
async def test_optional_facts_are_looked_up_as_well(
    admin: AdminPolicy, reader: FakeFactReader, allowed: bool, expected: list[str]
) -> None:
    """Else the page would say other things than the gate."""
    reader.value = {"/destination/delivery": {"allowed": allowed}}
    assert rules(await admin.attempt(pasted(document()))) == expected
    ((subject, principal),) = reader.asked
    assert (subject.source, subject.destination) == ("acme-orders", "acme-inventory")
    assert (subject.source_account, subject.destination_account) == (ACCOUNT, ACCOUNT)
    assert principal.name == "ana"


async def test_what_stands_under_the_id_is_a_fact_of_its_own(
    admin: AdminPolicy, reader: FakeFactReader
) -> None:
    """It belongs to no bucket's section of the question."""
    reader.value = {"/source/inventories": [], "/previous_configuration": None}
    assert (await admin.attempt(pasted(document()))).verdict is Verdict.ALLOW


async def test_of_an_unknown_destination_little_is_asked(
    admin: AdminPolicy, facts: FakeBucketFacts, reader: FakeFactReader
) -> None:
    """What depends on it cannot be asked at all."""
    facts.unreadable.add("acme-inventory")
    trial = await admin.attempt(pasted(document()))
    assert "INV016 refuses" in rules(trial)
    assert reader.asked == []


async def test_facts_may_be_assumed_instead(admin: AdminPolicy, facts: FakeBucketFacts) -> None:
    """Then nobody asks S3."""
    facts.fault = FactsUnavailable("facts_timeout")
    here = {"look_up": False, "source_region": "eu-central-1"}
    there = pasted(document(), **here, destination_region="us-east-1")
    assert "INV015 refuses" in rules(await admin.attempt(there))
    same = pasted(document(), **here, destination_region="eu-central-1")
    assert (await admin.attempt(same)).verdict is Verdict.ALLOW
    unowned = replace(same, owner_verified=False)
    assert "INV012 refuses" in rules(await admin.attempt(unowned))


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        pytest.param(pasted("<A"), "well-formed", id="no document"),
        pytest.param(pasted('{"Id": "x",}'), "JSON", id="no JSON"),
        pytest.param(pasted(""), "JSON", id="nothing"),
        pytest.param(pasted("\ud800"), "JSON", id="no text"),
        pytest.param(pasted("x" * 65_537), "65536 bytes", id="too long"),
        pytest.param(pasted('{"InventoryConfigurationList": []}'), "one configuration", id="none"),
        pytest.param(pasted(bucket="a/b"), "none that S3 could have", id="no bucket"),
        pytest.param(pasted(bucket="foreign"), "ana may not use the bucket", id="not hers"),
        pytest.param(
            pasted(document(bucket="arn:aws:s3:::other")), "may not have S3 deliver", id="delivery"
        ),
        pytest.param(pasted(document(bucket="arn:x")), "ARN", id="no ARN"),
        pytest.param(pasted(principal="mallory"), "No principal of that name", id="nobody"),
        pytest.param(pasted(bucket="acme-none"), "no bucket acme-none", id="absent"),
        pytest.param(
            pasted(look_up=False, source_region="<b>"), "'<b>' is no Region", id="no Region"
        ),
    ],
)
async def test_what_cannot_be_asked_is_said(
    admin: AdminPolicy, attempt: Attempt, words: str
) -> None:
    """As the gateway would say it, where it is the gateway that refuses."""
    trial = await admin.attempt(attempt)
    assert trial.verdict is None
    assert words in trial.problem


async def test_who_may_use_no_inventories_cannot_try_one(
    settled: SettledPolicy, facts: FakeBucketFacts, further: OptionalFacts, tmp_path: Path
) -> None:
    """As the gateway would refuse the request before it looks at the document."""
    file = write_principals(tmp_path / "principals.yaml")
    file.write_text(
        file.read_text().replace("    buckets", "    groups: [objects]\n    buckets", 1)
    )
    admin = AdminPolicy(settled, facts, further, PrincipalsFile.load(file, {}), lambda: NOW)
    trial = await admin.attempt(pasted())
    assert trial == Trial(None, "ana may not use the operations on inventories.")
    assert facts.asked == []


async def test_without_facts_or_policy_there_is_no_answer(
    admin: AdminPolicy,
    facts: FakeBucketFacts,
    settled: SettledPolicy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The page says what a client would have got: nothing was decided."""
    facts.fault = FactsUnavailable("facts_timeout")
    assert await admin.attempt(pasted()) == Trial(Verdict.ERROR, "facts_timeout")

    async def fault(_: object) -> None:
        raise PolicyUnavailable("engine_timeout")

    facts.fault = None
    monkeypatch.setattr(settled, "evaluate", fault)
    assert await admin.attempt(pasted()) == Trial(Verdict.ERROR, "engine_timeout")
    assert await admin.replay({}) == Trial(Verdict.ERROR, "engine_timeout")


@under([ORG])
async def test_what_the_gateway_fills_in_is_judged_and_shown(admin: AdminPolicy) -> None:
    """The verdict is on what would be sent; the correction has it written out."""
    trial = await admin.attempt(pasted())
    assert trial.verdict is Verdict.ALLOW
    assert trial.applied == ("Destination.S3BucketDestination.Encryption",)
    assert KEY in trial.corrected


@under([ORG])
async def test_a_replay_is_judged_by_the_settings_of_now(
    admin: AdminPolicy, settled: SettledPolicy
) -> None:
    """On the recorded question, whatever was found then."""
    question = json.loads((Path(__file__).parents[2] / "policies/examples/put.json").read_text())
    trial = await admin.replay(question)
    assert trial.verdict is not None
    assert trial.revision.startswith("r-1")
    assert trial.revision == settled.settings_revision


async def test_a_question_of_another_version_is_no_answer(admin: AdminPolicy) -> None:
    """The engine is not ready for what it cannot read."""
    trial = await admin.replay({"schema": "inventory.input/0"})
    assert trial.verdict in (Verdict.ERROR, Verdict.DENY)


@under([ORG])
def test_rules_are_shown_as_they_are_in_force(admin: AdminPolicy) -> None:
    """Modes, and parameters with what was set."""
    found = admin.in_force()
    entries = {rule.id: rule for rule in found.rules}
    assert (found.engine, found.observes, found.problem) == ("wasm", False, "")
    assert found.settings_revision.startswith("r-1")
    assert [exemption.id for exemption in found.exemptions] == ["EX-1"]
    assert entries["INV033"].mode == "warn"
    assert entries["INV030"].mode == "off"
    values = {parameter.name: parameter.value for parameter in entries["INV001"].parameters}
    assert values == {"default_key": f'"{KEY}"', "minimum": '"SSE-KMS"', "mutate": "true"}


@under(["org: {revision: r-2, enforcement: observe}"])
async def test_observing_policy_lets_pass_and_says_so(admin: AdminPolicy) -> None:
    """On the page as in the gate."""
    assert admin.in_force().observes
    assert (await admin.attempt(pasted())).verdict is Verdict.WOULD_DENY


def test_shipped_settings_have_no_revision(admin: AdminPolicy) -> None:
    """And no exemptions."""
    found = admin.in_force()
    assert (found.settings_revision, found.exemptions) == ("", ())
    assert {rule.mode for rule in found.rules} == {"deny", "warn", "off"}


def test_of_an_opa_server_the_catalogue_is_shown(
    settled: SettledPolicy, facts: FakeBucketFacts, further: OptionalFacts, tmp_path: Path
) -> None:
    """Its settings are its own, so that nobody here knows the modes."""

    class Server:
        name = "opa"
        revision = "inventory=abc"
        catalog = Catalog.from_data(settled.entries)

        async def evaluate(self, _: object) -> Any:
            raise PolicyUnavailable("engine_error")

    principals = PrincipalsFile.load(write_principals(tmp_path / "principals.yaml"), {})
    found = AdminPolicy(Server(), facts, further, principals, lambda: NOW).in_force()
    assert (found.engine, len(found.rules)) == ("opa", len(settled.entries))
    assert {rule.mode for rule in found.rules} == {""}


def test_the_principals_of_the_file_may_be_tried(admin: AdminPolicy) -> None:
    """By name; their keys are nobody's business here."""
    assert list(admin.principals()) == ["ana", "tom", "root"]
