"""`inventory-gateway policy eval`."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from lxml import etree
from typer.testing import CliRunner

from gateway.adapters.opa_wasm import PolicyBundle
from gateway.cli.commands import app
from tests.core.inventory.test_shape import SHAPE, reports
from tests.support.inventory import document
from tests.support.opa_process import SHIPPED, opa_server
from tests.support.terraform import ADDRESS, change, plan

ROOT = Path(__file__).resolve().parents[2]
KNOWN = (
    *("--bucket", "acme-orders", "--owner", "verified"),
    *("--source-region", "eu-central-1", "--destination-region", "eu-central-1"),
)
UNENCRYPTED = reports()
del UNENCRYPTED["Destination"]["S3BucketDestination"]["Encryption"]
SETTINGS = """\
org:
  revision: "1"
  inventory:
    rules:
      INV001: {default_key: "arn:aws:kms:eu-central-1:444455556666:key/a"}
      INV004: {mode: warn}
      INV030: {formats: [ORC], mode: MODE}
  exemptions:
    - {id: EX-1, rules: [INV030], buckets: ["legacy-*"], principals: ["*"],
       configuration_ids: ["*"], reason: r, ticket: "[red]GOV-1[/red]", approved_by: governance,
       expires: 2027-01-01T00:00:00Z}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration that only lacks encryption."""
    path = tmp_path / "daily.json"
    path.write_text(json.dumps(UNENCRYPTED, indent=2) + "\n")
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings under which Parquet is refused, but for an exemption."""
    path = tmp_path / "policy.yaml"
    path.write_text(SETTINGS.replace("MODE", "deny"))
    return path


def judged(run: Any, *arguments: object) -> tuple[int, dict[str, Any]]:
    """Return the exit status and the JSON of the first evaluation."""
    result = run("policy", "eval", *arguments, "--format", "json")
    [first, *_] = json.loads(result.stdout)["evaluations"]
    return result.exit_code, first


def test_a_refusal_is_explained(run, file: Path) -> None:
    """Rule, place, what is wrong, what is allowed, what to do; exit status 1."""
    result = run("policy", "eval", file.name, *KNOWN)
    assert result.exit_code == 1
    for words in (
        "daily.json: put daily of acme-orders, asked by nobody: deny",
        "INV001",
        "Destination.S3BucketDestination.Encryption",
        "line 3, column 28",
        "Encryption is not set",
        "SSE-KMS, SSE-S3",
        "Set Encryption of the destination",
        "1 judged, 1 refused.",
    ):
        assert words in result.stdout, words
    assert "Not known" not in result.stdout


def test_what_is_allowed_passes(run, tmp_path: Path) -> None:
    """In every form that is taken, several at once; exit status 0."""
    (tmp_path / "a.json").write_text(json.dumps(SHAPE))
    (tmp_path / "b.xml").write_text(document(account="444455556666"))
    (tmp_path / "c.json").write_text(json.dumps(plan(change(["update"]))))
    result = run("policy", "eval", "a.json", "b.xml", "c.json", *KNOWN)
    assert result.exit_code == 0, result.output
    assert f"c.json: {ADDRESS}: put daily of acme-orders" in result.stdout
    assert "3 judged, 0 refused." in result.stdout


def test_standard_input_is_read() -> None:
    """As a plan comes out of a pipe."""
    result = CliRunner().invoke(
        app, ["policy", "eval", "-", *KNOWN], input=json.dumps(plan(change(["create"])))
    )
    assert result.exit_code == 0
    assert f"<stdin>: {ADDRESS}" in result.stdout


def test_unknown_facts_are_told(run, file: Path) -> None:
    """With the option that gives each, or the file."""
    settings = "org: {revision: '1', inventory: {rules: {INV053: {tags: {owner: ['*']}}}}}"
    Path("policy.yaml").write_text(settings)
    result = run("policy", "eval", file, "--bucket", "b", "--settings", "policy.yaml")
    assert result.exit_code == 1
    for words in (
        "/destination/owner_verified (read by INV012); say it with --owner verified.",
        "/source/region (read by INV015); say it with --source-region.",
        "/source/tags (read by INV053); say it with --facts.",
    ):
        assert f"Not known here: {words}" in result.stdout, result.stdout


