"""`inventory-gateway policy build`: rules of one's own and those that ship, in one bundle."""

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from gateway.adapters.opa_command import OpaCommand
from gateway.adapters.opa_wasm import PolicyBundle, WasmPolicyEngine
from gateway.adapters.org_settings_file import OrgSettingsFile
from gateway.app.bundle_build import EMBEDDED_NAME, REGO_NAME, build_for_server
from gateway.app.bundle_build import build as build_embedded
from gateway.app.evaluate import question_schema
from gateway.app.own_rules import RuleFolder
from gateway.app.policy_trial import EmbeddedTrial, FixtureReader, run
from gateway.app.self_test import self_test
from gateway.cli.failure import told_plainly
from gateway.cli.policy.in_force import OpaOption
from gateway.cli.policy.lint import tell
from gateway.cli.policy.trials import tell_results
from gateway.core.policy.catalog import Catalog


def build(
    rules: Annotated[
        Path, typer.Option("--rules", help="The folder of your own rules; it holds `inventory`.")
    ],
    output: Annotated[Path, typer.Option(help="The folder for the bundles.")] = Path(),
    opa: OpaOption = "",
) -> None:
    """Merge rules of one's own with those that ship, check and test them, and build bundles.

    `inventory.tar.gz` is for the setting policy_bundle, `inventory-rego.tar.gz` for an OPA server.
    Exit status: 0 when they are built, 1 when a check or a test fails, 2 when it cannot be tried.
    """
    with told_plainly():
        command = OpaCommand.find(opa)
        folder = RuleFolder(rules)
        with TemporaryDirectory(prefix="policy-") as scratch:
            tree = folder.merge_into(Path(scratch)).absolute()
            tell(folder.lint(tree, command))
            passed, report = command.test(tree)
            typer.echo(report)
            if not passed:
                raise typer.Exit(1)
            archives = {
                EMBEDDED_NAME: build_embedded(tree, command),
                REGO_NAME: build_for_server(tree, command)[REGO_NAME],
            }
            base = json.loads((tree / "examples/put.json").read_bytes())
        bundle = PolicyBundle.read(archives[EMBEDDED_NAME])
        OrgSettingsFile(rules, bundle.catalog)  # refuses parameters that nobody can check
        _try_out(bundle, base, sorted(folder.ids()))
        output.mkdir(parents=True, exist_ok=True)
        for name, archive in archives.items():
            (output / name).write_bytes(archive)
            typer.echo(f"{output / name}: revision {bundle.revision}, {len(archive)} bytes")


def _try_out(bundle: PolicyBundle, base: dict[str, Any], rules: list[str]) -> None:
    """Put the rules' own examples, and what every gateway asks before its first request."""
    reader = FixtureReader(bundle.catalog, base, bundle.data["org"], question_schema())
    catalog = Catalog.from_data(bundle.catalog)
    tell_results(run([*reader.examples(rules)], EmbeddedTrial(bundle), catalog))
    asyncio.run(_self_test(bundle))


async def _self_test(bundle: PolicyBundle) -> None:
    engine = WasmPolicyEngine(bundle, threads=1)
    try:
        await self_test(engine)
    finally:
        await engine.close()
