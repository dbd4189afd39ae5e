"""Every recipe of docs/clients.md that says that it is run, word for word, through a gateway."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.aws_cli import find_aws_cli
from tests.clients.client import MissingClient
from tests.clients.configuration import SOURCE
from tests.clients.recipes import Recipe, environment, preamble, recipes
from tests.clients.stage import Stage, playing
from tests.servers.commands import MODULES, find
from tests.servers.conftest import skipping
from tests.servers.server import ROOT

pytestmark = pytest.mark.client

_SECONDS = 300
CLIENTS = ROOT / "tests" / "clients"
TOOLS = ROOT / ".tools"
PUT = "PutBucketInventoryConfiguration"


@dataclass(frozen=True, slots=True)
class Kitchen:
    """Where a recipe is run.

    Args:
        recipe: the chapter.
        url: of the gateway.
        folder: with `daily.json` in it.
        environment: the page's, and what programs need to start.
    """

    recipe: Recipe
    url: str
    folder: Path
    environment: Mapping[str, str]

    def write(self, language: str, name: str) -> Path:
        """A block of the recipe, as a file."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(self.recipe.block(language, self.url))
        return path

    def run(self, *command: str | Path, **more: str) -> None:
        """A program; whatever it says is shown where it fails."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def python(kitchen: Kitchen) -> None:
    """A script in this environment."""
    kitchen.run(sys.executable, kitchen.write("python", "recipe.py"))


def profile(kitchen: Kitchen) -> None:
    """A script that finds everything but its keys in a profile."""
    kitchen.write("ini", ".aws/config")
    keys = {
        name: value
        for name, value in kitchen.environment.items()
        if not name.startswith("AWS_") or name.endswith(("_KEY", "_KEY_ID"))
    }
    script = kitchen.write("python", "recipe.py")
    bare = Kitchen(kitchen.recipe, kitchen.url, kitchen.folder, keys)
    bare.run(sys.executable, script, AWS_PROFILE="governed")


def shell(kitchen: Kitchen) -> None:
    """A command line."""
    kitchen.run("sh", "-e", kitchen.write("sh", "recipe.sh"))


def aws_cli_2(kitchen: Kitchen) -> None:
    """The AWS CLI, wherever it is."""
    _shell_with(kitchen, Path(find_aws_cli()).parent)


def aws_cli_1(kitchen: Kitchen) -> None:
    """The AWS CLI of before, in an environment of its own."""
    folder = TOOLS / "awscli1" / "bin"
    if not (folder / "aws").exists():
        raise MissingClient("the AWS CLI, version 1, is not installed: `make tools` says more")
    _shell_with(kitchen, folder)


def _shell_with(kitchen: Kitchen, folder: Path) -> None:
    path = f"{folder}{os.pathsep}{kitchen.environment['PATH']}"
    kitchen.run("sh", "-e", kitchen.write("sh", "recipe.sh"), PATH=path)


def node(kitchen: Kitchen) -> None:
    """A module beside the packages that the other tests use."""
    if not (MODULES / "node_modules" / "@aws-sdk").exists():
        raise MissingClient("the JavaScript SDK is not installed: `make tools` says more")
    (kitchen.folder / "node_modules").symlink_to(MODULES / "node_modules")
    kitchen.run(find("node"), kitchen.write("js", "recipe.mjs"))


def go(kitchen: Kitchen) -> None:
    """A program of one file, with pinned modules."""
    for name in ("go.mod", "go.sum"):
        shutil.copy(CLIENTS / "go" / name, kitchen.folder)
    kitchen.write("go", "main.go")
    program = find("go")
    asked = ("GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB")
    done = subprocess.run([program, "env", *asked], capture_output=True, text=True, check=True)
    settings = dict(zip(asked, done.stdout.splitlines(), strict=True))
    kitchen.run(program, "run", ".", **settings, GOFLAGS="-mod=readonly", GOTOOLCHAIN="local")


def java(kitchen: Kitchen) -> None:
    """A program of one file, which Java compiles itself."""
    jars = TOOLS / "java"
    if not (jars / "pom.xml").exists():
        raise MissingClient("the SDK for Java is not installed: `make tools` says more")
    recipe = kitchen.write("java", "Recipe.java")
    kitchen.run(find("java"), "-cp", f"{jars}/*", recipe)


#: The chapter -> how it is run, and the operations that the gateway sees.
KITCHENS: Mapping[str, tuple[Callable[[Kitchen], None], set[str]]] = {
    "boto3": (python, {PUT}),
    "Profile": (profile, {PUT}),
    "AWS CLI v2": (aws_cli_2, {PUT}),
    "AWS CLI v1": (aws_cli_1, {PUT}),
    "AWS SDK for JavaScript v3": (node, {PUT}),
    "AWS SDK for Go v2": (go, {PUT}),
    "AWS SDK for Java v2": (java, {PUT}),
    "curl": (shell, {PUT}),
    "IBM COS SDK": (python, {"ListBucketInventoryConfigurations"}),
    "s3fs": (python, {"PutObject", "GetObject"}),
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Return a gateway in front of an emulator."""
    with playing(tmp_path_factory.mktemp("recipes")) as stage:
        yield stage


def test_page_says_of_every_recipe_whether_it_is_run() -> None:
    """No more, no fewer than are; and of the others, why not."""
    assert {title for title, recipe in recipes().items() if recipe.is_run} == set(KITCHENS)
    assert all(recipe.reason for title, recipe in recipes().items() if title not in KITCHENS)


@pytest.mark.parametrize("title", KITCHENS)
def test_recipe_works_when_it_is_followed(stage: Stage, tmp_path: Path, title: str) -> None:
    """S3 has what the recipe writes, and it came through the gateway alone."""
    stage.emulator.buckets[SOURCE].inventories.pop("daily", None)
    (tmp_path / "daily.json").write_text(preamble().block("json", stage.url))
    basics = {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }
    key = (stage.key.access_key_id, stage.key.secret_access_key)
    kitchen = Kitchen(
        recipes()[title], stage.url, tmp_path, {**basics, **environment(stage.url, *key)}
    )
    cook, operations = KITCHENS[title]
    mark = stage.mark()
    with skipping():
        cook(kitchen)
    events = stage.requests_since(mark)
    seen = {str(event["operation"]) for event in events if event["status"] in {200, 204}}
    assert operations <= seen, events
    assert ("daily" in stage.emulator.buckets[SOURCE].inventories) == (PUT in operations)
