"""`inventory-gateway decisions`: what the journal holds."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.admin.record import decision_view
from gateway.app.journal import open_reader
from gateway.app.wiring import now
from gateway.cli.decision_text import COLOURS, decision_text, one_line
from gateway.cli.entry_json import whole
from gateway.cli.failure import told_plainly
from gateway.core.journal import (
    OPEN,
    AmbiguousIdError,
    JournalEntry,
    JournalFilter,
    JournalReader,
    JournalRow,
    Verdict,
)
from gateway.core.policy.input import DELETE_ACTION

T = TypeVar("T")
decisions = typer.Typer(help="Read the journal of decisions.", no_args_is_help=True)

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_POLL_SECONDS: Final = 0.5
_AT_ONCE: Final = 500
#: Of a UUID: to be copied, it must not be folded.
_ID_WIDTH: Final = 36
#: What a finding did not do; nothing that was found is hidden.
_MARKS: Final = {"exempted": " (exempted)", "dryrun": " (dryrun)", "warn": " (warn)"}


def _instant(text: str) -> datetime:
    """`90m`, `24h`, `7d` ago, or a date or time of ISO 8601, of UTC unless it says otherwise."""
    match = re.fullmatch(r"(\d{1,5})([mhdw])", text)
    if match is not None:
        return now() - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("say 90m, 24h, 7d, or 2026-11-20T12:00") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


_Journal = Annotated[
    Path | None, typer.Option(help="A journal's file; default: what the settings say.")
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object per line, each whole.")]
_Verdict = Annotated[Verdict | None, typer.Option(help="Only these.")]
_OutcomeKind = Annotated[
    Literal["forwarded", "refused", "failed", "unknown", "open"] | None,
    typer.Option(help="Only what ended so; `open`: without outcome."),
]
_Principal = Annotated[str, typer.Option(help="Only who is called so.")]
_Bucket = Annotated[str, typer.Option(help="Only this source bucket.")]
_Rule = Annotated[str, typer.Option(help="Only where this rule fired, in whatever mode.")]
_Since = Annotated[
    datetime | None,
    typer.Option(parser=_instant, metavar="AGE|TIME", help="Not before: 24h, 7d, 2026-11-20."),
]
_Until = Annotated[
    datetime | None, typer.Option(parser=_instant, metavar="AGE|TIME", help="Before.")
]


@decisions.command("list")
def list_(
    journal: _Journal = None,
    *,
    verdict: _Verdict = None,
    outcome: _OutcomeKind = None,
    principal: _Principal = "",
    bucket: _Bucket = "",
    rule: _Rule = "",
    since: _Since = None,
    until: _Until = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most decisions.")] = 20,
    as_json: _Json = False,
) -> None:
    """Show the newest decisions."""
    wanted = JournalFilter(verdict, outcome or "", principal, bucket, rule, since, until)

    async def newest(reader: JournalReader) -> None:
        rows = await reader.page(wanted, limit=limit)
        if as_json:
            await _print_lines(reader, rows)
        elif rows:
            _print_table(rows)
        else:
            typer.echo("no decisions", err=True)

    _with_reader(journal, newest)


@decisions.command()
def show(
    decision_id: Annotated[
        str, typer.Argument(help="The id, or as much of its beginning as no other has.")
    ],
    journal: _Journal = None,
    *,
    diff: Annotated[
        bool,
        typer.Option("--diff", help="Instead, from what the client wrote to what was judged."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The whole record.")] = False,
) -> None:
    """Show one decision: why, for whom, what became of it, and where its time went."""
    try:
        entry = _with_reader(journal, lambda reader: reader.get(decision_id))
    except AmbiguousIdError:
        _end(f"several decisions begin with {decision_id}")
    if entry is None:
        _end(f"there is no decision {decision_id}")
    if diff:
        _print_difference(entry)
    elif as_json:
        typer.echo(orjson.dumps(whole(entry), option=orjson.OPT_INDENT_2))
    else:
        Console().print(decision_text(decision_view(entry)), soft_wrap=True)


@decisions.command()
def tail(
    journal: _Journal = None,
    *,
    verdict: _Verdict = None,
    principal: _Principal = "",
    bucket: _Bucket = "",
    rule: _Rule = "",
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, max=1000, help="How many to begin with.")
    ] = 10,
    follow: Annotated[bool, typer.Option(help="Wait for further decisions.")] = True,
    as_json: _Json = False,
) -> None:
    """Show the last decisions, and then those that come."""
    wanted = JournalFilter(verdict, "", principal, bucket, rule)

    async def shown(reader: JournalReader) -> None:
        newest = await reader.page(limit=1)
        after = newest[0].position if newest else 0
        rows = (await reader.page(wanted, limit=lines))[::-1] if lines else ()
        while True:
            if as_json:
                await _print_lines(reader, rows)
            elif rows:
                _print_table(rows)
            after = max([after, *(row.position for row in rows)])
            rows = await reader.tail(wanted, after=after, limit=_AT_ONCE)
            if not rows and not follow:
                return
            if not rows:
                await asyncio.sleep(_POLL_SECONDS)

    try:
        _with_reader(journal, shown)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@decisions.callback()
def _group() -> None:
    """Read the journal of decisions."""


def _with_reader(path: Path | None, work: Callable[[JournalReader], Awaitable[T]]) -> T:
    """Open the journal, do the work, close it; what an operator can mend is told plainly."""

    async def whole() -> T:
        reader = await open_reader(path)
        try:
            return await work(reader)
        finally:
            await reader.close()

    with told_plainly():
        return asyncio.run(whole())


def _end(words: str) -> NoReturn:
    typer.echo(f"inventory-gateway: {words}", err=True)
    raise typer.Exit(1)


def _print_difference(entry: JournalEntry) -> None:
    """As the admin page has it; nothing of a client's text reaches a terminal as a command."""
    found = decision_view(entry).rewriting
    if found is None:
        _end("what the client wrote is not on record: a removal, or an earlier release's record")
    typer.echo(found.sentence)
    for line in found.lines:
        typer.echo(f"{line.mark} {one_line(line.text)}")


