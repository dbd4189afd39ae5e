"""`inventory-gateway policy eval`: judge files as the gateway would, before they are applied."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

from gateway.adapters.opa_wasm import PolicyBundle, WasmPolicyEngine
from gateway.app.evaluate import (
    AssumptionError,
    Assumptions,
    Evaluation,
    Evaluator,
    question_schema,
)
from gateway.app.settings import Settings
from gateway.app.submission import MAX_BYTES, SubmissionError, read_submissions
from gateway.app.wiring import now
from gateway.cli.failure import told_plainly
from gateway.cli.policy.in_force import BundleOption, Engine, SettingsOption, load_bundle, load_org
from gateway.cli.policy.report_json import as_json
from gateway.cli.policy.report_junit import as_junit
from gateway.cli.policy.report_sarif import as_sarif
from gateway.cli.policy.report_table import as_table
from gateway.core.policy.catalog import Severity
from gateway.core.policy.instant import read_instant
from gateway.core.policy.server_address import ServerAddress

_REFUSED: Final = 1
_UNREADABLE: Final = 2
#: One evaluation at a time, and nobody waits for it but who asked.
_SECONDS: Final = 5.0
_STDIN: Final = "-"

_Opened = AbstractAsyncContextManager[Evaluator]


class Format(StrEnum):
    """Of the report."""

    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"


class Owner(StrEnum):
    """What is known of the destination's owner."""

    VERIFIED = "verified"


class Threshold(StrEnum):
    """The least severity at which an open finding fails."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


_REPORTS: Final[Mapping[Format, Callable[[Sequence[Evaluation]], str]]] = {
    Format.TABLE: as_table,
    Format.JSON: as_json,
    Format.JUNIT: as_junit,
    Format.SARIF: as_sarif,
}


def evaluate(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="S3's XML, JSON as the AWS CLI takes it, or `terraform show -json`; - for stdin."
        ),
    ],
    *,
    bucket: Annotated[str, typer.Option(help="Source bucket, where the file does not say.")] = "",
    principal: Annotated[str, typer.Option(help="Who will ask.")] = "nobody",
    source_region: Annotated[str, typer.Option(help="Region of the source.")] = "",
    destination_region: Annotated[str, typer.Option(help="Region of the destination.")] = "",
    owner: Annotated[
        Owner | None, typer.Option(help="AccountId is known to own the destination.")
    ] = None,
    facts: Annotated[
        Path | None, typer.Option(help="Further facts, YAML or JSON; see docs/policy-eval.md.")
    ] = None,
    settings: SettingsOption = None,
    bundle: BundleOption = None,
    at: Annotated[str, typer.Option(help="Time of the request (RFC 3339); default: now.")] = "",
    engine: Annotated[
        Engine | None, typer.Option(help="Default: the setting policy_engine.")
    ] = None,
    report: Annotated[Format, typer.Option("--format", help="Of the report.")] = Format.TABLE,
    fail_on: Annotated[
        Threshold | None,
        typer.Option(
            help="Fail also where nothing is refused: for warnings from this severity on."
        ),
    ] = None,
) -> None:
    """Judge files as the gateway would; nothing is sent anywhere.

    Exit status: 0 when a gateway would let all of them pass; 1 when it would refuse one, or
    something that it would only warn of reaches --fail-on; 2 when a file cannot be read or judged.
    """
    with told_plainly():
        gateway = Settings.load()
        chosen = engine or Engine(gateway.policy_engine)
        if chosen is Engine.OPA and (settings or bundle):
            hint = "--settings" if settings else "--bundle"
            raise typer.BadParameter("an OPA server has its own", param_hint=hint)
        assumptions = Assumptions(
            time=_time(at),
            bucket=bucket,
            principal=principal,
            source_region=source_region,
            destination_region=destination_region,
            owner_verified=owner is not None,
            facts={} if facts is None else _facts(facts),
        )
        opened = _server(gateway) if chosen is Engine.OPA else _embedded(settings, bundle)
        found, problems = asyncio.run(_evaluate(files, assumptions, opened))
    typer.echo(_REPORTS[report](found), nl=False)
    for problem in problems:
        typer.echo(f"inventory-gateway: {problem}", err=True)
    if problems:
        raise typer.Exit(_UNREADABLE)
    threshold = None if fail_on is None else Severity[fail_on.name]
    if any(evaluation.fails(threshold) for evaluation in found):
        raise typer.Exit(_REFUSED)


async def _evaluate(
    files: Sequence[Path], assumptions: Assumptions, opened: _Opened
) -> tuple[list[Evaluation], list[str]]:
    """Judge what can be read, and tell what cannot."""
    found: list[Evaluation] = []
    problems: list[str] = []
    async with opened as evaluator:
        for file in files:
            try:
                submissions = read_submissions(*_read(file))
            except SubmissionError as fault:
                problems.append(str(fault))
                continue
            for submission in submissions:
                try:
                    found.append(await evaluator.evaluate(submission, assumptions))
                except AssumptionError as fault:
                    problems.append(f"{submission.name}: {fault}")
    return found, problems


@asynccontextmanager
async def _embedded(settings: Path | None, path: Path | None) -> AsyncIterator[Evaluator]:
    """The embedded engine; every rule that can propose a patch is made to."""
    bundle = load_bundle(path)
    org = load_org(settings, bundle)
    rules = org.get("inventory", {}).get("rules", {})
    applies = frozenset(rule for rule, entry in rules.items() if entry.get("mutate") is True)
    made = WasmPolicyEngine(bundle, org=_proposing(org, bundle), threads=1, timeout=_SECONDS)
    try:
        yield Evaluator(made, question_schema(), applies)
    finally:
        await made.close()


@asynccontextmanager
async def _server(gateway: Settings) -> AsyncIterator[Evaluator]:
    """The OPA server of the gateway's settings."""
    from gateway.adapters.opa_server import OpaServerPolicyEngine  # noqa: PLC0415 - half a second

    made = await OpaServerPolicyEngine.open(
        ServerAddress.read(gateway.opa_url),
        token_file=gateway.opa_token_file,
        ca_file=gateway.opa_ca_file,
        deadline=_SECONDS,
        patience=gateway.opa_start_seconds,
    )
    try:
        yield Evaluator(made, question_schema())
    finally:
        await made.close()


def _proposing(org: Mapping[str, Any], bundle: PolicyBundle) -> dict[str, Any]:
    """The settings, but that rules propose patches which the gateway would not apply by itself."""
    inventory = org.get("inventory", {})
    rules = dict(inventory.get("rules", {}))
    for rule_id, entry in bundle.catalog.items():
        if "mutate" in entry["parameters"]:
            rules[rule_id] = {**rules.get(rule_id, {}), "mutate": True}
    return {**org, "inventory": {**inventory, "rules": rules}}


def _read(file: Path) -> tuple[str, bytes]:
    """The name of a file, for people, and what it holds."""
    if str(file) == _STDIN:
        return "<stdin>", sys.stdin.buffer.read(MAX_BYTES + 1)
    with file.open("rb") as opened:
        return str(file), opened.read(MAX_BYTES + 1)


def _time(text: str) -> datetime:
    found = read_instant(text) if text else now()
    if found is None:
        raise typer.BadParameter(
            "must be a time with its zone, as in 2027-01-01T00:00:00Z", param_hint="--at"
        )
    return found


def _facts(path: Path) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(path.read_bytes())
    except yaml.YAMLError as fault:
        raise typer.BadParameter(f"{path} is not plain YAML", param_hint="--facts") from fault
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise typer.BadParameter(f"{path} must hold members by name", param_hint="--facts")
    return found
