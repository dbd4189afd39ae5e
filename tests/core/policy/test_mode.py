"""The mode in force, as people are told it."""

from typing import Any

import pytest

from gateway.core.policy.mode import mode_in_force

REQUIRED: dict[str, Any] = {"parameters": {"keys": {"required": True}, "other": {}}}
FROM: dict[str, Any] = {"parameters": {"keys": {"required": True, "from": "accounts"}}}
DEFAULT: dict[str, Any] = {"parameters": {"keys": {"required": True, "default": 1}}}


def org(defaults: str = "", accounts: object = None, **rule: object) -> dict[str, Any]:
    """Settings of one rule."""
    inventory: dict[str, Any] = {"rules": {"X1": rule}} if rule else {}
    inventory |= {"defaults": {"mode": defaults}} if defaults else {}
    found: dict[str, Any] = {"inventory": inventory} if inventory else {}
    return found | ({"accounts": accounts} if accounts else {})


@pytest.mark.parametrize(
    ("entry", "settings", "expected"),
    [
        pytest.param({}, org(), "deny", id="nothing-said"),
        pytest.param({"mode": "deny"}, org("warn"), "warn", id="all-softened"),
        pytest.param({"mode": "deny"}, org("warn", mode="deny"), "deny", id="but-one"),
        pytest.param({"mode": "off"}, org("warn"), "off", id="ships-off"),
        pytest.param({"mode": "off"}, org(mode="deny"), "deny", id="switched-on"),
        pytest.param({"mode": "warn"}, org("deny"), "warn", id="ships-as-a-warning"),
        pytest.param({"mode": "warn"}, org("dryrun"), "dryrun", id="softened-further"),
        pytest.param({"mode": "warn"}, org("off"), "off", id="switched-off"),
        pytest.param({"mode": "param"} | REQUIRED, org("warn"), "off", id="lacks-its-parameter"),
        pytest.param({"mode": "param"} | REQUIRED, org(other=1), "off", id="has-another"),
        pytest.param({"mode": "param"} | REQUIRED, org(keys=1), "deny", id="has-it"),
        pytest.param({"mode": "param"} | FROM, org(), "off", id="nowhere"),
        pytest.param({"mode": "param"} | FROM, org(accounts=["1"]), "deny", id="from-elsewhere"),
        pytest.param({"mode": "param"} | DEFAULT, org(), "deny", id="by-default"),
    ],
)
def test_the_mode_is_that_of_the_rule_then_of_all(
    entry: dict[str, Any], settings: dict[str, Any], expected: str
) -> None:
    """One word softens a roll-out, but it never hardens a rule that ships as a warning."""
    assert mode_in_force("X1", entry, settings) == expected
