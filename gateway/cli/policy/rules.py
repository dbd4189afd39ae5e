"""`inventory-gateway policy list|explain|schema|data`: the rules, their modes, their settings."""

import textwrap
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.app.settings import Settings
from gateway.cli.failure import told_plainly
from gateway.cli.policy.in_force import BundleOption, SettingsOption, load_bundle, load_org
from gateway.core.policy.fact import Fact, suppliers
from gateway.core.policy.mode import mode_in_force
from gateway.core.policy.settings_schema import settings_schema


def list_(settings: SettingsOption = None, bundle: BundleOption = None) -> None:
    """Show every rule with the mode that is in force."""
    with told_plainly():
        loaded = load_bundle(bundle)
        org = load_org(settings, loaded)
        facts = Settings.load().facts
    table = Table("rule", "severity", "mode", "title")
    wanted: dict[Fact, list[str]] = {}
    for rule_id, entry in sorted(loaded.catalog.items()):
        mode = mode_in_force(rule_id, entry, org)
        table.add_row(*map(Text, (rule_id, entry["severity"], mode, entry["title"])))
        if mode != "off":
            wanted |= {fact: [*wanted.get(fact, []), rule_id] for fact in _missing(entry, facts)}
    Console().print(table)
    for fact, rules in wanted.items():
        typer.echo(f"`facts` does not name {fact}: never known to {', '.join(rules)}.")
    if org.get("enforcement") == "observe":
        typer.echo("enforcement is observe: nothing is refused, everything is recorded.")


def explain(rule: str, settings: SettingsOption = None, bundle: BundleOption = None) -> None:
    """Say what a rule refuses, what to do, and what may be set."""
    with told_plainly():
        loaded = load_bundle(bundle)
        org = load_org(settings, loaded)
    entry = loaded.catalog.get(rule)
    if entry is None:
        near = get_close_matches(rule, list(loaded.catalog), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        typer.echo(f"inventory-gateway: there is no rule {rule}{hint}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{rule}: {entry['title']}")
    mode = mode_in_force(rule, entry, org)
    typer.echo(f"severity {entry['severity']}, topic {entry['topic']}, mode in force: {mode}")
    for name in ("why", "message", "remedy"):
        if name in entry:
            typer.echo("\n" + textwrap.fill(f"{name}: {entry[name]}", 100))
    given = org.get("inventory", {}).get("rules", {}).get(rule, {})
    for name, parameter in entry.get("parameters", {}).items():
        typer.echo("\n" + textwrap.fill(_parameter(name, parameter, given), 100))
    named = ", ".join(suppliers(entry.get("facts", ())))
    if "unknown" in entry:
        needs = f"needs `facts` to name {named}; " if named else ""
        typer.echo("\n" + textwrap.fill(f"facts: {needs}where not known: {entry['unknown']}", 100))


def schema(bundle: BundleOption = None) -> None:
    """Print the JSON Schema of the policy settings, for editors."""
    with told_plainly():
        found = settings_schema(load_bundle(bundle).catalog)
    typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())


def data(settings: SettingsOption = None, bundle: BundleOption = None) -> None:
    """Print `data.org` as policy reads it: for an OPA server, times in nanoseconds included."""
    with told_plainly():
        org = load_org(settings, load_bundle(bundle))
    typer.echo(orjson.dumps(org, option=orjson.OPT_INDENT_2).decode())


def _parameter(name: str, parameter: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    words = f"{name}: {parameter['description']}"
    if parameter.get("required") is True:
        words += " Required."
    if "default" in parameter:
        words += f" Default: {_json(parameter['default'])}."
    return words + (f" Set to: {_json(given[name])}." if name in given else "")


def _missing(entry: Mapping[str, Any], facts: Collection[Fact]) -> list[Fact]:
    """Optional facts that the rule reads and nobody looks up."""
    return [fact for fact in suppliers(entry.get("facts", ())) if fact not in facts]


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
