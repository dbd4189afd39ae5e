"""All verbs: the whole command line."""

import typer

from gateway import __version__
from gateway.cli.decisions import decisions
from gateway.cli.demo import demo
from gateway.cli.emulator import emulator
from gateway.cli.enforce import enforce
from gateway.cli.health import health
from gateway.cli.journal import journal
from gateway.cli.keys import keys
from gateway.cli.policy import policy
from gateway.cli.serve import serve

app = typer.Typer(
    name="inventory-gateway",
    help="An S3 endpoint that gates S3 Inventory configurations.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(demo)
app.command()(emulator)
app.command()(health)
app.add_typer(keys, name="keys")
app.add_typer(decisions, name="decisions")
app.add_typer(journal, name="journal")
app.add_typer(policy, name="policy")
app.add_typer(enforce, name="enforce")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)
