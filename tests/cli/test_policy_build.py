"""`inventory-gateway policy lint|test|build`: rules of one's own, from a folder to a bundle."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.adapters.opa_wasm import PolicyBundle
from tests.core.inventory.test_shape import SHAPE
from tests.support.opa_process import SHIPPED, find_opa, opa_server

OWN = Path(__file__).resolve().parents[1] / "support/own_rules"
RULE = "inventory/custom/team_id.rego"
KNOWN = (
    *("--bucket", "acme-orders", "--owner", "verified"),
    *("--source-region", "eu-central-1", "--destination-region", "eu-central-1"),
)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the rules, and the binary by its variable."""
    monkeypatch.setenv("OPA", find_opa())
    return shutil.copytree(OWN, tmp_path / "own")


@pytest.fixture
def no_opa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the binary."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("OPA", raising=False)


def edit(path: Path, before: str, after: str) -> None:
    """Write one text for another."""
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


# --- lint -----------------------------------------------------------------------------------------


def test_good_rules_are_called_good(run, own: Path) -> None:
    """And counted."""
    result = run("policy", "lint", own)
    assert (result.exit_code, result.stdout) == (0, "1 rules, nothing wrong.\n")


def test_problems_are_told_by_file_and_line(run, own: Path) -> None:
    """Exit status 1."""
    edit(own / RULE, "package inventory.custom.team_id", "package inventory.main")
    result = run("policy", "lint", own)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{RULE}:3: the package must be inventory.custom.team_id" in result.stderr