def test_facts_come_from_a_file(run, tmp_path: Path) -> None:
    """YAML, by the names of buckets."""
    (tmp_path / "a.json").write_text(json.dumps(SHAPE))
    (tmp_path / "facts.yaml").write_text(
        "buckets:\n"
        "  acme-orders: {region: eu-central-1, tags: {owner: team}}\n"
        '  acme-inventory: {region: eu-central-1, account: "444455556666"}\n'
    )
    arguments = ("a.json", "--bucket", "acme-orders", "--facts", "facts.yaml")
    assert judged(run, *arguments)[1]["findings"] == []


def test_the_facts_of_the_documentation_hold(run, tmp_path: Path) -> None:
    """The example is a file of facts, under which nothing is left to be known."""
    text = (ROOT / "docs/policy-eval.md").read_text()
    (tmp_path / "facts.yaml").write_text(text.partition("```yaml\n")[2].partition("```")[0])
    (tmp_path / "a.json").write_text(json.dumps(SHAPE))
    arguments = ("a.json", "--bucket", "acme-orders", "--facts", "facts.yaml")
    status, found = judged(run, *arguments)
    assert (status, found["findings"]) == (0, [])


def test_settings_and_exemptions_hold(run, file: Path, settings: Path) -> None:
    """At the time that is named, and for whom they name."""
    file.write_text(json.dumps(SHAPE))
    at = ("--at", "2026-12-31T23:59:59Z")
    assert judged(run, file, *KNOWN, "--settings", settings, *at)[0] == 1
    legacy = (*KNOWN, "--bucket", "legacy-1", "--settings", settings)
    status, found = judged(run, file, *legacy, *at)
    assert (status, found["verdict"]) == (0, "allow")
    [finding] = found["findings"]
    assert (finding["kind"], finding["exemption"]["id"]) == ("exempted", "EX-1")
    table = run("policy", "eval", file, *legacy, *at).stdout
    assert "exempted: EX-1, [red]GOV-1[/red]" in table
    assert judged(run, file, *legacy, "--at", "2027-01-01T00:00:00Z")[0] == 1


def test_a_patch_is_suggested(run, file: Path, settings: Path) -> None:
    """From what the settings hold, as a diff, with what it leaves."""
    settings.write_text(SETTINGS.replace("MODE", "warn"))
    arguments = (file.name, *KNOWN, "--settings", settings)
    result = run("policy", "eval", *arguments)
    assert result.exit_code == 1
    assert "Suggested patch; with it nothing is refused:" in result.stdout
    assert "+++ b/daily.json" in result.stdout
    assert '"KeyId": "arn:aws:kms:eu-central-1:444455556666:key/a"' in result.stdout
    settings.write_text(SETTINGS.replace("MODE", "deny"))
    assert "Suggested patch; what it leaves: INV030" in run("policy", "eval", *arguments).stdout


def test_a_patch_that_the_gateway_applies_is_told(run, file: Path, settings: Path) -> None:
    """Then it is not refused, and the diff says what S3 would get."""
    patching = 'key/a", mutate: true, minimum: "SSE-KMS'
    text = SETTINGS.replace("MODE", "warn").replace("key/a", patching)
    settings.write_text(text)
    result = run("policy", "eval", file.name, *KNOWN, "--settings", settings)
    assert result.exit_code == 0, result.output
    words = "The gateway fills in: Destination.S3BucketDestination.Encryption (INV001)"
    assert words in result.stdout
    assert "Suggested" not in result.stdout


