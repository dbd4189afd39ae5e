"""`inventory-gateway policy lint`: what is wrong with rules of one's own, by file and line."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from gateway.adapters.opa_command import OpaCommand
from gateway.app.own_rules import Problem, RuleFolder
from gateway.cli.failure import told_plainly
from gateway.cli.policy.in_force import OpaOption


def lint(
    rules: Annotated[Path, typer.Argument(help="The folder of rules; it holds `inventory`.")],
    opa: OpaOption = "",
) -> None:
    """Check rules of one's own: format, types, house rules, catalogue.

    Exit status: 0 when nothing is wrong, 1 when something is, 2 when it cannot be checked.
    """
    with told_plainly():
        command = OpaCommand.find(opa)
        folder = RuleFolder(rules)
        with TemporaryDirectory(prefix="policy-") as scratch:
            problems = folder.lint(folder.merge_into(Path(scratch)), command)
    tell(problems)
    typer.echo(f"{len(folder.ids())} rules, nothing wrong.")


def tell(problems: list[Problem]) -> None:
    """Print the problems and end with status 1, if there are any."""
    for problem in problems:
        typer.echo(str(problem), err=True)
    if problems:
        raise typer.Exit(1)
