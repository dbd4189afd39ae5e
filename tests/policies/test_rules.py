"""Every rule by its own examples: pages, settings, modes, facts, and both engines."""

import copy
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from opapywasm import OpaWasmPolicy, PolicyConfig

from gateway.adapters.opa_wasm import PolicyBundle
from gateway.bundle import __file__ as bundle_module

ROOT = Path(__file__).resolve().parents[2]
CATALOG = PolicyBundle.shipped().data["inventory"]["catalog"]
RULES = sorted(CATALOG)
INPUT = Draft202012Validator(json.loads((ROOT / "policies/schemas/input.json").read_text()))
SETTINGS = Draft202012Validator(json.loads((ROOT / "policies/schemas/settings.json").read_text()))
KINDS = ("violations", "warnings", "dryrun", "exempted")

#: Puts every question of a list with its own settings.
ASK = """
[decision |
    some [question, org] in input
    decision := data.inventory.main.decision with input as question with data.org as org
]
"""

every_rule = pytest.mark.parametrize("rule", RULES)
every_side = pytest.mark.parametrize("side", ["refused", "allowed"])


@pytest.fixture(scope="module")
def examples(writer: ModuleType) -> Any:
    """Return the shipped policy, ready to be asked about the examples."""
    return writer.Examples(PolicyBundle.shipped(), json.loads(writer.EXAMPLE.read_text()))


def alone(rule: str, mode: object, example: dict[str, Any]) -> dict[str, Any]:
    """Return settings under which one rule is in force, in a mode."""
    rules = {other: {"mode": "off"} for other in RULES}
    return {**rules, rule: {**example.get("settings", {}), "mode": mode}}


def found(answer: dict[str, Any]) -> dict[str, set[str]]:
    """Return which rules found something, by kind."""
    return {kind: {item["rule"] for item in answer[kind]} for kind in KINDS if answer[kind]}


def without(document: dict[str, Any], pointer: str) -> dict[str, Any]:
    """Return the document without a member."""
    changed = copy.deepcopy(document)
    *parents, last = pointer.strip("/").split("/")
    place = changed
    for parent in parents:
        place = place[parent]
    place.pop(last, None)
    return changed


# --- examples -------------------------------------------------------------------------------------


@every_side
@every_rule
def test_examples_are_what_somebody_could_ask_and_set(examples, rule, side):
    """Question and settings fit their published schemas."""
    example = CATALOG[rule][side]
    INPUT.validate(examples.document(example))
    rules = {rule: example["settings"]} if "settings" in example else {}
    SETTINGS.validate({"org": {"revision": "r", "inventory": {"rules": rules}}})


@every_rule
def test_the_refused_example_is_found_by_its_rule(examples, rule):
    """As shipped, with no more settings than the example shows."""
    entry = CATALOG[rule]
    example = entry["refused"]
    answer = examples.evaluate(examples.document(example), {rule: example.get("settings", {})})
    kind = "warnings" if entry["mode"] == "warn" else "violations"
    assert rule in found(answer)[kind]
    assert answer["allow"] == (kind == "warnings" and not answer["violations"])


@every_rule
def test_the_allowed_example_is_found_by_no_rule(examples, rule):
    """A yes, without so much as a warning."""
    example = CATALOG[rule]["allowed"]
    answer = examples.evaluate(examples.document(example), {rule: example.get("settings", {})})
    assert found(answer) == {}
    assert answer["allow"]
    assert answer["ready"]


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("deny", "violations"),
        ("dney", "violations"),
        (False, "violations"),
        ("warn", "warnings"),
        ("dryrun", "dryrun"),
        ("off", None),
    ],
)
@every_rule
def test_every_rule_alone_does_what_its_mode_says(examples, rule, mode, kind):
    """It denies by itself, a typo in its mode denies as well, and off is off."""
    example = CATALOG[rule]["refused"]
    answer = examples.evaluate(examples.document(example), alone(rule, mode, example))
    assert found(answer) == ({} if kind is None else {kind: {rule}})
    assert answer["allow"] == (kind != "violations")
    assert answer["evaluated"] == RULES


@every_rule
def test_a_rule_that_needs_a_parameter_is_off_until_it_has_one(examples, rule):
    """And a rule that needs none is in force."""
    document = examples.document(CATALOG[rule]["refused"])
    answer = examples.evaluate(document, {})
    required = any(it.get("required") for it in CATALOG[rule]["parameters"].values())
    raised = rule == "INV001"  # its example breaks the raised minimum only
    assert (rule in set().union(*found(answer).values())) == (not required and not raised)