@pytest.mark.parametrize(
    ("threshold", "status"),
    [((), 0), (("--fail-on", "low"), 1), (("--fail-on", "medium"), 1), (("--fail-on", "high"), 0)],
    ids=["none", "low", "medium", "high"],
)
def test_warnings_fail_from_a_threshold_on(run, file: Path, settings: Path, threshold, status):
    """INV030 is of severity medium."""
    file.write_text(json.dumps(SHAPE))
    settings.write_text(SETTINGS.replace("MODE", "warn"))
    assert judged(run, file, *KNOWN, "--settings", settings, *threshold)[0] == status


def test_what_cannot_be_read_is_told_beside_what_can(run, file: Path) -> None:
    """Exit status 2, whatever else was found."""
    Path("bad.json").write_text("{\n")
    Path("plan.json").write_text(json.dumps(plan(change(["create"], name="a b"))))
    result = run("policy", "eval", "bad.json", file.name, "plan.json", *KNOWN)
    assert result.exit_code == 2
    assert "inventory-gateway: bad.json:2: not JSON" in result.stderr
    assert f"inventory-gateway: plan.json: {ADDRESS}: InventoryConfiguration/Id" in result.stderr
    assert "1 judged, 1 refused." in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing.json",), "No such file or directory: missing.json"),
        (("daily.json",), "daily.json: the source bucket is not said; use --bucket"),
        (("daily.json", "--at", "tomorrow"), "must be a time with its zone"),
        (("daily.json", "--facts", "list.yaml"), "list.yaml must hold members"),
        (("daily.json", "--facts", "bad.yaml"), "bad.yaml is not plain YAML"),
        (("daily.json", *KNOWN, "--facts", "typo.yaml"), "daily.json: the facts do not fit"),
        (("daily.json", "--settings", "bad.yaml"), "bad.yaml"),
        (("daily.json", "--engine", "opa", "--settings", "x"), "an OPA server has its own"),
        (("daily.json", "--engine", "other"), "other"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.usefixtures("file")
def test_what_cannot_be_asked_is_told(run, arguments, words: str) -> None:
    """Exit status 2, and no verdict."""
    Path("list.yaml").write_text("- 1\n")
    Path("bad.yaml").write_text("a: [\n")
    Path("typo.yaml").write_text("surce: {}\n")
    result = run("policy", "eval", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "deny" not in result.stdout


def test_an_opa_server_is_asked(run, file: Path) -> None:
    """The one of the gateway's settings, by its own settings."""
    with opa_server(*SHIPPED) as opa:
        Path("gateway.yaml").write_text(f"policy_engine: opa\nopa_url: {opa.url}\n")
        status, found = judged(run, file, *KNOWN)
    assert (status, [item["rule"] for item in found["findings"]]) == (1, ["INV001"])


def test_junit_has_a_case_for_every_rule(run, file: Path, settings: Path) -> None:
    """Refusals fail, exemptions are skipped, warnings are told; the counts are right."""
    text = SETTINGS.replace("MODE", "deny").replace("INV004: {mode: warn}", "INV010: {mode: warn}")
    settings.write_text(text)
    shape = reports(AccountId="7")
    del shape["Destination"]["S3BucketDestination"]["Encryption"]
    file.write_text(json.dumps(shape))
    arguments = (*KNOWN, "--bucket", "legacy-1", "--settings", settings, "--format", "junit")
    at = ("--at", "2026-12-01T00:00:00Z")
    result = run("policy", "eval", file.name, *arguments, *at)
    root = etree.XML(result.stdout.encode())
    [suite] = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    cases = {case.get("name").partition(":")[0]: case for case in suite}
    assert set(cases) == set(PolicyBundle.shipped().catalog)
    for element in (root, suite):
        counts = [element.get(name) for name in ("tests", "failures", "skipped", "errors")]
        assert counts == [str(len(cases)), "2", "1", "0"]
    [failure] = cases["INV001"]
    assert (failure.tag, failure.get("type")) == ("failure", "high")
    assert "Encryption is not set" in failure.get("message")
    assert failure.text.startswith("daily.json:1:")
    assert [(child.tag, child.get("message")) for child in cases["INV030"]] == [
        ("skipped", "exempted by EX-1, [red]GOV-1[/red]")
    ]
    assert cases["INV010"][0].text.startswith("warning: ")
    assert len(cases["INV015"]) == 0


#: The required members of SARIF 2.1.0 that are used here, and what code hosts ask for besides.
#: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html, sections 3.13 to 3.58
TEXT = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}},
    "additionalProperties": False,
}
SARIF = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "version", "rules"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id", "shortDescription", "help"],
                                            "properties": {
                                                "id": {"type": "string"},
                                                "shortDescription": TEXT,
                                                "help": TEXT,
                                                "properties": {"type": "object"},
                                            },
                                            "additionalProperties": False,
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["ruleId", "level", "message", "locations"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": TEXT,
                                "locations": {
                                    "type": "array",
                                    "minItems": 1,
                                    "items": {
                                        "type": "object",
                                        "required": ["physicalLocation"],
                                        "properties": {
                                            "physicalLocation": {
                                                "type": "object",
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "type": "object",
                                                        "required": ["uri"],
                                                    },
                                                    "region": {
                                                        "type": "object",
                                                        "required": ["startLine"],
                                                        "properties": {
                                                            "startLine": {"minimum": 1},
                                                            "startColumn": {"minimum": 1},
                                                        },
                                                    },
                                                },
                                            }
                                        },
                                    },
                                },
                                "suppressions": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["kind"],
                                        "properties": {
                                            "kind": {"enum": ["inSource", "external"]},
                                            "status": {
                                                "enum": ["accepted", "underReview", "rejected"]
                                            },
                                        },
                                    },
                                },
                                "properties": {"type": "object"},
                            },
                        },
                    },
                },
            },
        },
    },
}


