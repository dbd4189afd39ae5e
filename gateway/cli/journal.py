"""`inventory-gateway journal`: verify, prune and export what is on record."""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, TypeVar

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.adapters.journal import reading, upkeep
from gateway.adapters.journal.tables import TableReader
from gateway.app.journal import open_reader
from gateway.app.settings import Settings
from gateway.app.wiring import now
from gateway.cli.entry_json import whole
from gateway.cli.failure import told_plainly
from gateway.core.journal import EVERYTHING

T = TypeVar("T")
journal = typer.Typer(help="Keep the journal of decisions in order.", no_args_is_help=True)

_AT_ONCE: Final = 500
#: Between two steps of pruning, each of which holds the journal: who waits for a file looks again
#: after a tenth of a second at most (SQLite's `sqliteDefaultBusyCallback`), and finds it free once.
_TURN_SECONDS: Final = 0.15
_Journal = Annotated[
    Path | None,
    typer.Option("--journal", help="A journal's file; default: what the settings say."),
]


def _noted(text: str) -> tuple[int, str]:
    """A position and its hash, as `verify` prints them."""
    found = re.fullmatch(r"([1-9][0-9]{0,17}):([0-9a-f]{64})", text)
    if found is None:
        raise typer.BadParameter("wanted is a position and its hash, such as 6:1f0c…")
    return int(found[1]), found[2]


@journal.command()
def verify(
    path: _Journal = None,
    *,
    noted: Annotated[
        list[str] | None,
        typer.Option(help="POSITION:HASH that an earlier run has printed; may be repeated."),
    ] = None,
) -> None:
    """Walk along the chain of hashes; exit status 1 where an entry was changed or is missing.

    Whoever can write to the journal can write the whole chain anew: keep what is printed elsewhere.
    """
    known = dict(map(_noted, noted or ()))

    async def walk(reader: TableReader) -> upkeep.Verification:
        rows = await reader.read(upkeep.count_before, sys.maxsize)
        with _bar("verifying", rows * 2) as done:
            return await reader.read(upkeep.verify, done, known)

    found = _with_reader(path, walk)
    for problem in found.problems:
        typer.echo(f"inventory-gateway: {problem}", err=True)
    if found.problems:
        raise typer.Exit(1)
    typer.echo(f"{found.entries} entries, whole; the last is {found.position} with {found.hash}")
    if found.position:
        typer.echo(f"to note elsewhere: --noted {found.position}:{found.hash}")


@journal.command()
def prune(
    path: _Journal = None,
    *,
    keep_days: Annotated[
        int | None, typer.Option(min=0, help="Default: the setting journal_keep_days; 0: all.")
    ] = None,
    max_bytes: Annotated[
        int | None, typer.Option(min=0, help="Default: the setting journal_max_bytes; 0: all.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Only say what would go.")] = False,
) -> None:
    """Take out the oldest decisions: what is left can still be verified.

    A file keeps its size, and takes new decisions where the old ones were. To give the room back,
    stop the gateway and run "sqlite3 journal.db VACUUM", which needs as much room once more.
    """
    with told_plainly():
        settings = Settings.load()
    days = settings.journal_keep_days if keep_days is None else keep_days
    size = settings.journal_max_bytes if max_bytes is None else max_bytes

    async def work(reader: TableReader) -> int:
        keep_from = 0
        if days:
            instant = now() - timedelta(days=days)
            keep_from = await reader.read(upkeep.older_than, instant)
        if size:
            keep_from = max(keep_from, await reader.read(upkeep.beyond_size, size))
        number = await reader.read(upkeep.count_before, keep_from)
        if dry_run:
            return number
        gone = 0
        with _bar("pruning", number) as done:
            while count := await reader.read(upkeep.prune, keep_from):
                gone += count
                done(gone)
                await asyncio.sleep(_TURN_SECONDS)  # others write in between
        return gone

    number = _with_reader(path, work, writing=True)
    typer.echo(f"{number} decisions {'would go' if dry_run else 'are gone'}")


@journal.command()
def export(path: _Journal = None) -> None:
    """Write every decision to standard output, oldest first, one JSON object per line."""

    async def work(reader: TableReader) -> None:
        number, after = await reader.read(upkeep.count_before, sys.maxsize), 0
        with _bar("exporting", number) as done:
            exported = 0
            while entries := await reader.read(reading.entries, EVERYTHING, after, _AT_ONCE):
                for entry in entries:
                    typer.echo(orjson.dumps(whole(entry)))
                after = entries[-1].position
                exported += len(entries)
                done(exported)

    _with_reader(path, work)


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, where that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    disable = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=disable) as progress:
        task = progress.add_task(what, total=total)
        yield lambda number: progress.update(task, completed=number)


def _with_reader(
    path: Path | None, work: Callable[[TableReader], Awaitable[T]], *, writing: bool = False
) -> T:
    async def opened() -> T:
        reader = await open_reader(path, writing=writing)
        try:
            return await work(reader)
        finally:
            await reader.close()

    with told_plainly():
        return asyncio.run(opened())
