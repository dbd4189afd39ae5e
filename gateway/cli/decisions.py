"""`inventory-gateway decisions`: what the journal holds."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.adapters.journal_sqlite import SqliteJournal
from gateway.app.settings import Settings
from gateway.cli.failure import told_plainly
from gateway.core.ports import Outcome

decisions = typer.Typer(help="Read the journal of decisions.", no_args_is_help=True)

_Journal = Annotated[
    Path | None, typer.Option(help="The journal; default: the setting journal_path.")
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]


@decisions.command("list")
def list_(journal: _Journal = None, limit: int = 20, *, as_json: _Json = False) -> None:
    """Show the newest decisions."""
    with told_plainly():
        rows = asyncio.run(_recent(_path(journal), limit))
    if as_json:
        for row in rows:
            typer.echo(_line(row))
        return
    table = Table("time", "verdict", "principal", "bucket", "id", "rules", "outcome", "decision")
    for row in rows:
        table.add_row(*_cells(row))
    Console().print(table)


@decisions.command()
def show(decision_id: str, journal: _Journal = None) -> None:
    """Show one decision, whole, as JSON."""
    with told_plainly():
        row = asyncio.run(_one(_path(journal), decision_id))
    if row is None:
        typer.echo(f"inventory-gateway: there is no decision {decision_id}", err=True)
        raise typer.Exit(1)
    typer.echo(orjson.dumps(row, default=_plain, option=orjson.OPT_INDENT_2).decode())


@decisions.callback()
def _group() -> None:
    """Read the journal of decisions."""


def _path(journal: Path | None) -> Path:
    return journal or Settings.load().journal_path


async def _recent(path: Path, limit: int) -> list[Mapping[str, object]]:
    journal = await SqliteJournal.open(path)
    try:
        return await journal.recent(limit)
    finally:
        await journal.close()


async def _one(path: Path, decision_id: str) -> Mapping[str, object] | None:
    journal = await SqliteJournal.open(path)
    try:
        return await journal.get(decision_id)
    finally:
        await journal.close()


def _cells(row: Mapping[str, object]) -> tuple[Text | str, ...]:
    """One row of the table. Tenants' text goes in as Text: it must not be read as markup."""
    verdict = Text("allow", "green") if row["allow"] else Text("deny", "red")
    result, outcome = row["result"], row["outcome"]
    if isinstance(result, Mapping) and result.get("would_refuse"):
        verdict = Text("would deny", "yellow")
    findings = result.get("violations", []) if isinstance(result, Mapping) else []
    rules = ", ".join(finding["rule"] for finding in findings) or str(row["error"])
    kind = outcome.kind if isinstance(outcome, Outcome) else "unknown"
    texts = (row["principal"], row["bucket"], row["inventory_id"], rules, kind, row["decision_id"])
    return f"{row['timestamp']:%Y-%m-%d %H:%M:%S}", verdict, *(Text(str(text)) for text in texts)


def _line(row: Mapping[str, object]) -> str:
    return orjson.dumps(row, default=_plain).decode()


def _plain(value: object) -> object:
    """What JSON does not know: the document's bytes and the outcome."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
