"""Rules of an organisation's own: merged beside those that ship, and every mistake by its place."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from gateway.adapters.opa_command import OpaCommand
from gateway.adapters.opa_wasm import PolicyBundle
from gateway.app.own_rules import Problem, RuleFolder, lay_out_shipped, tree_data
from gateway.app.self_test import OWN_RULES
from tests.support.opa_process import find_opa

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / "tests/support/own_rules"
RULE = "inventory/custom/team_id.rego"
TEST = "inventory/custom/team_id_test.rego"
ENTRY = "inventory/catalog/ORG001/data.yaml"


@pytest.fixture
def opa() -> OpaCommand:
    """The real one."""
    return OpaCommand.find(find_opa())


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A copy of the rules, to be damaged."""
    return shutil.copytree(OWN, tmp_path / "own")


def linted(folder: Path, opa: OpaCommand, scratch: Path) -> list[str]:
    """Return the problems of a folder."""
    rules = RuleFolder(folder)
    return [str(problem) for problem in rules.lint(rules.merge_into(scratch / "tree"), opa)]


def test_good_rules_have_no_problem(opa: OpaCommand, tmp_path: Path) -> None:
    """Neither have those that ship: they are held to the same."""
    assert linted(OWN, opa, tmp_path) == []
    assert linted(ROOT / "policies", opa, tmp_path) == []


def test_rules_are_laid_beside_those_that_ship(own: Path, tmp_path: Path) -> None:
    """Nothing that ships is replaced but the settings' name, and nothing else comes along."""
    (own / "inventory/rules").mkdir()
    (own / "inventory/rules/x.rego").write_text("package x\n")
    (own / "org").mkdir()
    (own / "org/data.yaml").write_text("revision: theirs\n")
    shipped = tmp_path / "shipped"
    lay_out_shipped(shipped)
    tree = RuleFolder(own).merge_into(tmp_path / "tree")
    names = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}
    before = {path.relative_to(shipped).as_posix() for path in shipped.rglob("*") if path.is_file()}
    assert names - before == {RULE, TEST, ENTRY}
    changed = {
        name for name in before if (tree / name).read_bytes() != (shipped / name).read_bytes()
    }
    assert changed == {"org/data.yaml"}
    data = tree_data(tree)
    assert data["org"] == {"revision": OWN_RULES}
    assert set(data["inventory"]["catalog"]) == {*PolicyBundle.shipped().catalog, "ORG001"}


def test_a_whole_tree_stays_where_it_is(tmp_path: Path) -> None:
    """It needs nothing to be merged with."""
    rules = RuleFolder(ROOT / "policies")
    assert rules.merge_into(tmp_path) == ROOT / "policies"
    assert [*tmp_path.iterdir()] == []
    assert rules.ids()["INV001"] == "inventory/rules/encryption/report_encrypted.rego"
    assert RuleFolder(OWN).ids() == {"ORG001": RULE}


def test_another_folder_is_none(tmp_path: Path) -> None:
    """In plain words, for whoever named it."""
    with pytest.raises(FileNotFoundError, match="no folder of rules"):
        RuleFolder(tmp_path)


def edit(name: str, before: str, after: str):
    """Return a damage: one text for another."""

    def damage(folder: Path) -> None:
        text = (folder / name).read_text()
        assert before in text
        (folder / name).write_text(text.replace(before, after))

    return damage


