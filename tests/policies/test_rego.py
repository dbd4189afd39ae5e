"""The Rego sources: formatted, strict, tested, and in step with the catalogue."""

import json
import re
import string
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

TEMPLATE_PARAMETERS = {
    *("path", "value", "allowed", "source_bucket", "source_region"),
    *("destination_bucket", "destination_region", "inventory_id", "principal", "bucket"),
}
SEVERITIES = {"low", "medium", "high", "critical"}
MODES = {"deny", "warn", "param", "off"}
ID = re.compile(r'^id := "([A-Z]+[0-9]{1,4})"$', re.MULTILINE)


def run(opa: str, *arguments: str, policies: Path) -> subprocess.CompletedProcess[str]:
    """Run `opa` in the folder of the sources."""
    return subprocess.run(
        [opa, *arguments], cwd=policies, capture_output=True, text=True, check=False
    )


def rules(policies: Path) -> list[Path]:
    """List the rule files, without their tests."""
    found = sorted(policies.glob("inventory/rules/*/*.rego"))
    return [path for path in found if not path.name.endswith("_test.rego")]


@pytest.mark.parametrize(
    "arguments",
    [
        ("fmt", "--fail", "--list", "."),
        ("check", "--bundle", "--strict", "."),
        ("test", "--bundle", "."),
    ],
    ids=lambda arguments: arguments[0],
)
def test_opa_finds_nothing_to_complain_about(opa, policies, arguments):
    """Formatting, strict compilation and the Rego tests pass."""
    done = run(opa, *arguments, policies=policies)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_the_rego_tests_cover_the_rules(opa, policies):
    """At least 95 % of all expressions are evaluated by a test."""
    done = run(opa, "test", "--bundle", "--coverage", ".", policies=policies)
    report = json.loads(done.stdout)
    gaps = {
        name: file["not_covered"] for name, file in report["files"].items() if "not_covered" in file
    }
    assert report["coverage"] >= 95, gaps


def test_every_rule_has_its_test_beside_it(policies):
    """A rule without a test file does not enter."""
    missing = [path for path in rules(policies) if not path.with_stem(path.stem + "_test").exists()]
    assert missing == []


def test_packages_repeat_the_path(policies):
    """The package of a rule file is where the file is."""
    for path in rules(policies):
        package = ".".join(path.relative_to(policies).with_suffix("").parts)
        assert f"\npackage {package}\n" in path.read_text()


def test_rules_and_catalogue_name_each_other(policies, catalog):
    """Every rule has one entry of its topic and every entry has one rule."""
    ids = [(ID.findall(path.read_text()), path.parent.name) for path in rules(policies)]
    assert sorted((rule, topic) for [rule], topic in ids) == [
        (rule, entry["topic"]) for rule, entry in sorted(catalog.items())
    ]


def test_catalogue_entries_are_complete(catalog):
    """Every entry can be rendered: known words, known template parameters."""
    members = {"title", "severity", "topic", "mode", "parameters", "message", "remedy"}
    members |= {"why", "removals", "refused", "allowed", "facts"}
    for rule, entry in catalog.items():
        assert set(entry) - {"unknown"} == members, rule
        assert ("unknown" in entry) == bool(entry["facts"]), rule
        assert entry["severity"] in SEVERITIES, rule
        assert entry["mode"] in MODES, rule
        assert any(p.get("required") for p in entry["parameters"].values()) == (
            entry["mode"] == "param"
        ), rule
        for text in (entry["message"], entry["remedy"]):
            names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
            assert names <= TEMPLATE_PARAMETERS, rule


def test_parameters_are_complete(catalog):
    """Each is described, has a schema, and is required or has a default that fits, or may lack."""
    known = {"description", "schema", "default", "required", "from", "needs"}
    for rule, entry in catalog.items():
        for name, parameter in entry["parameters"].items():
            assert {"description", "schema"} <= set(parameter) <= known, (rule, name)
            assert not {"default", "required"} <= set(parameter), (rule, name)
            if "default" in parameter:
                Draft202012Validator(parameter["schema"]).validate(parameter["default"])


def test_the_catalogue_is_that_of_the_contract(catalog):
    """Thirty-four rules, with the severity and default mode that were agreed on."""
    agreed = {
        ("critical", "deny"): "INV012",
        ("critical", "param"): "INV011 INV017 INV050 INV051",
        ("high", "deny"): "INV001 INV005 INV010 INV015 INV016",
        ("high", "param"): "INV002 INV003 INV013 INV014 INV020 INV055",
        ("medium", "deny"): "INV004",
        ("medium", "warn"): "INV018 INV019",
        ("medium", "param"): "INV030 INV040 INV041 INV042 INV043 INV052 INV054",
        ("low", "deny"): "INV022 INV033",
        ("low", "param"): "INV021 INV031 INV032 INV044 INV053 INV056",
    }
    assert {rule: (entry["severity"], entry["mode"]) for rule, entry in catalog.items()} == {
        rule: terms for terms, rules in agreed.items() for rule in rules.split()
    }


def test_rules_keep_the_house_rules(policies):
    """Nothing that differs between the engines, that is slow, or that reads the world."""
    banned = re.compile(
        r"\b(sprintf|time\.|rand\.|http\.|net\.|opa\.|rego\.metadata|regex\.|io\.)[a-z(]"
    )
    for path in policies.rglob("*.rego"):
        code = "\n".join(
            line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")
        )
        assert banned.findall(code) == [], path
