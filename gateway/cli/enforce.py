"""`inventory-gateway enforce`: the AWS policies that leave no way past the gateway."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from gateway.cli.failure import told_plainly
from gateway.core.enforcement.document import pretty
from gateway.core.enforcement.existing import SCRIPT
from gateway.core.enforcement.kit import KIT, Template
from gateway.core.enforcement.parameter import Parameter

enforce = typer.Typer(
    help="Print the AWS policies that leave no way past the gateway.", no_args_is_help=True
)
trust = typer.Typer(help="Print trust policies, by who is trusted.", no_args_is_help=True)


class Format(StrEnum):
    """What is printed."""

    JSON = "json"
    CLOUDFORMATION = "cloudformation"


@enforce.command()
def existing() -> None:
    """Print a script that lists the inventory configurations of an account."""
    typer.echo(SCRIPT, nl=False)


@enforce.callback()
def _group() -> None:
    """Print the AWS policies that leave no way past the gateway."""


def _printer(template: Template) -> Callable[..., None]:
    """The command that prints a template."""

    def command(
        set_: Annotated[
            list[str] | None,
            typer.Option("--set", metavar="NAME=VALUE", help="A value; the names are below."),
        ] = None,
        form: Annotated[
            Format, typer.Option("--format", help="The policy, or a CloudFormation template of it.")
        ] = Format.JSON,
    ) -> None:
        pairs = [_pair(text) for text in set_ or ()]
        with told_plainly():
            document = template.document(pairs, wrapped=form is Format.CLOUDFORMATION)
        typer.echo(pretty(document))

    return command


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--set")
    return name, value


def _line(parameter: Parameter) -> str:
    words = ["required"] if parameter.required else []
    words += ["may be given several times"] if parameter.many else []
    more = f" ({', '.join(words)})" if words else ""
    return f"{parameter.name}{more}: {parameter.meaning}. Form: {parameter.kind.words}."


def _add(template: Template) -> None:
    *group, name = template.name.split()
    add = (trust if group else enforce).command
    lines = "\n\n".join(map(_line, template.parameters))
    add(name, help=template.summary, epilog=lines)(_printer(template))


for _template in KIT:
    _add(_template)
enforce.add_typer(trust, name="trust")
