"""`inventory-gateway policy exemptions`: who let what pass, until when, and whether it is used."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.app.exemption_use import ExemptionUse, exemption_use
from gateway.app.journal import open_reader
from gateway.app.wiring import now
from gateway.cli.failure import told_plainly
from gateway.cli.policy.in_force import BundleOption, SettingsOption, load_bundle, load_settings
from gateway.core.policy.exemption import Exemption, State

_COLOURS = {State.RUNNING: "green", State.EXPIRING: "yellow", State.EXPIRED: "red"}


def exemptions(
    settings: SettingsOption = None,
    bundle: BundleOption = None,
    journal: Annotated[
        Path | None, typer.Option(help="A journal's file, for when each was last used.")
    ] = None,
    *,
    used: Annotated[
        bool, typer.Option("--used", help="The same, from the journal of the settings.")
    ] = False,
) -> None:
    """Show every exemption, also those that have ended, and with a journal those never used."""
    with told_plainly():
        loaded = load_settings(settings, load_bundle(bundle))
        found = () if loaded is None else loaded.exemptions
        use = asyncio.run(_use(found, journal)) if used or journal is not None else None
    table = Table("id", "rules", "buckets", "ticket", "approver", "expires", "state")
    if use is not None:
        table.add_column("last used")
    for item in found:
        state = item.state(now())
        cells = (item.id, ", ".join(item.rules), ", ".join(item.buckets), item.ticket)
        table.add_row(  # as Text: what the file says must not be read as markup
            *map(Text, (*cells, item.approved_by, _minute(item.expires))),
            Text(state.value, _COLOURS[state]),
            *([] if use is None else [_last(item, use)]),
        )
    Console().print(table)
    ended = [item.id for item in found if item.state(now()) is State.EXPIRED]
    if ended:
        typer.echo(f"Expired: {', '.join(ended)}.")
    never = [] if use is None else [item.id for item in found if item.id not in use.last]
    if use is not None and never:
        since = "the journal is empty" if use.since is None else f"since {_minute(use.since)}"
        typer.echo(f"Never used ({since}): {', '.join(never)}.")


async def _use(found: Sequence[Exemption], path: Path | None) -> ExemptionUse:
    reader = await open_reader(path)
    try:
        return await exemption_use(found, reader)
    finally:
        await reader.close()


def _last(item: Exemption, use: ExemptionUse) -> Text:
    moment = use.last.get(item.id)
    return Text("never", "yellow") if moment is None else Text(_minute(moment))


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%MZ}"
