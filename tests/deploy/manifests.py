"""What `kustomize build` makes of deploy/, as documents."""

import os
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.dockerfile import ROOT

Document = Mapping[str, Any]
DEPLOY = ROOT / "deploy"
_LOCAL = ROOT / ".tools" / "bin" / "kustomize"


@cache
def rendered(folder: Path) -> Sequence[Document]:
    """Build a kustomization; without kustomize the test is skipped, except in CI."""
    kustomize = shutil.which(_LOCAL) or shutil.which("kustomize")
    if kustomize is None:
        words = "needs kustomize (make tools)"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    done = subprocess.run(
        [kustomize, "build", str(folder)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    return list(yaml.safe_load_all(done.stdout))


def only(documents: Sequence[Document], kind: str, name: str = "") -> Document:
    """The one of that kind, and of a name that begins so."""
    named = [item for item in documents if item["kind"] == kind]
    (found,) = [item for item in named if item["metadata"]["name"].startswith(name)]
    return found


def pods(documents: Sequence[Document]) -> Iterator[tuple[str, Document]]:
    """The pod templates, by the name of their Deployment."""
    for item in documents:
        if item["kind"] == "Deployment":
            yield item["metadata"]["name"], item["spec"]["template"]


def containers(template: Document) -> list[Document]:
    """All of a pod's, in the order in which they start."""
    spec = template["spec"]
    return [*spec.get("initContainers", ()), *spec["containers"]]


def on_the_base(component: str, folder: Path) -> Sequence[Document]:
    """The base with one component, as an overlay in an empty folder would have it."""
    folder = (folder / component).resolve()
    folder.mkdir()
    up = Path(*[".."] * (len(folder.parts) - 1))
    parts = {"resources": DEPLOY / "base", "components": DEPLOY / "components" / component}
    overlay: dict[str, object] = {
        name: [str(up / path.relative_to("/"))] for name, path in parts.items()
    }
    # Without it what a component generates is nowhere, and nobody's reference to it is renamed.
    overlay["namespace"] = "inventory-gateway"
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    return rendered(folder)


def objects(documents: Sequence[Document]) -> dict[tuple[str, str], Mapping[str, str]]:
    """The ConfigMaps and Secrets among them, by kind and name, as a pod sees them."""
    found: dict[tuple[str, str], Mapping[str, str]] = {}
    for item in documents:
        match item["kind"]:
            case "ConfigMap":
                found["ConfigMap", item["metadata"]["name"]] = item["data"]
            case "Secret":
                found["Secret", item["metadata"]["name"]] = {
                    name: b64decode(text).decode() for name, text in item["data"].items()
                }
    return found
