"""`inventory-gateway policy`: read the rules, judge documents by them, write rules of one's own."""

import typer

from gateway.cli.policy.build import build
from gateway.cli.policy.evaluate import evaluate
from gateway.cli.policy.exemptions import exemptions
from gateway.cli.policy.lint import lint
from gateway.cli.policy.rules import data, explain, list_, schema
from gateway.cli.policy.trials import trial

policy = typer.Typer(
    help="Read the rules and the policy settings, and judge documents.", no_args_is_help=True
)
policy.command("list")(list_)
policy.command()(explain)
policy.command()(exemptions)
policy.command("eval")(evaluate)
policy.command("test")(trial)
policy.command()(lint)
policy.command()(build)
policy.command()(schema)
policy.command()(data)
