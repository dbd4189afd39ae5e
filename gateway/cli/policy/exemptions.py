"""`inventory-gateway policy exemptions`: who let what pass, and until when."""

from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.app.wiring import now
from gateway.cli.failure import told_plainly
from gateway.cli.policy.in_force import BundleOption, SettingsOption, load_bundle, load_settings
from gateway.core.policy.exemption import State

_COLOURS = {State.RUNNING: "green", State.EXPIRING: "yellow", State.EXPIRED: "red"}


def exemptions(settings: SettingsOption = None, bundle: BundleOption = None) -> None:
    """Show every exemption, also those that have ended."""
    with told_plainly():
        found = load_settings(settings, load_bundle(bundle))
    table = Table("id", "rules", "buckets", "ticket", "approver", "expires", "state")
    for item in () if found is None else found.exemptions:
        state = item.state(now())
        cells = (item.id, ", ".join(item.rules), ", ".join(item.buckets), item.ticket)
        table.add_row(  # as Text: what the file says must not be read as markup
            *map(Text, (*cells, item.approved_by, _minute(item.expires))),
            Text(state.value, _COLOURS[state]),
        )
    Console().print(table)


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%MZ}"
