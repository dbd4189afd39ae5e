"""`inventory.repeats/1`, what the shipped bundle promises: the decision cache rests on it.

No rule reads the id of a request or the age of a fact, and time is held against nothing but the
times that settings name. Proven twice: by what the sources can reach, and by what they answer.
"""

import copy
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gateway.adapters.opa_command import OpaCommand
from gateway.adapters.opa_wasm import PolicyBundle, WasmPolicyEngine
from gateway.core.policy.version import PolicyVersion
from gateway.pipeline.decision_cache import question_key

CATALOG = PolicyBundle.shipped().data["inventory"]["catalog"]
#: Where the input is taken apart: the only file that may name it.
DOCUMENT = "inventory/lib/document.rego"
TIMED = ("inventory/lib/exemptions.rego", "inventory/rules/governance/no_freeze.rego")
NOW = 1795176000000000000
ABSENT = object()

ROOT = Path(__file__).resolve().parents[2] / "policies"
SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in ROOT.rglob("*.rego")
    if not path.name.endswith("_test.rego")
)
every_source = pytest.mark.parametrize("source", SOURCES)
#: `bucket` is source or destination, `_counted` one of two counts.
READ = {
    '"action"',
    '"configuration"',
    '"previous_configuration"',
    '["configuration", "Id"]',
    '["configuration"]',
    '["destination", "bucket"]',
    '["destination", "delivery", "allowed"]',
    '["destination", "delivery"]',
    '["destination", "in_organisation"]',
    '["destination", "key_policy", "allowed"]',
    '["destination", "key_policy"]',
    '["destination", "owner_verified"]',
    '["destination", "public_access_blocked"]',
    '["destination", "region"]',
    '["destination"]',
    '["environment", "time_ns"]',
    '["previous_configuration", "Destination", "S3BucketDestination"]',
    '["previous_configuration", "Id"]',
    '["principal", "authenticated"]',
    '["principal", "name"]',
    '["request", "configuration_id"]',
    '["request", "expected_bucket_owner"]',
    '["schema"]',
    '["source", "account"]',
    '["source", "bucket"]',
    '["source", "inventories"]',
    '["source", "region"]',
    '["source", "tags"]',
    '["source", "version_count"]',
    '["source", _counted]',
    '["source"]',
    '[bucket, "known"]',
    "path",
}


def code(policies: Path, source: str) -> str:
    """A source without its comments."""
    lines = (policies / source).read_text().splitlines()
    return "\n".join(line.partition("#")[0] for line in lines if not line.startswith("#"))


# --- what the sources can reach -------------------------------------------------------------------


def test_all_that_is_read_of_a_question_is_known(policies):
    """By paths, through one library: who adds one holds it against the promise, then names it."""
    read = set()
    for source in SOURCES:
        whole = r"document\.document" if source != DOCUMENT else r"\bdocument"
        paths = rf"document\.at\((.*?)\)|object\.get\(\s*{whole},\s*(\[.*?\]|\S+),"
        read |= {"".join(path) for path in re.findall(paths, code(policies, source))}
    assert read == READ


@every_source
def test_no_rule_takes_a_question_whole(policies, source):
    """Nothing walks through it, so that paths are all there is."""
    text = code(policies, source)
    assert not re.search(r"\bwalk\(|\bjson\.", text)
    if source == DOCUMENT:
        return
    assert not re.search(r"\binput\b", text.replace('"inventory.input/1"', ""))
    rest = re.sub(r"object\.get\(\s*document\.document,", "", text)
    assert not re.search(r"document\.document\b", rest)
    # Of a section as a whole rules only ask that it is there.
    rest = re.sub(r'is_object\(document\.at\(\["[a-z]+"\]\)\)', "", rest)
    assert not re.search(r'document\.at\(\["(request|source|destination|environment)"\]\)', rest)


@every_source
def test_time_is_read_where_it_is_held_against_settings(policies, source):
    """In two places, into `now`, which is compared with `…_ns` and handed on to be compared."""
    text = code(policies, source)
    assert not re.search(r"\btime\.", text)
    if source not in TIMED:
        assert not re.search(r"time_ns|\bnow\b", text)
        return
    rest = text.replace('now := document.at(["environment", "time_ns"])', "")
    rest = rest.replace("is_number(now)", "")
    rest = re.sub(r"_(outside|within)\(window, now\)", "", rest)
    rest = re.sub(r"now < \w+\.\w+_ns|\w+\.\w+_ns <= now", "", rest)
    assert not re.search(r"time_ns|\bnow\b", rest)


