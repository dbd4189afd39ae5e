"""The embedded engine with the shipped bundle: verdicts, hostile input, faults."""

import asyncio
import copy
import gzip
import io
import json
import os
import re
import sys
import tarfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import jsonschema
import pytest

from gateway.adapters import opa_wasm
from gateway.adapters.opa_wasm import PolicyBundle, PolicyBundleError, WasmPolicyEngine
from gateway.core.errors import PolicyUnavailable

SCHEMA = Path(__file__).resolve().parents[2] / "policies/schemas/input.json"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))

TO_BUCKET = "/Destination/S3BucketDestination"
KEY = "arn:aws:kms:eu-central-1:444455556666:key/1111aaaa-22bb-33cc-44dd-5555eeee6666"
NOW = 1795176000000000000

PUT: dict[str, Any] = {
    "schema": "inventory.input/1",
    "action": "s3:PutInventoryConfiguration",
    "request": {
        "id": "4442587FB7D0A2F9",
        "configuration_id": "daily",
        "api": "PutBucketInventoryConfiguration",
        "method": "PUT",
        "region": "eu-central-1",
        "source_ip": "192.0.2.7",
        "user_agent": "Boto3/1.43.0",
        "expected_bucket_owner": "",
        "dry_run": False,
    },
    "principal": {
        "authenticated": True,
        "name": "team-data",
        "method": "sigv4-header",
        "access_key_id": "GWEXAMPLE",
        "account": "111122223333",
        "arn": "",
        "groups": ["data"],
        "tags": {"team": "data"},
    },
    "source": {
        "bucket": "acme-orders",
        "arn": "arn:aws:s3:::acme-orders",
        "region": "eu-central-1",
        "account": "111122223333",
        "known": True,
        "facts_age_seconds": 3,
        "tags": {},
        "versioning": "Enabled",
        "inventories": [],
    },
    "destination": {
        "bucket": "acme-inventory",
        "arn": "arn:aws:s3:::acme-inventory",
        "region": "eu-central-1",
        "account": "444455556666",
        "known": True,
        "facts_age_seconds": 3,
        "owner_verified": True,
    },
    "configuration": {
        "Destination": {
            "S3BucketDestination": {
                "AccountId": "444455556666",
                "Bucket": "arn:aws:s3:::acme-inventory",
                "Format": "Parquet",
                "Prefix": "inventory/acme-orders",
                "Encryption": {"SSEKMS": {"KeyId": KEY}},
            }
        },
        "IsEnabled": True,
        "Id": "daily",
        "IncludedObjectVersions": "Current",
        "OptionalFields": ["Size", "LastModifiedDate", "ETag"],
        "Schedule": {"Frequency": "Daily"},
    },
    "previous_configuration": None,
    "environment": {"time_ns": NOW, "gateway": "gw-1", "mode": "enforce", "stage": "test"},
}
DELETE: dict[str, Any] = {
    **{name: value for name, value in PUT.items() if name not in {"configuration", "destination"}},
    "action": "s3:DeleteInventoryConfiguration",
    "request": {
        **PUT["request"],
        "api": "DeleteBucketInventoryConfiguration",
        "method": "DELETE",
    },
    "previous_configuration": PUT["configuration"],
}
ABSENT = object()


def changed(pointer: str, value: object) -> dict[str, Any]:
    """Return the PUT with one member replaced, or taken out when the value is ABSENT."""
    document: dict[str, Any] = copy.deepcopy(PUT)
    *parents, last = pointer.strip("/").split("/")
    place = document
    for parent in parents:
        place = place[parent]
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return document