@pytest.mark.usefixtures("no_opa")
@pytest.mark.parametrize(
    "arguments",
    [
        ("lint", OWN),
        ("build", "--rules", OWN),
        ("test", "--rules", OWN),
        ("test", "--engine", "opa"),
    ],
    ids=["lint", "build", "test-rules", "test-opa"],
)
def test_a_missing_binary_is_told(run, arguments) -> None:
    """Which version, and where to get it; exit status 2."""
    result = run("policy", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "The opa binary is missing: it is not on PATH. Install version 1.22" in result.stderr


def test_a_folder_without_rules_is_told(run, own: Path) -> None:
    """Exit status 2."""
    result = run("policy", "lint", own / "inventory")
    assert result.exit_code == 2
    assert "no folder of rules" in result.stderr


# --- build ----------------------------------------------------------------------------------------


def test_a_bundle_is_built_for_both_engines(run, own: Path, tmp_path: Path) -> None:
    """Lint, Rego tests, examples and self-test pass; then the rule holds like any other."""
    out = tmp_path / "new" / "out"
    result = run("policy", "build", "--rules", own, "--output", out)
    assert result.exit_code == 0, result.output
    assert "PASS: 3/3" in result.stdout
    assert "2 fixtures, 0 failed." in result.stdout
    bundle = out / "inventory.tar.gz"
    loaded = PolicyBundle.load(bundle)
    assert set(loaded.catalog) == {*PolicyBundle.shipped().catalog, "ORG001"}
    assert f"{bundle}: revision {loaded.revision}" in result.stdout

    listed = run("policy", "list", "--bundle", bundle).output
    assert "The id begins with the name of a team" in listed
    (tmp_path / "daily.json").write_text(json.dumps(SHAPE))
    arguments = ("policy", "eval", "daily.json", *KNOWN, "--format", "json")
    by_module = judged(run, *arguments, "--bundle", bundle)
    assert by_module == (1, ["ORG001"])
    assert judged(run, *arguments) == (0, [])
    with opa_server(out / "inventory-rego.tar.gz", SHIPPED[1]) as opa:
        Path("gateway.yaml").write_text(f"policy_engine: opa\nopa_url: {opa.url}\n")
        assert judged(run, *arguments) == by_module


def judged(run: Any, *arguments: object) -> tuple[int, list[str]]:
    """Return the exit status and which rules found something."""
    result = run(*arguments)
    [found] = json.loads(result.stdout)["evaluations"]
    return result.exit_code, [finding["rule"] for finding in found["findings"]]


def test_its_rules_are_set_and_exempted_like_any_other(run, own: Path, tmp_path: Path) -> None:
    """Modes and parameters by the settings' own checks, exemptions by id."""
    assert run("policy", "build", "--rules", own).exit_code == 0
    Path("gateway.yaml").write_text("policy_bundle: inventory.tar.gz\n")
    (tmp_path / "daily.json").write_text(json.dumps(SHAPE))
    arguments = ("policy", "eval", "daily.json", *KNOWN, "--format", "json", "--settings", "s.yaml")
    settings = "org: {revision: '1', inventory: {rules: {ORG001: {ids: ['daily*']}}}}"
    Path("s.yaml").write_text(settings)
    assert judged(run, *arguments) == (0, [])
    Path("s.yaml").write_text(settings.replace("ids:", "id:"))
    result = run(*arguments)
    assert result.exit_code == 2
    assert "ORG001 has no parameter id; did you mean ids?" in result.stderr
    assert "ORG001" in run("policy", "explain", "ORG001").stdout
    assert "ORG001" in run("policy", "schema").stdout


@pytest.mark.parametrize(
    ("file", "before", "after", "status", "words"),
    [
        (RULE, 'id := "ORG001"', 'id := "INV001"', 1, "INV001: an id is a prefix of"),
        (RULE.replace(".rego", "_test.rego"), "== 1 with", "== 2 with", 1, "FAIL"),
        (
            "inventory/catalog/ORG001/data.yaml",
            "configuration: {Id: daily}",
            "given: {request: {configuration_id: orders-x}}",
            1,
            "ORG001 finds nothing",
        ),
        (
            "inventory/catalog/ORG001/data.yaml",
            "#/$defs/globs",
            "#/$defs/blobs",
            2,
            "ORG001 refers to blobs, which is not defined",
        ),
        (
            "inventory/catalog/ORG001/data.yaml",
            "configuration: {Id: daily}",
            "configuration: {Idd: daily}",
            2,
            "ORG001, refused: /configuration",
        ),
    ],
    ids=["lint", "rego-test", "example", "parameter", "question"],
)
def test_nothing_is_built_of_what_fails(
    run, own: Path, tmp_path: Path, file, before, after, status, words
) -> None:
    """Neither archive is written."""
    edit(own / file, before, after)
    result = run("policy", "build", "--rules", own, "--output", tmp_path)
    assert result.exit_code == status, result.output
    assert words in result.output
    assert [*tmp_path.glob("*.tar.gz")] == []


# --- test -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["wasm", "opa"])
def test_examples_and_fixtures_pass_on_either_engine(run, own: Path, engine: str) -> None:
    """Those of the merged rules, too."""
    arguments = ("policy", "test", "--rules", own, "--engine", engine)
    count = 2 * (len(PolicyBundle.shipped().catalog) + 1)
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (0, f"{count} fixtures, 0 failed.\n")
    Path("f.yaml").write_text("- {name: daily, expect: {allow: false, violations: [ORG001]}}\n")
    assert run(*arguments, "f.yaml").stdout == "1 fixtures, 0 failed.\n"


def test_fixtures_go_by_the_settings_that_are_named(run) -> None:
    """So that an organisation tests what it has set; a failure is exit status 1."""
    Path("s.yaml").write_text(
        "org: {revision: '1', inventory: {rules: {INV030: {formats: [ORC]}}}}\n"
    )
    Path("f.yaml").write_text("- {name: '[red]daily', expect: {allow: true}}\n")
    assert run("policy", "test", "f.yaml").exit_code == 0
    result = run("policy", "test", "f.yaml", "--settings", "s.yaml")
    assert result.exit_code == 1
    assert "expected allow: true; open: INV030" in result.stdout
    assert "f.yaml, [red]daily" in result.stdout
    assert "1 fixtures, 1 failed." in result.stdout


def test_fixtures_are_reported_as_junit(run) -> None:
    """One case each."""
    Path("f.yaml").write_text(
        "- {name: a, expect: {allow: true}}\n- {name: b, expect: {allow: false}}\n"
    )
    result = run("policy", "test", "f.yaml", "--format", "junit")
    assert result.exit_code == 1
    root = etree.XML(result.stdout.encode())
    [suite] = root
    for element in (root, suite):
        counts = [element.get(name) for name in ("tests", "failures", "errors")]
        assert counts == ["2", "1", "0"]
    passed, failed = suite
    assert (passed.get("name"), len(passed)) == ("f.yaml, a", 0)
    assert failed[0].get("message") == "expected allow: false; open: nothing"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("f.yaml",), "f.yaml, 0: a fixture says what to expect"),
        (("missing.yaml",), "No such file or directory"),
        (("--bundle", "x", "--engine", "opa"), "a bundle is for --engine wasm"),
        (("--bundle", "x", "--rules", "y"), "a bundle is for --engine wasm"),
    ],
    ids=["fixture", "missing", "engine", "rules"],
)
def test_what_cannot_be_tested_is_told(run, arguments, words: str) -> None:
    """Exit status 2."""
    Path("f.yaml").write_text("- {}\n")
    result = run("policy", "test", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
