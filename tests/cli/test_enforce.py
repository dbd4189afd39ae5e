"""`inventory-gateway enforce`."""

import json
import subprocess

import pytest

from gateway.core.enforcement.kit import KIT
from tests.support.enforcement import GATEWAY, PROVIDER

PODS = ["--set", "namespace=s3", "--set", "service-account=gateway"]


def test_policy_is_printed(run) -> None:
    """As JSON that can be piped into the AWS CLI."""
    result = run("enforce", "scp", "--set", f"gateway-role={GATEWAY}", "--set", "exports=true")
    assert result.exit_code == 0
    (statement,) = json.loads(result.stdout)["Statement"]
    assert "s3:PutInventoryConfiguration" in statement["Action"]
    assert statement["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": [GATEWAY]}}


def test_template_is_printed(run) -> None:
    """For CloudFormation."""
    given = ["--set", f"gateway-role={GATEWAY}", "--format", "cloudformation"]
    result = run("enforce", "detection", *given)
    resources = json.loads(result.stdout)["Resources"]
    assert {item["Type"] for item in resources.values()} == {
        "AWS::Events::Rule",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
    }


def test_trust_is_printed_by_who_is_trusted(run) -> None:
    """A group of its own."""
    given = ["--set", "account=111122223333", "--set", f"oidc-provider={PROVIDER}", *PODS]
    result = run("enforce", "trust", "irsa", *given)
    (statement,) = json.loads(result.stdout)["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"


def test_problems_are_told_all_at_once(run) -> None:
    """A line each on stderr, exit status 2, and nothing on stdout to apply by accident."""
    result = run("enforce", "scp", "--set", "gateway-role=*", "--set", "rule=x")
    assert (result.exit_code, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first.startswith("inventory-gateway: gateway-role: '*' is not the ARN of an IAM role")
    assert second.startswith("'rule' is not taken here; known are: gateway-role, principal-role")


def test_value_has_a_name(run) -> None:
    """`--set NAME=VALUE`, and what it lacks is said."""
    result = run("enforce", "scp", "--set", GATEWAY)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is not NAME=VALUE" in result.stderr


@pytest.mark.parametrize("template", KIT, ids=lambda template: template.name)
def test_help_names_every_value(run, template) -> None:
    """What may be set, and which of it is required."""
    output = run("enforce", *template.name.split(), "--help").output
    for parameter in template.parameters:
        needed = " (required" if parameter.required else ""
        assert f"{parameter.name}{needed}" in output


def test_script_is_a_script(run, tmp_path) -> None:
    """That a POSIX shell takes."""
    script = tmp_path / "existing.sh"
    script.write_text(run("enforce", "existing").stdout)
    subprocess.run(["sh", "-n", script], check=True)