def pairs(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the violations as (rule, path)."""
    return [(finding["rule"], finding["path"]) for finding in answer["violations"]]


@pytest.fixture(scope="module")
def bundle() -> PolicyBundle:
    """Return the bundle that ships."""
    return PolicyBundle.shipped()


@pytest.fixture(scope="module")
def engine(bundle) -> Iterator[WasmPolicyEngine]:
    """Compile once: it takes a third of a second. The engine belongs to no event loop."""
    engine = WasmPolicyEngine(bundle)
    yield engine
    asyncio.run(engine.close())


async def decide(engine: WasmPolicyEngine, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the decision alone."""
    value = (await engine.evaluate(document)).value
    assert isinstance(value, dict)
    return value


async def ask(
    bundle: PolicyBundle, document: Mapping[str, Any], **options: Any
) -> Mapping[str, Any]:
    """Ask an engine of its own."""
    engine = WasmPolicyEngine(bundle, threads=1, **options)
    try:
        return await decide(engine, document)
    finally:
        await engine.close()


# --- verdicts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [PUT, DELETE], ids=["put", "delete"])
async def test_the_baseline_is_allowed(engine, document):
    """A sound PUT and a DELETE pass, every rule of the catalogue having run."""
    VALIDATOR.validate(document)
    answer = await decide(engine, document)
    assert answer == {
        "schema": "inventory.decision/1",
        "allow": True,
        "enforcement": "enforce",
        "ready": True,
        "evaluated": sorted(engine.catalog.ids),
        "policy_revision": "default",
        **{name: [] for name in ("violations", "warnings", "dryrun", "exempted")},
        **{name: [] for name in ("mutations", "obligations")},
    }


BUCKET = "configuration" + TO_BUCKET

#: What every rule finds where source and destination, and with it the key, are apart.
APART = [("INV015", f"{TO_BUCKET}/Bucket"), ("INV005", f"{TO_BUCKET}/Encryption/SSEKMS/KeyId")]

#: What is changed in the sound PUT, and what every rule then finds.
CASES = [
    (f"{BUCKET}/Encryption", ABSENT, [("INV001", f"{TO_BUCKET}/Encryption")]),
    (f"{BUCKET}/Encryption", {}, [("INV001", f"{TO_BUCKET}/Encryption")]),
    (f"{BUCKET}/Encryption", {"SSES3": {}}, []),
    (
        f"{BUCKET}/Encryption",
        {"SSES3": {}, "SSEKMS": {"KeyId": KEY}},
        [("INV001", f"{TO_BUCKET}/Encryption")],
    ),
    (
        f"{BUCKET}/Encryption/SSEKMS/KeyId",
        "alias/inventory",
        [("INV004", f"{TO_BUCKET}/Encryption/SSEKMS/KeyId")],
    ),
    (
        f"{BUCKET}/AccountId",
        ABSENT,
        [("INV010", f"{TO_BUCKET}/AccountId")],
    ),
    (f"{BUCKET}/AccountId", "000000000000", [("INV010", f"{TO_BUCKET}/AccountId")]),
    ("destination/owner_verified", False, [("INV012", f"{TO_BUCKET}/AccountId")]),
    (
        f"{BUCKET}/Encryption/SSEKMS/KeyId",
        KEY.replace("eu-central-1", "eu-west-1"),
        [("INV005", f"{TO_BUCKET}/Encryption/SSEKMS/KeyId")],
    ),
    ("destination/region", "eu-west-1", APART),
    ("destination/region", "", APART),
    ("source/region", "eu-west-1", [("INV015", f"{TO_BUCKET}/Bucket")]),
    ("source/known", False, [("INV016", "")]),
    ("destination/known", False, [("INV016", f"{TO_BUCKET}/Bucket")]),
    (
        "configuration/OptionalFields",
        ["Size", "ETag", "Size"],
        [("INV022", "/OptionalFields/2")],
    ),
    ("configuration/OptionalFields", ["Size"] * 500, [("INV022", "/OptionalFields")]),
    ("configuration/OptionalFields", [f"F{n}" for n in range(500)], []),
    (f"{BUCKET}/Prefix", "/inventory", [("INV033", f"{TO_BUCKET}/Prefix")]),
    (f"{BUCKET}/Prefix", "a//b", [("INV033", f"{TO_BUCKET}/Prefix")]),
    (f"{BUCKET}/Prefix", "", []),
]


@pytest.mark.parametrize(("pointer", "value", "expected"), CASES)
async def test_each_rule_points_at_what_it_found(engine, pointer, value, expected):
    """Exactly the expected findings, and no allow beside one."""
    document = changed(pointer, value)
    VALIDATOR.validate(document)
    answer = await decide(engine, document)
    assert pairs(answer) == expected
    assert answer["ready"]
    assert answer["allow"] == (not expected)


@pytest.mark.parametrize(
    "pointer",
    [
        "schema",
        "action",
        "principal",
        "principal/authenticated",
        "source",
        "source/region",
        "source/known",
        "destination",
        "destination/region",
        "destination/known",
        "destination/owner_verified",
        "configuration",
        "configuration/Destination",
        BUCKET,
        f"{BUCKET}/AccountId",
        f"{BUCKET}/Encryption",
        f"{BUCKET}/Encryption/SSEKMS",
        f"{BUCKET}/Encryption/SSEKMS/KeyId",
    ],
)
@pytest.mark.parametrize(
    "value",
    [ABSENT, None, 7, "", "text", [], ["text"], {}, {"a": 1}],
    ids=lambda value: "absent" if value is ABSENT else repr(value),
)
async def test_no_missing_or_mistyped_member_is_allowed(engine, pointer, value):
    """Whatever stands in the place of a member that matters, the rules run and the answer is no."""
    answer = await decide(engine, changed(pointer, value))
    if (pointer, value) == ("source/region", "text"):
        assert pairs(answer) == [("INV015", f"{TO_BUCKET}/Bucket")]
    if (pointer, value) == ("destination/region", "text"):
        assert pairs(answer) == APART
    assert answer["allow"] is False
    assert answer["evaluated"] == sorted(engine.catalog.ids)


async def test_an_answer_comes_with_the_rules_that_gave_it(engine, bundle):
    """The catalogue that must have run, and the bundle's revision for the record."""
    answer = await engine.evaluate(PUT)
    assert answer.catalog is engine.catalog
    assert answer.provenance == {"bundles": {"inventory": {"revision": bundle.revision}}}


async def test_read_only_mappings_are_taken(engine):
    """The pipeline hands over frozen values."""
    assert (await decide(engine, MappingProxyType(PUT)))["allow"]


# --- settings -------------------------------------------------------------------------------------


def org(**rule: object) -> dict[str, Any]:
    """Return settings for INV001."""
    return {"revision": "2026-11-20.1", "inventory": {"rules": {"INV001": rule}}}


SSE_S3 = changed(f"{BUCKET}/Encryption", {"SSES3": {}})
EXEMPTION = {
    "id": "EX-7",
    "rules": ["INV001"],
    "buckets": ["acme-*"],
    "principals": ["team-?ata"],
    "configuration_ids": ["*"],
    "reason": "a reader that knows no KMS",
    "approved_by": "governance",
    "ticket": "GOV-1",
    "expires_ns": NOW + 1,
}
RAISED = {
    "rule": "INV001",
    "path": f"{TO_BUCKET}/Encryption",
    "allowed": ["SSE-KMS"],
}


@pytest.mark.parametrize(
    ("mode", "member", "allow"),
    [
        ("deny", "violations", False),
        ("warn", "warnings", True),
        ("dryrun", "dryrun", True),
        ("dney", "violations", False),
        (False, "violations", False),
    ],
)
async def test_settings_raise_the_minimum_in_their_mode(bundle, mode, member, allow):
    """A finding is always shown, and a typo in the mode denies."""
    answer = await ask(bundle, SSE_S3, org=org(minimum="SSE-KMS", mode=mode))
    assert answer[member] == [RAISED]
    assert answer["allow"] is allow
    assert answer["policy_revision"] == "2026-11-20.1"


async def test_patches_come_with_what_they_would_mend(bundle):
    """And only where settings ask for them."""
    patch = {
        "rule": "INV001",
        "op": "add",
        "path": f"{TO_BUCKET}/Encryption",
        "value": {"SSEKMS": {"KeyId": KEY}},
    }
    for mutate in (True, False):
        settings = org(minimum="SSE-KMS", default_key=KEY, mutate=mutate)
        answer = await ask(bundle, SSE_S3, org=settings)
        assert answer["violations"] == [RAISED]
        assert answer["mutations"] == ([patch] if mutate else [])


@pytest.mark.parametrize("expires_ns", [NOW + 1, NOW, NOW - 1])
async def test_an_exemption_ends_with_its_nanosecond(bundle, expires_ns):
    """Times beyond 53 bits are compared exactly and come back as they were."""
    exemption = {**EXEMPTION, "expires_ns": expires_ns}
    settings = {**org(minimum="SSE-KMS"), "exemptions": [exemption]}
    answer = await ask(bundle, SSE_S3, org=settings)
    shown = {"id": "EX-7", "ticket": "GOV-1", "expires_ns": expires_ns}
    exempted = [{**RAISED, "exemption": shown}]
    assert (answer["violations"], answer["exempted"]) == (
        ([], exempted) if expires_ns > NOW else ([RAISED], [])
    )


# --- hostile strings ------------------------------------------------------------------------------

HOSTILE = [
    '","allow":true,"x":"',
    '"}],"violations":[],"allow":true}',
    "\x00",
    "before\x00after",
    "line\nline\r\n",
    "\\",
    '\\"',
    "\\u0022",
    "\x7f\x1b[2J",
    "\u2028\u2029\ufeff\ufffe",
    "\U0001f600\U0010ffff",
    "{{ }} {value} %s %n ${x}",
    "é" * 8192,
    "x" * 8192,
    '"' * 8192,
    "/" * 8192,
]
PLACES = ["source/bucket", "principal/name", "request/user_agent", "configuration/Id"]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
async def test_hostile_strings_do_not_change_a_verdict(engine, text):
    """Neither towards allow nor towards deny, and nothing of them comes back."""
    sound, broken = copy.deepcopy(PUT), changed("destination/owner_verified", value=False)
    for document in (sound, broken):
        for place in PLACES:
            parent, member = place.split("/")
            document[parent][member] = text
        document["principal"]["tags"][text] = text
    assert await decide(engine, sound) == await decide(engine, PUT)
    expected = await decide(engine, changed("destination/owner_verified", value=False))
    assert await decide(engine, broken) == expected


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
async def test_hostile_strings_satisfy_no_rule(engine, text):
    """Around or instead of a good value they are as bad as any other bad value."""
    for value in (text, "444455556666" + text, text + "444455556666"):
        assert pairs(await decide(engine, changed(f"{BUCKET}/AccountId", value))) == [
            ("INV010", f"{TO_BUCKET}/AccountId")
        ]
    for value in (text, KEY + text, text + KEY):
        answer = await decide(engine, changed(f"{BUCKET}/Encryption/SSEKMS/KeyId", value))
        assert pairs(answer) == [("INV004", f"{TO_BUCKET}/Encryption/SSEKMS/KeyId")]
    answer = await decide(engine, changed("destination/region", "eu-central-1" + text))
    assert pairs(answer) == APART


@pytest.mark.parametrize(
    "value",
    ["\ud800", b"bytes", {1: 2}, 2**64, object()],
    ids=["surrogate", "bytes", "key", "integer", "object"],
)
async def test_what_json_cannot_carry_is_no_question(engine, value):
    """A lone surrogate among them: no answer, so no action."""
    with pytest.raises(PolicyUnavailable) as caught:
        await decide(engine, changed("source/bucket", value))
    assert caught.value.reason == "engine_error"


# --- load and faults ------------------------------------------------------------------------------


async def test_two_hundred_at_once_get_their_own_answers(engine):
    """No answer is another caller's."""
    bad = changed("source/known", value=False)
    answers = await asyncio.gather(
        *(decide(engine, bad if n % 3 == 0 else PUT) for n in range(200))
    )
    assert [answer["allow"] for answer in answers] == [n % 3 != 0 for n in range(200)]


async def test_the_loop_keeps_turning_while_a_policy_is_evaluated(bundle, monkeypatch):
    """An evaluation that does not end keeps nobody but its own caller waiting."""
    engine = WasmPolicyEngine(bundle, threads=1)
    released = threading.Event()
    monkeypatch.setattr(engine._policy, "evaluate", lambda _: {"ended": released.wait(30)})
    async with asyncio.TaskGroup() as group:
        evaluation = group.create_task(decide(engine, PUT))
        await asyncio.sleep(0.01)  # the loop comes back to us, and only so is it released
        assert not evaluation.done()
        released.set()
    assert evaluation.result() == {"ended": True}
    await engine.close()


async def test_many_decisions_do_not_grow_the_instance(bundle):
    """The heap is reset after every decision: thousands fit into a few pages."""
    engine = WasmPolicyEngine(bundle, threads=1, max_memory_pages=32)
    for _ in range(2000):
        assert (await decide(engine, PUT))["allow"]
    assert engine._policy.instances_recreated == 0
    await engine.close()


def runaway_settings() -> dict[str, Any]:
    """Return settings under which a finding of INV001 asks ten million globs: many seconds."""
    exemption = {**EXEMPTION, "rules": ["INV001"] * 1000, "buckets": ["no-match"] * 1000}
    return {"revision": "runaway", "exemptions": [exemption] * 10}


@pytest.mark.parametrize("idle_seconds", [0, 1], ids=["at-once", "after-idling"])
async def test_a_runaway_policy_is_stopped_and_the_next_decision_is_sound(bundle, idle_seconds):
    """The deadline holds inside the engine, whose clock rests; the trapped instance is replaced."""
    engine = WasmPolicyEngine(
        bundle, org=runaway_settings(), threads=1, timeout=0.2, max_memory_pages=16 * 1024
    )
    await asyncio.sleep(idle_seconds)
    with pytest.raises(PolicyUnavailable) as caught:
        await decide(engine, changed(f"configuration{TO_BUCKET}/Encryption", ABSENT))
    assert caught.value.reason == "engine_timeout"
    assert engine._policy.instances_recreated == 1
    assert (await decide(engine, PUT))["allow"]
    await engine.close()


def test_deadlines_are_counted_as_long_as_there_may_be_one():
    """An idle worker is not woken up."""
    counted: list[int] = []
    engine: Any = SimpleNamespace(increment_epoch=lambda: counted.append(1))
    ticker = opa_wasm._Ticker(engine)
    ticker.tick_seconds = 0.001
    ticks = ticker.deadline_ticks(0.004)
    ticker.ensure_running()
    try:
        for rounds in range(3):
            time.sleep(0.1)  # no tick but those that were asked for
            assert len(counted) == rounds * ticks
            ticker.armed()
            deadline = time.monotonic() + 30
            while len(counted) < (rounds + 1) * ticks and time.monotonic() < deadline:
                time.sleep(0.001)
    finally:
        ticker.close()


def test_a_deadline_that_is_set_while_another_is_counted_is_counted_to_its_end():
    """Else a question that comes late in a round could run for ever."""
    counted, ended = list[int](), threading.Event()

    def increment_epoch() -> None:
        counted.append(1)
        if len(counted) == ticks:
            ticker.armed()
        if len(counted) == 2 * ticks:
            ended.set()

    engine: Any = SimpleNamespace(increment_epoch=increment_epoch)
    ticker = opa_wasm._Ticker(engine)
    ticker.tick_seconds = 0.001
    ticks = ticker.deadline_ticks(0.004)
    ticker.ensure_running()
    ticker.armed()
    try:
        assert ended.wait(5)
    finally:
        ticker.close()


async def test_a_large_question_is_answered_and_so_is_the_next(bundle):
    """Room is made for it, and what was judged before or after is not mixed up with it."""
    large = changed("source/inventories", [{"Id": f"inventory-{n}"} for n in range(4000)])
    engine = WasmPolicyEngine(bundle, threads=1)
    for document in (PUT, large, changed("source/known", value=False), large, PUT):
        answer = await decide(engine, document)
        assert pairs(answer) == ([] if document["source"]["known"] else [("INV016", "")])
    assert engine._policy.instances_recreated == 0
    await engine.close()


async def test_other_data_holds_from_the_next_question_on(bundle):
    """The room for questions moves with the data that stands below it."""
    engine = WasmPolicyEngine(bundle, threads=1)
    assert (await decide(engine, SSE_S3))["allow"]
    reasons = {**org(minimum="SSE-KMS"), "exemptions": [{"reason": "x" * 100_000}]}
    engine._policy.set_data({**bundle.data, "org": reasons})
    for _ in range(3):
        assert (await decide(engine, SSE_S3))["violations"] == [RAISED]
    await engine.close()


async def test_an_instance_without_room_beside_its_new_data_is_thrown_away(bundle, monkeypatch):
    """Its old place for questions may lie in the middle of the data."""
    engine = WasmPolicyEngine(bundle, threads=1)
    engine._policy.set_data({**bundle.data, "org": org(minimum="SSE-KMS")})
    with monkeypatch.context() as patch:
        patch.setattr(opa_wasm._Instance, "_reserve", lambda *_: 1 / 0)
        with pytest.raises(PolicyUnavailable):
            await decide(engine, SSE_S3)
    assert (await decide(engine, SSE_S3))["violations"] == [RAISED]
    assert engine._policy.instances_recreated == 1
    await engine.close()


async def test_a_decision_that_waits_too_long_for_its_turn_is_refused(bundle, monkeypatch):
    """The queue is bounded by time as well."""
    engine = WasmPolicyEngine(bundle, threads=1, patience=0.02)
    monkeypatch.setattr(engine._policy, "evaluate", lambda _: time.sleep(0.2))
    with pytest.raises(PolicyUnavailable) as caught:
        await decide(engine, PUT)
    assert caught.value.reason == "engine_timeout"
    await engine.close()


async def test_a_policy_that_eats_memory_is_stopped(bundle):
    """A question that does not fit under the cap gives no answer, the next one does."""
    engine = WasmPolicyEngine(bundle, threads=1, max_memory_pages=16)
    with pytest.raises(PolicyUnavailable) as caught:
        await decide(engine, changed("source/inventories", [{}] * 100_000))
    assert caught.value.reason == "engine_error"
    assert (await decide(engine, PUT))["allow"]
    await engine.close()


async def test_an_oversize_question_is_not_asked(engine):
    """Half a megabyte is beyond any honest configuration."""
    with pytest.raises(PolicyUnavailable) as caught:
        await decide(engine, changed("source/inventories", ["x" * 8192] * 100))
    assert caught.value.reason == "engine_oversize"


async def test_an_oversize_answer_is_refused(bundle):
    """Settings that blow up the answer close the gate."""
    exemption = {**EXEMPTION, "ticket": "x" * 300_000}
    settings = {**org(minimum="SSE-KMS"), "exemptions": [exemption]}
    with pytest.raises(PolicyUnavailable) as caught:
        await ask(bundle, SSE_S3, org=settings)
    assert caught.value.reason == "engine_oversize"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(None, "engine_wrong_type"), (True, "engine_wrong_type"), ([], "engine_wrong_type")],
)
async def test_an_answer_of_another_type_is_refused(bundle, monkeypatch, answer, reason):
    """Only an object can be a decision."""
    engine = WasmPolicyEngine(bundle, threads=1)
    monkeypatch.setattr(engine._policy, "evaluate", lambda _: answer)
    with pytest.raises(PolicyUnavailable) as caught:
        await decide(engine, PUT)
    assert caught.value.reason == reason
    await engine.close()


