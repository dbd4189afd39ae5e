"""`inventory-gateway policy test`: fixtures on either engine."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from lxml import etree
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.adapters.opa_command import OpaCommand
from gateway.adapters.opa_wasm import PolicyBundle
from gateway.adapters.org_settings_file import OrgSettingsFile
from gateway.app.bundle_build import build
from gateway.app.evaluate import question_schema
from gateway.app.own_rules import RuleFolder, lay_out_shipped, tree_data
from gateway.app.policy_trial import CommandTrial, EmbeddedTrial, FixtureReader, Result, Trial, run
from gateway.cli.failure import told_plainly
from gateway.cli.policy.in_force import (
    BundleOption,
    Engine,
    OpaOption,
    SettingsOption,
    load_bundle,
)
from gateway.core.policy.catalog import Catalog
from gateway.core.policy.input import plain

_MAX = 2000


class Format(StrEnum):
    """Of the report."""

    TABLE = "table"
    JUNIT = "junit"


def trial(
    fixtures: Annotated[
        list[Path] | None,
        typer.Argument(help="Fixtures (YAML); none: the examples of every rule."),
    ] = None,
    *,
    rules: Annotated[
        Path | None, typer.Option(help="A folder of your own rules, to be merged; needs opa.")
    ] = None,
    settings: SettingsOption = None,
    bundle: BundleOption = None,
    engine: Annotated[
        Engine, typer.Option(help="The embedded one, or the interpreter of opa.")
    ] = Engine.WASM,
    report: Annotated[Format, typer.Option("--format", help="Of the report.")] = Format.TABLE,
    opa: OpaOption = "",
) -> None:
    """Put fixtures to policy, and compare verdicts with what they expect.

    Exit status: 0 when all pass, 1 when one does not, 2 when something cannot be read or asked.
    """
    if bundle is not None and (rules is not None or engine is Engine.OPA):
        raise typer.BadParameter("a bundle is for --engine wasm, without --rules")
    with told_plainly(), TemporaryDirectory(prefix="policy-") as scratch:
        tree = Path(scratch)
        if rules is None:
            lay_out_shipped(tree)
        else:
            tree = RuleFolder(rules).merge_into(tree).absolute()
        base = json.loads((tree / "examples/put.json").read_bytes())
        trial: Trial
        if engine is Engine.OPA:
            data: Mapping[str, Any] = tree_data(tree)
            trial = CommandTrial(OpaCommand.find(opa), tree)
        else:
            loaded = load_bundle(bundle) if rules is None else _built(tree, OpaCommand.find(opa))
            data = loaded.data
            trial = EmbeddedTrial(loaded)
        catalog = data["inventory"]["catalog"]
        org = data["org"] if settings is None else OrgSettingsFile(settings, catalog).read().data
        reader = FixtureReader(catalog, base, org, question_schema())
        if fixtures:
            found = [fixture for path in fixtures for fixture in reader.file(path)]
        else:
            found = [*reader.examples(sorted(catalog))]
        results = run(found, trial, Catalog.from_data(catalog))
    tell_results(results, report)


def tell_results(results: Sequence[Result], report: Format = Format.TABLE) -> None:
    """Print the results, and end with status 1 where one has failed."""
    typer.echo((_as_junit if report is Format.JUNIT else _as_table)(results), nl=False)
    if any(result.differences for result in results):
        raise typer.Exit(1)


def _built(tree: Path, opa: OpaCommand) -> PolicyBundle:
    return PolicyBundle.read(build(tree, opa))


def _as_table(results: Sequence[Result]) -> str:
    failed = [result for result in results if result.differences]
    table = Table("fixture", "what differs", show_lines=True)
    for result in failed:
        table.add_row(Text(result.name), Text("\n".join(result.differences)))
    terminal = Console()
    with terminal.capture() as captured:
        if failed:
            terminal.print(table)
        terminal.print(f"{len(results)} fixtures, {len(failed)} failed.", highlight=False)
    return captured.get()


def _as_junit(results: Sequence[Result]) -> str:
    failed = sum(bool(result.differences) for result in results)
    counts = {"tests": str(len(results)), "failures": str(failed), "errors": "0"}
    root = etree.Element("testsuites", name="inventory-gateway policy test", **counts)
    suite = etree.SubElement(root, "testsuite", name="policy", **counts)
    for result in results:
        case = etree.SubElement(
            suite, "testcase", classname="policy", name=plain(result.name, _MAX)
        )
        if result.differences:
            words = plain("; ".join(result.differences), _MAX)
            etree.SubElement(case, "failure", message=words)
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return text.decode()
