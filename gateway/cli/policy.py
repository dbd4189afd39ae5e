"""`inventory-gateway policy`: the rules, their modes, the exemptions."""

import textwrap
from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.adapters.opa_wasm import PolicyBundle
from gateway.adapters.org_settings_file import OrgSettings, OrgSettingsFile
from gateway.app.settings import Settings
from gateway.app.wiring import now
from gateway.cli.failure import told_plainly
from gateway.core.policy.exemption import State
from gateway.core.policy.mode import mode_in_force
from gateway.core.policy.settings_schema import settings_schema

policy = typer.Typer(help="Read the rules and the policy settings.", no_args_is_help=True)

_Settings = Annotated[
    Path | None,
    typer.Option("--settings", help="The policy settings; default: the setting policy_settings."),
]
_COLOURS = {State.RUNNING: "green", State.EXPIRING: "yellow", State.EXPIRED: "red"}


@policy.command("list")
def list_(settings: _Settings = None) -> None:
    """Show every rule with the mode that is in force."""
    with told_plainly():
        bundle = PolicyBundle.shipped()
        org = _org(settings, bundle)
    table = Table("rule", "severity", "mode", "title")
    for rule_id, entry in sorted(bundle.catalog.items()):
        mode = mode_in_force(rule_id, entry, org)
        table.add_row(*map(_text, (rule_id, entry["severity"], mode, entry["title"])))
    Console().print(table)
    if org.get("enforcement") == "observe":
        typer.echo("enforcement is observe: nothing is refused, everything is recorded.")


@policy.command()
def explain(rule: str, settings: _Settings = None) -> None:
    """Say what a rule refuses, what to do, and what may be set."""
    with told_plainly():
        bundle = PolicyBundle.shipped()
        org = _org(settings, bundle)
    entry = bundle.catalog.get(rule)
    if entry is None:
        near = get_close_matches(rule, list(bundle.catalog), 1)
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


@policy.command()
def exemptions(settings: _Settings = None) -> None:
    """Show every exemption, also those that have ended."""
    with told_plainly():
        found = _load(settings, PolicyBundle.shipped())
    table = Table("id", "rules", "buckets", "ticket", "approver", "expires", "state")
    for item in () if found is None else found.exemptions:
        state = item.state(now())
        cells = (item.id, ", ".join(item.rules), ", ".join(item.buckets), item.ticket)
        table.add_row(
            *map(_text, (*cells, item.approved_by, _minute(item.expires))),
            Text(state.value, _COLOURS[state]),
        )
    Console().print(table)


@policy.command()
def schema() -> None:
    """Print the JSON Schema of the policy settings, for editors."""
    with told_plainly():
        found = settings_schema(PolicyBundle.shipped().catalog)
    typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())


@policy.command()
def data(settings: _Settings = None) -> None:
    """Print `data.org` as policy reads it: for an OPA server, times in nanoseconds included."""
    with told_plainly():
        org = _org(settings, PolicyBundle.shipped())
    typer.echo(orjson.dumps(org, option=orjson.OPT_INDENT_2).decode())


@policy.callback()
def _group() -> None:
    """Read the rules and the policy settings."""


def _load(path: Path | None, bundle: PolicyBundle) -> OrgSettings | None:
    path = path or Settings.load().policy_settings
    return None if path is None else OrgSettingsFile(path, bundle.catalog).read()


def _org(path: Path | None, bundle: PolicyBundle) -> Mapping[str, Any]:
    """`data.org` as the engine would get it."""
    found = _load(path, bundle)
    shipped: Mapping[str, Any] = bundle.data["org"]
    return shipped if found is None else found.data


def _parameter(name: str, parameter: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    words = f"{name}: {parameter['description']}"
    if parameter.get("required") is True:
        words += " Required."
    if "default" in parameter:
        words += f" Default: {_json(parameter['default'])}."
    return words + (f" Set to: {_json(given[name])}." if name in given else "")


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%MZ}"


def _text(cell: str) -> Text:
    """What the file says is shown as it is: it must not be read as markup."""
    return Text(cell)