@pytest.mark.parametrize("rule", [rule for rule in RULES if CATALOG[rule]["facts"]])
def test_unknown_facts_are_answered_as_the_page_says(examples, rule):
    """A finding, or no finding."""
    entry = CATALOG[rule]
    document = examples.document(entry["refused"])
    for fact in entry["facts"]:
        document = without(document, fact)
    answer = examples.evaluate(document, alone(rule, "deny", entry["refused"]))
    assert re.match("A finding|No finding", entry["unknown"])
    assert bool(answer["violations"]) == entry["unknown"].startswith("A finding")


@every_rule
def test_a_removal_is_judged_by_the_rules_that_say_so(examples, rule):
    """By who asks, when, and for which id; never by what a removal does not have."""
    entry = CATALOG[rule]
    document = examples.document(entry["refused"])
    document = without(without(document, "/configuration"), "/destination")
    document["action"] = "s3:DeleteInventoryConfiguration"
    document["request"].update(api="DeleteBucketInventoryConfiguration", method="DELETE")
    INPUT.validate(document)
    answer = examples.evaluate(document, alone(rule, "deny", entry["refused"]))
    assert found(answer) == ({"violations": {rule}} if entry["removals"] else {})
    assert answer["ready"]


@every_rule
def test_a_configuration_beside_a_removal_changes_nothing(examples, rule):
    """No honest question has one; it neither breaks a rule nor satisfies one."""
    entry = CATALOG[rule]
    document = examples.document(entry["refused"])
    document["action"] = "s3:DeleteInventoryConfiguration"
    document["configuration"]["IsEnabled"] = True
    answer = examples.evaluate(document, alone(rule, "deny", entry["refused"]))
    assert found(answer) == ({"violations": {rule}} if entry["removals"] else {})
    assert not answer["ready"]


def hostile_documents(examples: Any) -> Iterator[dict[str, Any]]:
    """Yield questions with a text of the client's, or a bucket owner's, wherever one may stand."""
    for text in ('","allow":true,"x":"', "{bucket}", "*", "[", "\\", "é\u2028\ufeff😀", "x" * 8192):
        destination: dict[str, Any] = {
            "Bucket": text,
            "Prefix": text,
            "Format": text,
            "AccountId": text,
        }
        destination |= {"Encryption": {"SSEKMS": {"KeyId": text}}}
        written = {
            "Id": text,
            "OptionalFields": [text, text],
            "Schedule": {"Frequency": text},
            "Filter": {"Prefix": text},
            "Destination": {"S3BucketDestination": destination},
        }
        given = {
            "request": {"configuration_id": text, "region": text},
            "principal": {"name": text, "tags": {text: text}},
            "source": {"tags": {text: text, "owner": text}, "inventories": [written]},
            "destination": {"bucket": text, "delivery": {"allowed": False, "reason": text}},
            "previous_configuration": written,
        }
        document = examples.document({"configuration": written, "given": given})
        INPUT.validate(document)
        yield document


