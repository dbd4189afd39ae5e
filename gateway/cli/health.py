"""`inventory-gateway health`, for `--help`: `gateway.__main__` goes a shorter way."""

from typing import Annotated

import typer

from gateway import health as check


def health(
    url: Annotated[
        str, typer.Argument(help="Of the admin listener: /livez, or /readyz.")
    ] = check.URL,
) -> None:
    """Ask a running gateway whether it lives: exit status 0 or 1, for health checks."""
    found = check.trouble(url)
    if found:
        typer.echo(f"inventory-gateway: {found}", err=True)
        raise typer.Exit(1)
