"""The catalogue of rules: read strictly, findings in a fixed order."""

import random
from dataclasses import replace

import pytest

from gateway.core.policy.catalog import Catalog, Finding, Rule, Severity, sort_findings
from gateway.core.policy.exemption import UsedExemption

ENTRY: dict[str, object] = {
    "title": "t",
    "severity": "high",
    "topic": "encryption",
    "message": "m {value}",
    "remedy": "r",
}


def test_catalogue_is_read_when_every_text_is_there():
    """`data.inventory.catalog` of a bundle."""
    catalog = Catalog.from_data({"INV001": ENTRY})
    rule = Rule("INV001", "t", Severity.HIGH, "encryption", "m {value}", "r")
    assert ({"INV001": rule}, frozenset({"INV001"})) == (catalog.rules, catalog.ids)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [(["/source/region", "/source/known"], ("/source/region", "/source/known")), ("/x", ())],
)
def test_catalogue_names_the_facts_of_a_rule(facts: object, expected: tuple[str, ...]):
    """For people: a list that is none says nothing, and refuses nothing."""
    catalog = Catalog.from_data({"INV001": {**ENTRY, "facts": facts}})
    assert catalog.rules["INV001"].facts == expected


@pytest.mark.parametrize("key", sorted(ENTRY))
@pytest.mark.parametrize("value", [None, "", 1, ["x"]], ids=repr)
def test_catalogue_is_refused_when_a_text_is_missing_or_no_text(key: str, value: object):
    """A rule without words would deny without a reason."""
    with pytest.raises(ValueError, match=f"catalogue entry INV001 lacks {key}"):
        Catalog.from_data({"INV001": {**ENTRY, key: value}})


def test_catalogue_is_refused_when_a_severity_is_unknown():
    """One of four."""
    with pytest.raises(ValueError, match="INV001: unknown severity"):
        Catalog.from_data({"INV001": {**ENTRY, "severity": "fatal"}})


def _finding(rule: str, path: str, severity: Severity) -> Finding:
    return Finding(rule, path, severity, "m", "r")


def test_findings_are_in_one_order_when_sorted():
    """Worst first, then by rule and path: a set has no order of its own."""
    expected = (
        _finding("INV009", "/a", Severity.CRITICAL),
        _finding("INV001", "/a", Severity.HIGH),
        _finding("INV001", "/b", Severity.HIGH),
        _finding("INV002", "/a", Severity.HIGH),
        _finding("INV000", "/a", Severity.LOW),
    )
    for seed in range(5):
        shuffled = random.Random(seed).sample(expected, len(expected))  # noqa: S311 - no secret
        assert expected == sort_findings(shuffled)


def test_finding_is_plain_data_when_recorded():
    """For the journal and the decision log."""
    finding = Finding("INV001", "/Id", Severity.HIGH, "m", "r", ("a", "b"))
    expected = {
        "rule": "INV001",
        "path": "/Id",
        "severity": "high",
        "message": "m",
        "remedy": "r",
        "allowed": ["a", "b"],
    }
    assert expected == finding.as_record()
    used = UsedExemption("EX-7", "GOV-1", 9)
    exempted = {"exemption": {"id": "EX-7", "ticket": "GOV-1", "expires_ns": 9}}
    assert expected | exempted == replace(finding, exemption=used).as_record()