def test_both_engines_give_the_same_answers(opa, policies, examples):
    """The interpreter, strict about errors of built-ins, and the compiled module."""
    everything = {rule: CATALOG[rule]["refused"].get("settings", {}) for rule in RULES}
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = [({}, {}), ({}, everything)]
    for rule in RULES:
        for example in (CATALOG[rule]["refused"], CATALOG[rule]["allowed"]):
            document = examples.document(example)
            cases += [(document, {rule: example.get("settings", {})}), (document, everything)]
    cases += [(document, everything) for document in hostile_documents(examples)]
    asked = [(document, examples.data(rules)["org"]) for document, rules in cases]
    done = subprocess.run(
        [
            *(opa, "eval", "--strict-builtin-errors", "--format", "raw", "--stdin-input"),
            *("--bundle", str(policies)),
            ASK,
        ],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [examples.evaluate(*case) for case in cases]


GLOBS = """
    * ** ? ?? a a* *a a?c a**c *.* a.c a+c a|b - ! ] a] é* ?é [é] A \\* \\ ^a$ $ (a) ( a{b a}b {}
    {a} {a {a,b}c {a*,b} {,a} {a,{b,c}} [ [a [a- [a]
    a[bc]d a[!b]c a[b-d]e [-] [*] [?] [z-a] [^a] []a]
    a/* */c a,b *a*b*c* arn:aws:kms:*:4:key/* platform-* %
""".split()
VALUES = """
    a b A d é éa abc ac a.c abd acd ace a*c axc aé a+c a|b a/b/c ab bc {a} [ ] \\ ^a$ $ (a) ( - !
    a,b arn:aws:kms:r:4:key/x arn:aws:kms:r:x:4:key/x platform- a{b a}b 😀 a😀c %
""".split()


def test_settings_take_no_glob_that_the_engines_read_in_two_ways(opa, tmp_path):
    """Parentheses are a group to one of them; what both read alike is taken."""
    source = """package p

    r := {pattern: {value: glob.match(pattern, null, value) | some value in input[1]} |
        some pattern in input[0]
    }
    """
    (tmp_path / "p.rego").write_text(source)
    build = ["build", "--target", "wasm", "--entrypoint", "p/r", "--output", "p.tar.gz", "p.rego"]
    subprocess.run([opa, *build], cwd=tmp_path, check=True)
    with tarfile.open(tmp_path / "p.tar.gz") as tar:
        wasm = tar.extractfile("/policy.wasm").read()  # type: ignore[union-attr]
    compiled = OpaWasmPolicy.from_wasm_bytes(wasm, PolicyConfig(default_entrypoint="p/r"))
    schema = Draft202012Validator({"$ref": "#/$defs/glob", "$defs": SETTINGS.schema["$defs"]})
    differing = set()
    for glob in GLOBS:
        question = json.dumps([[glob], VALUES])
        done = subprocess.run(
            [opa, "eval", "--format", "raw", "--data", "p.rego", "--stdin-input", "data.p.r"],
            cwd=tmp_path,
            input=question,
            capture_output=True,
            text=True,
            check=True,
        )
        if json.loads(done.stdout) != compiled.evaluate(question.encode()):
            differing.add(glob)
    taken = {glob for glob in GLOBS if schema.is_valid(glob)}
    assert {"(a)", "$", "^a$"} <= differing
    assert differing & taken == set()
    assert {"*", "a?c", "a[!b]c", "{a,b}c", "platform-*"} <= taken


# --- settings -------------------------------------------------------------------------------------

EXEMPTION = {
    "id": "EX-7",
    "rules": ["INV030"],
    "buckets": ["legacy-*"],
    "principals": ["*"],
    "configuration_ids": ["*"],
    "reason": "reader takes CSV until the migration",
    "ticket": "GOV-1289",
    "approved_by": "s3-governance",
    "expires": "2027-01-01T00:00:00Z",
}
WRITTEN = """
org:
  revision: "2026-11-20.1"
  accounts: ["111122223333", "444455556666"]
  inventory:
    defaults: {mode: deny}
    rules:
      INV001: {default_key: "arn:aws:kms:us-east-1:444455556666:key/a", mutate: true}
      INV003: {keys: ["arn:aws:kms:*:444455556666:key/*"]}
      INV010: {mutate: true, destination_accounts: {acme-inventory: "444455556666"}}
      INV011: {mode: deny}
      INV013: {buckets: ["acme-inventory-*"]}
      INV018: {mode: warn}
      INV030: {mode: "off"}
      INV032: {template: "inventory/{account}/{bucket}", mutate: true}
      INV052: {windows: [{starts: "2026-12-20T00:00:00+01:00", ends: "2027-01-02T00:00:00Z"}]}
"""


def test_settings_as_an_organisation_writes_them_are_taken():
    """The contract's example, with modes and patches."""
    written = yaml.safe_load(WRITTEN)
    written["org"]["exemptions"] = [EXEMPTION]
    SETTINGS.validate(written)


def refused_settings() -> Iterator[Any]:
    """Yield settings that must not be loaded, each with what is wrong."""

    def rules(**values: object) -> dict[str, Any]:
        return {"org": {"revision": "r", "inventory": {"rules": values}}}

    def exempting(**changes: object) -> dict[str, Any]:
        exemption = {key: value for key, value in (EXEMPTION | changes).items() if value}
        return {"org": {"revision": "r", "exemptions": [exemption]}}

    yield pytest.param({}, id="empty")
    yield pytest.param({"org": {}}, id="no-revision")
    yield pytest.param({"org": {"revision": ""}}, id="empty-revision")
    yield pytest.param({"org": {"revision": "r", "account": []}}, id="unknown-member")
    yield pytest.param({"org": {"revision": "r", "accounts": [111122223333]}}, id="account-number")
    yield pytest.param({"org": {"revision": "r", "accounts": ["1" * 12 + "\n"]}}, id="newline")
    yield pytest.param(rules(INV999={}), id="unknown-rule")
    yield pytest.param(rules(INV001={"minimun": "SSE-KMS"}), id="unknown-parameter")
    yield pytest.param(rules(INV001={"minimum": "sse-kms"}), id="other-value")
    yield pytest.param(rules(INV001={"mode": "dney"}), id="typo-in-mode")
    yield pytest.param(rules(INV001=yaml.safe_load("{mode: off}")), id="off-without-quotes")
    yield pytest.param(rules(INV001={"mutate": True}), id="patch-without-key")
    yield pytest.param(rules(INV001={"default_key": "alias/a"}), id="alias")
    yield pytest.param(rules(INV010={"mutate": True}), id="patch-without-accounts")
    yield pytest.param(
        rules(INV010={"destination_accounts": {"acme-*": "1" * 12}}), id="glob-of-destinations"
    )
    yield pytest.param(rules(INV013={}), id="required-parameter")
    yield pytest.param(rules(INV013={"mode": "deny"}), id="deny-without-parameter")
    yield pytest.param(rules(INV013={"buckets": "*"}), id="text-for-a-list")
    yield pytest.param(rules(INV013={"buckets": []}), id="empty-list")
    yield pytest.param(rules(INV032={"template": "/x"}), id="leading-slash")
    yield pytest.param(rules(INV032={"template": "{bukcet}"}), id="unknown-placeholder")
    yield pytest.param(rules(INV042={"monthly_cents": 2.5}), id="fraction")
    yield pytest.param(rules(INV042={"monthly_cents": 1, "price": 30001}), id="price")
    window = {"starts": "2026-12-20T00:00:00", "ends": "2027-01-02T00:00:00Z"}
    yield pytest.param(rules(INV052={"windows": [window]}), id="time-without-zone")
    yield pytest.param(exempting(rules=["INV999"]), id="exemption-of-unknown-rule")
    yield pytest.param(exempting(mode="off"), id="exemption-with-more")
    for member in EXEMPTION:
        yield pytest.param(exempting(**{member: None}), id=f"exemption-without-{member}")


@pytest.mark.parametrize("written", [*refused_settings()])
def test_settings_that_are_wrong_are_refused(written):
    """At load, not at the first decision."""
    assert not SETTINGS.is_valid(written)


def test_rules_that_are_off_need_no_parameter():
    """What is switched off may stay as it is."""
    rules = {rule: {"mode": "off"} for rule in RULES}
    SETTINGS.validate({"org": {"revision": "r", "inventory": {"rules": rules}}})


def test_the_schema_ships_with_the_bundle():
    """Whoever loads settings needs no sources."""
    shipped = Path(bundle_module).with_name("settings.schema.json").read_text()
    assert shipped == (ROOT / "policies/schemas/settings.json").read_text()
    Draft202012Validator.check_schema(json.loads(shipped))


# --- pages ----------------------------------------------------------------------------------------


def test_pages_and_schema_are_those_of_the_catalogue(writer):
    """Whoever changes the catalogue writes them in the same commit: `make bundle`."""
    assert writer.main(["--check"]) == 0


@pytest.mark.parametrize("damage", ["edit", "remove", "stray"])
def test_check_tells_a_stale_page(writer, monkeypatch, tmp_path, capsys, damage):
    """And the script mends it."""
    pages = tmp_path / "rules"
    for name, value in {
        "PAGES": pages,
        "ROOT": tmp_path,
        "SCHEMAS": (tmp_path / "s.json",),
    }.items():
        monkeypatch.setattr(writer, name, value)
    assert writer.main([]) == 0
    assert writer.main(["--check"]) == 0
    match damage:
        case "edit":
            (pages / "INV001.md").write_text("other")
        case "remove":
            (pages / "INV001.md").unlink()
        case _:
            (pages / "INV000.md").write_text("other")
    assert writer.main(["--check"]) == 1
    assert "INV00" in capsys.readouterr().err
    assert writer.main([]) == 0
    assert writer.main(["--check"]) == 0


@every_rule
def test_a_page_says_everything(rule):
    """Title, reason, both examples, the words of the refusal, every parameter and fact."""
    text, entry = (ROOT / f"docs/rules/{rule}.md").read_text(), CATALOG[rule]
    assert text.startswith(f"# {rule}: {entry['title']}\n")
    for part in (entry["why"], f"> [{rule}] ", entry["remedy"], entry.get("unknown", "")):
        assert part in text
    for name, parameter in entry["parameters"].items():
        assert f"| `{name}` |" in text
        assert parameter["description"] in text
    assert all(f"`{fact}`" in text for fact in entry["facts"])


def test_the_readme_counts_the_rules():
    """By what they do where nothing is set, and leads to their pages."""
    words = "nothing one two three four five six seven eight nine ten".split()
    tens = {"thirty": 30, "forty": 40}
    modes = [entry["mode"] for entry in CATALOG.values()]
    text = (ROOT / "README.md").read_text()
    found = re.search(r"\n(\w+)-(\w+) rules ship: .*? (\w+) are on, (\w+) warn, ", text)
    assert found
    ten, one, on, warn = (word.lower() for word in found.groups())
    assert tens[ten] + words.index(one) == len(CATALOG)
    assert (words.index(on), words.index(warn)) == (modes.count("deny"), modes.count("warn"))
    assert "(docs/rules/README.md)" in text