def test_the_bundle_that_ships_promises_it():
    """In its manifest: else nothing of it would be kept."""
    assert PolicyBundle.shipped().repeats


def test_rules_of_an_organisations_own_promise_nothing(builder, opa, policies, tmp_path):
    """They may read anything: with one beside ours, what the manifest says is not taken."""
    sources = shutil.copytree(policies, tmp_path / "policies")
    custom, entry = sources / "inventory/custom", sources / "inventory/catalog/ACME1"
    for folder in (custom, entry):
        folder.mkdir()
    (custom / "night.rego").write_text(
        'package inventory.custom.night\n\nid := "ACME1"\n\n'
        "findings contains {} if input.environment.time_ns % 2 == 0\n"
    )
    shutil.copy(sources / "inventory/catalog/INV001/data.yaml", entry / "data.yaml")
    archive = builder.build(sources, OpaCommand(opa), repeats=builder.REPEATS)
    bundle = PolicyBundle.read(archive)
    assert "ACME1" in bundle.catalog
    assert not bundle.repeats


# --- what they answer -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def examples(writer: ModuleType) -> Any:
    """Return the shipped policy, ready to be asked about the examples."""
    return writer.Examples(PolicyBundle.shipped(), json.loads(writer.EXAMPLE.read_text()))


def repetitions(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same question as it might come again, and as hostile a one as has the same key."""
    for member, values in {
        ("request", "id"): ("other", "", ABSENT, 7, ["INV001"]),
        ("source", "facts_age_seconds"): (0, 2**31 - 1, ABSENT, "old", None),
        ("destination", "facts_age_seconds"): (0, 2**31 - 1, ABSENT, "old", None),
    }.items():
        for value in values:
            again = copy.deepcopy(document)
            section, name = member
            if section not in again:
                continue
            again[section].pop(name, None)
            if value is not ABSENT:
                again[section][name] = value
            yield again


@pytest.mark.parametrize("side", ["refused", "allowed"])
@pytest.mark.parametrize("rule", sorted(CATALOG))
def test_a_repeated_question_has_the_same_answer(examples, rule, side):
    """Of every rule, refused and allowed, with each member changed and gone."""
    example = CATALOG[rule][side]
    settings = {rule: example.get("settings", {})}
    document = examples.document(example)
    version = PolicyVersion("b", repeats=True)
    answer = examples.evaluate(document, settings)
    for again in repetitions(document):
        assert question_key(again, version) == question_key(document, version)
        assert examples.evaluate(again, settings) == answer


async def test_all_times_of_a_span_have_the_same_answer(examples):
    """Freezes and exemptions, at the nanosecond before each of their times, at it, and after."""
    starts, ends, expires = NOW, NOW + 10**12, NOW + 2 * 10**12
    exemption = {
        **dict.fromkeys(("reason", "ticket", "approved_by"), "text"),
        **{name: ["*"] for name in ("buckets", "principals", "configuration_ids")},
        "id": "EX-1",
        "rules": ["INV001"],
        "expires_ns": expires,
    }
    rules = {
        "INV001": {"minimum": "SSE-KMS"},
        "INV052": {"windows": [{"starts_ns": starts, "ends_ns": ends}]},
    }
    org = {"revision": "r", "inventory": {"rules": rules}, "exemptions": [exemption]}
    version = PolicyVersion.of("b", org, repeats=True)
    assert version.instants == (starts, ends, expires)
    document = examples.document(CATALOG["INV001"]["refused"])
    engine = WasmPolicyEngine(PolicyBundle.shipped(), org=org, threads=1, timeout=60, patience=60)
    answers: dict[object, list[Any]] = {}
    for instant in (1, *version.instants):
        for distance in (-(10**11), -1, 0, 1, 10**11):
            document["environment"]["time_ns"] = max(0, instant + distance)
            key = question_key(document, version)
            answers.setdefault(key, []).append((await engine.evaluate(document)).value)
    await engine.close()
    assert [len(same) for same in answers.values()] == [7, 5, 5, 3]
    assert all(answer == same[0] for same in answers.values() for answer in same)
    assert [same[0]["allow"] for same in answers.values()] == [True, False, True, False]
