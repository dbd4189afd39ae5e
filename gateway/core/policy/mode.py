"""The mode of a rule under settings, as the policy itself determines it (lib/settings.rego)."""

from collections.abc import Mapping
from typing import Any


def mode_in_force(rule_id: str, entry: Mapping[str, Any], org: Mapping[str, Any]) -> str:
    """Say what a finding of a rule does: deny, warn, dryrun or off.

    For people only: no decision rests on it. A test holds it to the policy's own answer.

    Args:
        rule_id: of the rule.
        entry: its catalogue entry, raw.
        org: `data.org`, checked.
    """
    inventory = org.get("inventory", {})
    given = inventory.get("rules", {}).get(rule_id, {})
    general: str = inventory.get("defaults", {}).get("mode", "deny")
    shipped = entry.get("mode", "deny")
    if "mode" in given:
        word: str = given["mode"]
        return word
    if shipped == "off" or (shipped == "param" and not _has_parameters(entry, given, org)):
        return "off"
    return "warn" if shipped == "warn" and general not in {"dryrun", "off"} else general


def _has_parameters(
    entry: Mapping[str, Any], given: Mapping[str, Any], org: Mapping[str, Any]
) -> bool:
    return all(
        name in given or parameter.get("from", "") in org or "default" in parameter
        for name, parameter in entry.get("parameters", {}).items()
        if parameter.get("required") is True
    )
