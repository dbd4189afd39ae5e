"""The README's chapter on deployment, followed line by line as far as no cluster is needed."""

import re
import shlex

import pytest

from tests.deploy.dockerfile import ROOT, stages
from tests.deploy.manifests import DEPLOY, only, rendered

CHAPTER = (ROOT / "README.md").read_text().partition("\n## Deploy\n")[2].partition("\n## ")[0]
LINES = [
    shlex.split(line, comments=True)
    for block in re.findall(r"^```console\n(.*?)^```", CHAPTER, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


def test_every_line_is_followed_here() -> None:
    """A new one wants a test."""
    assert [line[:2] for line in LINES] == [
        ["make", "image"],
        ["docker", "compose"],
        ["kubectl", "apply"],
    ]


def test_the_image_is_built_with_arguments_that_it_has() -> None:
    """Else an engine warns, and builds something else."""
    options = LINES[0][2]
    named = re.findall(r"--build-arg (\w+)=", options)
    assert named
    assert set(named) <= {name for stage in stages() for name in stage.merged("ARG")}


def test_what_is_applied_is_rendered() -> None:
    """The same folder; `tests/deploy/test_deployment.py` runs it, as it does compose.yaml."""
    assert LINES[2][2] == "-k"
    assert only(rendered(ROOT / LINES[2][3]), "Deployment", "inventory-gateway")


@pytest.mark.parametrize("row", re.findall(r"^\| `([a-z/-]+)`", CHAPTER, re.MULTILINE))
def test_every_part_that_is_named_is_there(row: str) -> None:
    """In deploy/."""
    assert (DEPLOY / row / "kustomization.yaml").is_file()


def test_every_component_is_named() -> None:
    """Whoever looks for one finds it in the README."""
    for path in (DEPLOY / "components").iterdir():
        assert f"`components/{path.name}`" in CHAPTER