async def _print_lines(reader: JournalReader, rows: Sequence[JournalRow]) -> None:
    for row in rows:
        entry = await reader.get(row.decision_id)
        if entry is not None:  # it may have been pruned since
            typer.echo(orjson.dumps(whole(entry)))


def _print_table(rows: Sequence[JournalRow]) -> None:
    """Ids and names share a column, so that they are whole on a terminal of 80 columns, too."""
    table = Table(box=None, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("time", width=10)
    table.add_column("verdict", width=10)
    table.add_column("rules", overflow="fold", min_width=10)
    table.add_column("decision, principal, what", overflow="fold", min_width=_ID_WIDTH)
    for row in rows:
        table.add_row(*_cells(row))
    Console().print(table)


def _cells(row: JournalRow) -> tuple[Text, ...]:
    """One row of the table. Tenants' text goes in as Text: it must not be read as markup."""
    outcome = row.outcome.kind if row.outcome is not None else OPEN
    verdict = Text(row.verdict.replace("_", " "), COLOURS[row.verdict])
    verdict.append(f"\n{outcome}", "default")
    removal = "removal of " if row.action == DELETE_ACTION else ""
    what = f"{removal}{row.inventory_id} on {row.bucket}"
    names = Text("\n").join(Text(one_line(it)) for it in (row.decision_id, row.principal, what))
    rules = [f"{found.rule}{_MARKS.get(found.mode, '')}" for found in row.rules]
    return (
        Text(f"{row.timestamp:%Y-%m-%d\n%H:%M:%S}"),
        verdict,
        Text(one_line(", ".join(dict.fromkeys(rules)) or row.error)),
        names,
    )