def add(name: str, text: str):
    """Return a damage: one more file."""

    def damage(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    return damage


def drop(name: str):
    """Return a damage: one file less."""
    return lambda folder: (folder / name).unlink()


SECOND = (OWN / RULE).read_text().replace("team_id", "second")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        pytest.param(
            add("inventory/rules/report/format_allowed.rego", "package a\n"),
            "inventory/rules/report/format_allowed.rego: only inventory/custom/NAME.rego",
            id="shipped-rule",
        ),
        pytest.param(
            add("inventory/main/more.rego", "package inventory.main\n"),
            "inventory/main/more.rego: only inventory/custom/NAME.rego",
            id="entrypoint",
        ),
        pytest.param(
            add("inventory/data.json", "{}"), "inventory/data.json: only inventory/", id="data"
        ),
        pytest.param(
            add("inventory/custom/deep/x.rego", "package inventory.custom.deep.x\n"),
            "inventory/custom/deep/x.rego: only inventory/",
            id="deeper",
        ),
        pytest.param(add("x.sh", "exit\n"), "x.sh: only inventory/", id="other-file"),
        pytest.param(
            edit(RULE, "package inventory.custom.team_id", "package inventory.main"),
            f"{RULE}:3: the package must be inventory.custom.team_id",
            id="package",
        ),
        pytest.param(
            edit(RULE, "# METADATA\n", "#\n"), f"{RULE}:1: METADATA with a title", id="metadata"
        ),
        pytest.param(
            edit(RULE, "# title: ", "# titel: "), f"{RULE}:1: METADATA with a title", id="title"
        ),
        pytest.param(
            edit(RULE, "not document.removes", "not document.removes\n\ttime.now_ns() > 0"),
            f"{RULE}:13: time.now_ns: the engines differ",
            id="time",
        ),
        pytest.param(
            edit(RULE, "not document.removes", 'sprintf("%s", ["x"]) == "x"'),
            f"{RULE}:12: sprintf: the engines differ",
            id="sprintf",
        ),
        pytest.param(
            edit(RULE, 'id := "ORG001"', 'id := "INV001"'),
            f"{RULE}:1: INV001: an id is a prefix of the organisation's own",
            id="shipped-id",
        ),
        pytest.param(
            edit(RULE, 'id := "ORG001"', 'id := concat("", ["ORG001"])'),
            f"{RULE}:1: the rule must name itself once",
            id="computed-id",
        ),
        pytest.param(
            add("inventory/custom/second.rego", SECOND),
            f"{RULE}:1: ORG001 is the id of inventory/custom/second.rego, too",
            id="id-twice",
        ),
        pytest.param(drop(ENTRY), f"{RULE}:1: ORG001 has no entry {ENTRY}", id="no-entry"),
        pytest.param(drop(TEST), f"{RULE}:1: there is no test beside it", id="no-test"),
        pytest.param(
            add("inventory/catalog/ORG002/data.yaml", (OWN / ENTRY).read_text()),
            "inventory/catalog/ORG002/data.yaml: no rule has the id ORG002",
            id="no-rule",
        ),
        pytest.param(
            add("inventory/catalog/INV001/data.yaml", (OWN / ENTRY).read_text()),
            "inventory/catalog/INV001/data.yaml: no rule has the id INV001",
            id="shipped-entry",
        ),
        pytest.param(edit(ENTRY, "why: ", "whi: "), f"{ENTRY}: why is missing", id="text"),
        pytest.param(add(ENTRY, "{"), f"{ENTRY}: an entry must hold members", id="yaml"),
        pytest.param(
            edit(RULE, "not document.removes", "not removes"),
            f"{RULE}:12: rego_unsafe_var_error",
            id="compiler",
        ),
        pytest.param(
            edit(
                RULE, "import data.inventory.lib.globs\n", "import data.inventory.lib.globs\n" * 2
            ),
            f"{RULE}:7: rego_compile_error",
            id="strict",
        ),
        pytest.param(
            edit(RULE, "\tnot document.removes", "  not document.removes"),
            f"{RULE}: not formatted: opa fmt -w",
            id="format",
        ),
    ],
)
def test_what_is_wrong_is_told_by_its_place(
    opa: OpaCommand, own: Path, tmp_path: Path, damage, problem: str
) -> None:
    """Whatever it is: nothing of it gets into a bundle."""
    damage(own)
    found = linted(own, opa, tmp_path)
    assert [line for line in found if line.startswith(problem)], found


def test_what_has_no_place_is_told_all_the_same(own: Path, tmp_path: Path) -> None:
    """The whole of what the compiler said."""
    program = tmp_path / "opa"
    program.write_text("#!/bin/sh\n[ $1 = check ] && echo 'a plague' && exit 1\nexit 0\n")
    program.chmod(0o755)
    assert linted(own, OpaCommand.find(program), tmp_path) == ["a plague"]


def test_settings_for_an_opa_server_may_lie_beside(opa: OpaCommand, own: Path, tmp_path: Path):
    """One folder serves both engines."""
    (own / "org").mkdir()
    (own / "org/data.yaml").write_text("revision: r\n")
    (own / ".manifest").write_text("{}")
    (own / "fixtures.yaml").write_text("[]")
    assert linted(own, opa, tmp_path) == []


def test_problems_read_as_compilers_write_them() -> None:
    """`file:line: what`, as editors and CI systems know it."""
    assert [str(Problem("f", 3, "w")), str(Problem("f", 0, "w")), str(Problem("", 0, "w"))] == [
        "f:3: w",
        "f: w",
        "w",
    ]


def test_the_readme_of_the_policies_shows_a_rule_that_passes(own: Path) -> None:
    """Whoever copies it has a rule."""
    blocks = re.findall(
        r"```(rego|yaml)\n(.*?)```", (ROOT / "policies/README.md").read_text(), re.DOTALL
    )
    rules = [text for kind, text in blocks if kind == "rego" and "ORG001" in text]
    tests = [text for kind, text in blocks if kind == "rego" and "team_id_test" in text]
    entries = [text for kind, text in blocks if kind == "yaml" and "title:" in text]
    [rule], [entry] = rules, entries
    assert rule == (own / RULE).read_text()
    assert tests == [(own / TEST).read_text()]
    assert yaml.safe_load(entry) == yaml.safe_load((own / ENTRY).read_text())
