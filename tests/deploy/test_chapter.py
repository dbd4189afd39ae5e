"""The README's chapter on deployment, followed line by line as far as no cluster is needed."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.adapters.principals_file import PrincipalsFile
from gateway.adapters.secret_file import SecretFile
from gateway.cli.commands import app
from tests.deploy.dockerfile import ROOT, stages
from tests.deploy.manifests import DEPLOY, containers, objects, only, pods, rendered

CHAPTER = re.findall(
    r"^## Deploy$(.*?)^## ", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
)[0]
LINES = [
    shlex.split(line, comments=True)
    for block in re.findall(r"^```console\n(.*?)^```", CHAPTER, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
KUSTOMIZATIONS = [line[3] for line in LINES if line[:3] == ["kubectl", "apply", "-k"]]


def test_every_line_is_followed_here() -> None:
    """A new one wants a test."""
    assert {tuple(line[:2]) for line in LINES} == {
        ("make", "image"),
        ("docker", "compose"),
        ("kubectl", "apply"),
        ("inventory-gateway", "keys"),
        ("python3", "-c"),
        ("kubectl", "create"),
        ("kubectl", "label"),
    }


@pytest.mark.parametrize("folder", KUSTOMIZATIONS)
def test_what_is_applied_is_rendered(folder: str) -> None:
    """Both overlays."""
    assert only(rendered(ROOT / folder), "Deployment", "inventory-gateway")


def test_the_image_is_built_with_arguments_that_it_has() -> None:
    """Else an engine warns, and builds something else."""
    ((*_, options),) = [line for line in LINES if line[:2] == ["make", "image"]]
    named = re.findall(r"--build-arg (\w+)=", options)
    assert named
    assert set(named) <= {name for stage in stages() for name in stage.merged("ARG")}


def test_the_secrets_that_are_made_are_those_that_production_mounts() -> None:
    """By name, by key, and in its namespace; cert-manager makes the certificate's."""
    made = {}
    for line in LINES:
        if line[:4] == ["kubectl", "create", "secret", "generic"]:
            assert line[5:7] == ["-n", "inventory-gateway"]
            made[line[4]] = {item.removeprefix("--from-file=") for item in line[7:]}
    documents = rendered(DEPLOY / "overlays/prod")
    ((_, template),) = pods(documents)
    (gateway,) = containers(template)
    at = {item["name"]: item["mountPath"] for item in gateway["volumeMounts"]}
    (settings,) = [held for held in objects(documents).values() if "GATEWAY_HOSTS" in held]
    wanted = {
        volume["secret"]["secretName"]: {
            Path(value).name
            for value in settings.values()
            if str(Path(value).parent) == at[volume["name"]]
        }
        for volume in template["spec"]["volumes"]
        if "secret" in volume
    }
    del wanted["inventory-gateway-tls"]
    assert made == wanted


def test_the_keys_that_are_made_are_taken(tmp_path: Path, monkeypatch) -> None:
    """The command as it is written, then the file that it leaves."""
    ((_, *command),) = [line for line in LINES if line[0] == "inventory-gateway"]
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, command).exit_code == 0
    assert PrincipalsFile.load(tmp_path / "principals.yaml", {}).principals[0].name == (
        "analytics-team"
    )


def test_the_token_that_is_made_is_taken(tmp_path: Path) -> None:
    """Likewise; Kubernetes mounts it with a mode of its own."""
    ((program, option, script, *target),) = [line for line in LINES if line[0] == "python3"]
    token = tmp_path / "token"
    token.touch(0o600)
    with token.open("wb") as output:
        subprocess.run([program, option, script], check=True, stdout=output, timeout=60)
    assert target == [">", "token"]
    assert len(SecretFile(token).secret) >= 32


def test_clients_namespaces_get_the_label_that_the_network_policy_asks_for() -> None:
    """Else nobody comes in."""
    ((*_, label),) = [line for line in LINES if line[:3] == ["kubectl", "label", "namespace"]]
    name, _, value = label.partition("=")
    policy = only(rendered(DEPLOY / "overlays/prod"), "NetworkPolicy")
    (rule, _) = policy["spec"]["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {name: value}}}]


@pytest.mark.parametrize("row", re.findall(r"^\| `([a-z/-]+)`", CHAPTER, re.MULTILINE))
def test_every_part_that_is_named_is_there(row: str) -> None:
    """In deploy/; and every component is named."""
    assert (DEPLOY / row / "kustomization.yaml").is_file()
    for path in (DEPLOY / "components").iterdir():
        assert f"`components/{path.name}`" in CHAPTER