def test_sarif_points_at_the_member(run, file: Path, settings: Path) -> None:
    """Findings as results by file, line and column; exemptions are suppressed, not left out."""
    arguments = (*KNOWN, "--bucket", "legacy-1", "--settings", settings, "--format", "sarif")
    at = ("--at", "2026-12-01T00:00:00Z")
    result = run("policy", "eval", file.name, *arguments, *at)
    assert result.exit_code == 1
    log = json.loads(result.stdout)
    jsonschema.Draft202012Validator(SARIF).validate(log)
    [sarif_run] = log["runs"]
    results = {item["ruleId"]: item for item in sarif_run["results"]}
    assert set(results) <= {rule["id"] for rule in sarif_run["tool"]["driver"]["rules"]}
    place = results["INV001"]["locations"][0]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "daily.json"},
        "region": {"startLine": 3, "startColumn": 28},
    }
    path = "legacy-1/Destination/S3BucketDestination/Encryption"
    assert place["logicalLocations"][0]["fullyQualifiedName"] == path
    assert results["INV001"]["level"] == "error"
    assert "suppressions" not in results["INV001"]
    assert results["INV030"]["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "EX-1, [red]GOV-1[/red]"}
    ]


def test_sarif_of_a_plan_names_the_resource(run, settings: Path) -> None:
    """There are no lines that somebody wrote; and where nothing is refused, nothing is an error."""
    text = SETTINGS.replace("  inventory", "  enforcement: observe\n  inventory")
    settings.write_text(text.replace("MODE", "deny"))
    path = Path("a plan.json").absolute()
    path.write_text(json.dumps(plan(change(["create"]))))
    result = run("policy", "eval", path, *KNOWN, "--settings", settings, "--format", "sarif")
    assert result.exit_code == 0
    log = json.loads(result.stdout)
    jsonschema.Draft202012Validator(SARIF).validate(log)
    [found] = log["runs"][0]["results"]
    [location] = found["locations"]
    assert (found["ruleId"], found["level"]) == ("INV030", "warning")
    assert location["physicalLocation"] == {"artifactLocation": {"uri": path.as_uri()}}
    name = location["logicalLocations"][0]["fullyQualifiedName"]
    assert name.startswith(f"{ADDRESS}/Destination")
