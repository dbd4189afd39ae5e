"""Entries of the catalogue: complete, or every problem named."""

from typing import Any

import pytest

from gateway.adapters.opa_wasm import PolicyBundle
from gateway.core.policy.catalog_entry import entry_problems, is_own_id, is_rule_id

ENTRY: dict[str, Any] = {
    "title": "t",
    "severity": "low",
    "topic": "naming",
    "mode": "deny",
    "removals": False,
    "why": "w",
    "parameters": {"ids": {"description": "d", "schema": {}, "default": []}},
    "message": "{inventory_id} {{literally}}",
    "remedy": "r",
    "refused": {"configuration": {}},
    "allowed": {"given": {}, "settings": {}},
    "facts": [],
}
REQUIRED = {"ids": {"description": "d", "schema": {}, "required": True}}
ABSENT = object()


def changed(**members: object) -> dict[str, Any]:
    """Return the entry with other members, or without them."""
    return {name: it for name, it in {**ENTRY, **members}.items() if it is not ABSENT}


@pytest.mark.parametrize(
    "entry",
    [
        ENTRY,
        changed(mode="param", parameters=REQUIRED),
        changed(facts=["/source/tags"], unknown="A finding."),
        changed(facts=["/source/tags"], unknown="No finding, where it is not tagged."),
    ],
)
def test_a_complete_entry_has_no_problem(entry: dict[str, Any]):
    """Neither has any that ships."""
    assert [*entry_problems(entry)] == []


@pytest.mark.parametrize("rule", sorted(PolicyBundle.shipped().catalog))
def test_every_shipped_entry_is_complete(rule: str):
    """Whoever writes a rule is held to what holds here."""
    assert [*entry_problems(PolicyBundle.shipped().catalog[rule])] == []


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (None, "an entry must hold members"),
        (changed(why=ABSENT), "why is missing"),
        (changed(extra=1), "there is no member extra"),
        (changed(title=""), "title must be text"),
        (changed(why=7), "why must be text"),
        (changed(severity="fatal"), "severity must be one of low, medium, high, critical"),
        (changed(mode="dney"), "mode must be one of deny, warn, param, off"),
        (changed(removals="no"), "removals must be one of true, false"),
        (changed(message="{vlaue}"), "message quotes {vlaue}, which nobody knows"),
        (changed(remedy="{value"), "remedy: expected '}' before end of string"),
        (changed(refused=[]), "refused must hold configuration, given, settings, or some of them"),
        (changed(allowed={"x": 1}), "allowed must hold configuration, given, settings"),
        (changed(facts="/x"), "facts must be pointers into the question"),
        (changed(facts=["x"]), "facts must be pointers into the question"),
        (changed(facts=["/x"]), "unknown says the answer where a fact is not known"),
        (changed(unknown="A finding."), "unknown says the answer where a fact is not known"),
        (changed(facts=["/x"], unknown="?"), "unknown must begin with A finding or No finding"),
        (changed(parameters=[]), "parameters must hold members"),
        (changed(parameters={"a": []}), "parameter a needs description and schema"),
        (changed(parameters={"a": {"schema": {}}}), "parameter a needs description and schema"),
        (
            changed(parameters={"a": {"description": "d", "schema": {}, "defualt": 1}}),
            "parameter a: there is no member defualt",
        ),
        (
            changed(mode="param", parameters={"ids": {**REQUIRED["ids"], "default": 1}}),
            "parameter ids is required, or has a default",
        ),
        (changed(parameters=REQUIRED), "mode is param where a parameter is required"),
        (changed(mode="param"), "mode is param where a parameter is required"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_with_an_entry_is_named(entry: object, problem: str):
    """Each by itself, and nothing else."""
    [found] = entry_problems(entry)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("text", "rule", "own"),
    [
        ("INV001", True, False),
        ("ORG001", True, True),
        ("INVX1", True, True),
        ("inv001", False, False),
        ("ORG", False, False),
        ("O1", False, False),
        ("ORG00001", False, False),
        ("ORG001\n", False, False),
        ("ORG٣", False, False),
    ],
)
def test_ids_of_ones_own_have_another_prefix(text: str, rule: bool, own: bool):
    """Capitals, then digits; INV is taken."""
    assert (is_rule_id(text), is_own_id(text)) == (rule, own)
