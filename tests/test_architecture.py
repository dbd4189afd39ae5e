"""What holds the tree together: mirrors, and pages that name everything there is."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import typer.main
import yaml

from gateway.adapters.metrics_prometheus import FAMILIES
from gateway.app.settings import PREFIX, Settings
from gateway.cli.commands import app
from gateway.core.errors import STATUS
from gateway.core.policy.fact import FACTS, Fact

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
DOCS = ROOT / "docs"
#: Tested elsewhere: the command line by verb, the emulator by what it emulates.
NOT_MIRRORED = ("cli", "emulator")


def modules() -> Iterator[str]:
    """Every module that must have a test file of its name, less what holds no code."""
    for path in sorted((ROOT / "gateway").rglob("*.py")):
        name = path.relative_to(ROOT / "gateway")
        if name.parts[0] in NOT_MIRRORED or name.name == "ports.py":
            continue
        if "migrations" in name.parts:  # tested as a whole, by what migrates
            continue
        body = ast.parse(path.read_text()).body
        if path.name == "__init__.py" and not any(
            isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) for node in body
        ):
            continue
        yield name.as_posix()


@pytest.mark.parametrize("module", [*modules()])
def test_every_module_has_its_mirror(module: str) -> None:
    """`gateway/a/b.py` is tested by `tests/a/test_b.py`."""
    folder, _, name = module.rpartition("/")
    assert (ROOT / "tests" / folder / f"test_{name}").exists()


def mirrors() -> Iterator[str]:
    """Every test file in a mirrored folder."""
    for ring in ("core", "pipeline", "adapters", "admin", "app"):
        for path in sorted((ROOT / "tests" / ring).rglob("test_*.py")):
            yield path.relative_to(ROOT / "tests").as_posix()


@pytest.mark.parametrize("test", [*mirrors()])
def test_every_mirror_has_its_module(test: str) -> None:
    """No more, no fewer."""
    assert (ROOT / "gateway" / test.replace("test_", "", 1)).exists()


def rows(page: str) -> list[str]:
    """The rows of the table of a page."""
    return [line for line in (DOCS / page).read_text().splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_its_row(name: str) -> None:
    """With its description, word for word."""
    found = [row for row in rows("settings.md") if row.startswith(f"| `{name}` |")]
    assert len(found) == 1
    assert str(Settings.model_fields[name].description) in found[0]


def test_no_other_setting_has_a_row() -> None:
    """What was removed is removed there, too; and how variables are named is said."""
    named = {row.split("`")[1] for row in rows("settings.md")}
    assert named == set(Settings.model_fields)
    assert f"`{PREFIX}`" in (DOCS / "settings.md").read_text()
    assert f"`{PREFIX}`" in README


def rules_of(fact: Fact) -> list[str]:
    """The rules that read what the fact supplies, by the catalogue."""
    files = sorted(ROOT.glob("policies/inventory/catalog/*/data.yaml"))
    read = {path.parent.name: yaml.safe_load(path.read_text())["facts"] for path in files}
    return [rule for rule, members in read.items() if set(members) & set(FACTS[fact].members)]


@pytest.mark.parametrize("fact", FACTS)
def test_every_fact_has_its_row(fact: Fact) -> None:
    """With what it says, the rules that read it, and the permissions that it needs."""
    entry = FACTS[fact]
    rules = ", ".join(f"[{rule}](rules/{rule}.md)" for rule in rules_of(fact))
    actions = ", ".join(f"`{action}`" for action in entry.actions)
    row = f"| `{fact}` | {entry.says} | {rules or 'your own'} | {actions} | {entry.side} |"
    assert [line for line in rows("facts.md") if line.startswith(f"| `{fact}` |")] == [row]


def test_no_other_fact_has_a_row() -> None:
    """What the settings do not know cannot be switched on."""
    assert [row.split("`")[1] for row in rows("facts.md")] == list(FACTS)


def test_every_metric_has_its_row_and_no_other() -> None:
    """By its name, with its labels; metrics of one row have the same, or all that it names."""
    named: dict[str, set[str]] = {}
    for row in rows("metrics.md"):
        names, labels = (re.findall("`([^`]*)`", column) for column in row.split("|")[1:3])
        named |= {name: set(labels) for name in names}
    assert set(named) == set(FAMILIES)
    assert [name for name in FAMILIES if not set(FAMILIES[name].labels) <= named[name]] == []


def test_what_the_readme_shows_of_files_is_on_their_pages() -> None:
    """Principals and policy settings: the same lines, fewer of them."""
    shown = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    pages = [(DOCS / name).read_text() for name in ("principals.md", "policy-settings.md")]
    assert len(shown) == len(pages)
    for block, page in zip(shown, pages, strict=True):
        assert block in page


@pytest.mark.parametrize("code", STATUS)
def test_every_error_code_has_its_row(code: str) -> None:
    """In the first column of the table, beside its status."""
    found = [row for row in rows("errors.md") if f"`{code}`" in row.split("|")[1]]
    assert len(found) == 1
    assert str(STATUS[code]) in found[0].split("|")[2]


def test_no_other_error_code_has_a_row() -> None:
    """The table is the list of what the gateway itself answers."""
    named = {
        code for row in rows("errors.md") for code in re.findall("`([^`]*)`", row.split("|")[1])
    }
    assert named - {"ServiceUnavailable"} == set(STATUS) - {"ServiceUnavailable"}


@pytest.mark.parametrize("code", STATUS)
def test_every_error_code_is_answered_somewhere(code: str) -> None:
    """A code that nothing raises is a promise that nobody keeps."""
    places = [path for path in (ROOT / "gateway").rglob("*.py") if "emulator" not in path.parts]
    uses = sum(path.read_text().count(f'"{code}"') for path in places)
    assert uses >= 2  # its row in the table, and where it is raised


def verbs(command: object, path: str = "") -> Iterator[str]:
    """Every command that does something; typer has a click of its own, so ask by attribute."""
    children: Mapping[str, object] = getattr(command, "commands", {})
    for name, child in children.items():
        yield from verbs(child, f"{path} {name}".strip())
    if not children:
        yield path


@pytest.mark.parametrize("verb", [*verbs(typer.main.get_command(app))])
def test_every_verb_is_shown(verb: str) -> None:
    """As a command, or between backticks: in the README, or on a page."""
    shown = "\n".join([README, *(page.read_text() for page in sorted(DOCS.glob("*.md")))])
    assert re.search(rf"inventory-gateway {verb}\b|`[^`\n]*\b{verb}\b[^`\n]*`|make {verb}\b", shown)