async def test_no_answer_is_refused(bundle, monkeypatch):
    """An undefined entrypoint is a fault, not an empty verdict."""
    engine = WasmPolicyEngine(bundle, threads=1)
    monkeypatch.setattr(engine._policy, "evaluate_raw", lambda *_: [])
    with pytest.raises(PolicyUnavailable) as caught:
        await decide(engine, PUT)
    assert caught.value.reason == "engine_undefined"
    await engine.close()


async def test_a_start_says_nothing(bundle, caplog):
    """A warning that comes at every start teaches people to overlook warnings."""
    await WasmPolicyEngine(bundle, threads=1).close()
    assert caplog.records == []


async def test_a_closed_engine_says_so(bundle):
    """After close there is no answer, and closing twice does no harm."""
    engine = WasmPolicyEngine(bundle, threads=1)
    await engine.close()
    await engine.close()
    with pytest.raises(PolicyUnavailable) as caught:
        await decide(engine, PUT)
    assert caught.value.reason == "engine_error"


# --- the bundle -----------------------------------------------------------------------------------


def archive(**members: bytes) -> bytes:
    """Pack members as `opa build` does."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w:gz") as tar:
        for name, content in members.items():
            header = tarfile.TarInfo("/" + name.replace("__", "."))
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    return plain.getvalue()


SOUND = {
    "policy__wasm": b"\0asm",
    "data__json": b'{"inventory":{"catalog":{}}}',
    "__manifest": b'{"revision":"r"}',
}


def test_a_bundle_is_read():
    """Module, data and revision, and nothing else."""
    assert PolicyBundle.read(archive(**SOUND, other=b"x")) == PolicyBundle(
        b"\0asm", {"inventory": {"catalog": {}}}, "r"
    )


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (b"", "damaged"),
        (b"not an archive", "damaged"),
        (archive(**SOUND)[:-20], "damaged"),
        (archive(**SOUND)[:40] + b"x" * 40, "damaged"),
        (gzip.compress(b"not a tar file, but long enough" * 40), "damaged"),
        (gzip.compress(bytes(33 * 1024 * 1024)), "more than"),
        (archive(**{**SOUND, "data__json": b"{"}), "damaged"),
        (archive(**{**SOUND, "__manifest": b"\xff"}), "damaged"),
        (archive(**{**SOUND, "__manifest": b"[]"}), "revision"),
        (archive(**{**SOUND, "__manifest": b'{"revision":""}'}), "revision"),
        (archive(**{**SOUND, "data__json": b"{}"}), "catalogue"),
        (archive(**{**SOUND, "data__json": b"[]"}), "catalogue"),
        *(
            (archive(**{name: SOUND[name] for name in SOUND if name != gone}), "no member")
            for gone in SOUND
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "archive",
)
def test_a_damaged_bundle_is_told(damaged, message):
    """Every kind of damage is a sentence, never another exception."""
    with pytest.raises(PolicyBundleError, match=message):
        PolicyBundle.read(damaged)


def test_a_bundle_of_an_organisations_own_is_loaded(bundle, tmp_path):
    """Where it holds what ships, and more."""
    catalog = {**bundle.catalog, "ORG001": bundle.catalog["INV001"]}
    data = json.dumps({"inventory": {"catalog": catalog}}).encode()
    path = tmp_path / "own.tar.gz"
    path.write_bytes(archive(**{**SOUND, "data__json": data}))
    assert set(PolicyBundle.load(path).catalog) == set(catalog)


def test_a_bundle_that_lacks_a_shipped_rule_is_refused(bundle, tmp_path):
    """What no rule asks for is not refused: an older bundle must be built anew."""
    catalog = {rule: entry for rule, entry in bundle.catalog.items() if rule != "INV015"}
    data = json.dumps({"inventory": {"catalog": catalog}}).encode()
    path = tmp_path / "own.tar.gz"
    path.write_bytes(archive(**{**SOUND, "data__json": data}))
    with pytest.raises(PolicyBundleError, match="lacks INV015; build it anew"):
        PolicyBundle.load(path)


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda _: None, "No such file"),
        (lambda path: path.mkdir(), "Is a directory"),
        (os.mkfifo, "not a regular file"),
        (lambda path: (path.write_bytes(b""), path.chmod(0o666)), "mode 0666 lets everybody write"),
        (lambda path: path.write_bytes(b""), "damaged"),
    ],
    ids=["missing", "folder", "fifo", "writable", "empty"],
)
def test_a_bundle_that_may_not_be_trusted_is_refused(tmp_path, prepare, words):
    """Whoever may write it decides what is allowed; which file it is, is said."""
    path = tmp_path / "own.tar.gz"
    prepare(path)
    with pytest.raises(PolicyBundleError, match=f"^{re.escape(str(path))}: .*{words}"):
        PolicyBundle.load(path)


def test_a_member_that_comes_twice_is_refused():
    """Two data documents: readers would disagree on which one counts."""
    doubled = gzip.decompress(archive(data__json=b"{}"))[:1024] + gzip.decompress(archive(**SOUND))
    with pytest.raises(PolicyBundleError, match="two members"):
        PolicyBundle.read(gzip.compress(doubled))


@pytest.mark.parametrize("wasm", [b"", b"\0asm", b"\0asm\x01\0\0\0"])
def test_a_module_that_is_no_policy_is_refused(bundle, wasm):
    """An engine that cannot work is not built."""
    with pytest.raises(PolicyBundleError, match="module"):
        WasmPolicyEngine(PolicyBundle(wasm, bundle.data, "r"))


def test_the_compiler_takes_no_module_of_the_working_directory(bundle, tmp_path, monkeypatch):
    """Whoever may write there must not run code in our name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wasmtime.py").write_text("raise SystemExit('not ours')")
    asyncio.run(WasmPolicyEngine(bundle).close())


@pytest.mark.parametrize("compiler", ["/does/not/exist", "/bin/false"], ids=["absent", "dies"])
def test_without_a_compiler_there_is_no_engine(bundle, monkeypatch, compiler):
    """It says so at the start."""
    monkeypatch.setattr(sys, "executable", compiler)
    with pytest.raises(PolicyBundleError, match="compiler"):
        WasmPolicyEngine(bundle)


def test_machine_code_of_another_kind_is_refused(bundle, monkeypatch):
    """What was compiled without deadlines could not be stopped."""
    monkeypatch.setattr(opa_wasm, "_COMPILER", opa_wasm._COMPILER.replace("True", "False"))
    with pytest.raises(PolicyBundleError, match="cannot be used"):
        WasmPolicyEngine(bundle)


def test_settings_that_are_no_json_are_refused(bundle):
    """At the start, not at the first decision."""
    with pytest.raises(PolicyBundleError, match="data"):
        WasmPolicyEngine(bundle, org={"revision": object()})
