"""`inventory-gateway keys`: the clients' access keys."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from gateway.adapters.principals_file import append_principal, mint_key_pair, principal_entry
from gateway.cli.failure import told_plainly

keys = typer.Typer(help="Make access keys for clients.", no_args_is_help=True)


@keys.command()
def new(
    name: Annotated[str, typer.Argument(help="Of the human or workload that will use it.")],
    bucket: Annotated[
        list[str], typer.Option(help="Glob of bucket names, in quotes; may be given several times.")
    ],
    file: Annotated[
        Path | None,
        typer.Option(
            help="Add it to this principals file, which is made if need be; without it, the "
            "entry is printed."
        ),
    ] = None,
) -> None:
    """Make a key pair and the entry for the principals file."""
    pair = mint_key_pair(secrets.token_bytes)
    with told_plainly():
        if file is None:
            typer.echo("principals:\n" + principal_entry(name, pair, bucket), nl=False)
            return
        append_principal(file, name, pair, bucket)
    typer.echo(f"# {name} is in {file}. Give the client:")
    typer.echo(f"export AWS_ACCESS_KEY_ID={pair.access_key_id}")
    typer.echo(f"export AWS_SECRET_ACCESS_KEY={pair.secret_access_key}")


@keys.callback()
def _group() -> None:
    """Make access keys for clients."""
