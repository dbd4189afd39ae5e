"""The `opa` binary: found or missed in plain words, and what it says is passed on."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from gateway.adapters.opa_command import OpaCommand, OpaCommandError, unpack
from tests.support.opa_process import find_opa

RULE = "package inventory.main\n\ndecision := input.x\n"


@pytest.fixture
def opa() -> OpaCommand:
    """The real one."""
    return OpaCommand.find(find_opa())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with the entrypoint."""
    (tmp_path / "main.rego").write_text(RULE)
    return tmp_path


def test_it_is_found_where_it_is_named_else_on_the_path(tmp_path, monkeypatch) -> None:
    """The first name that is given."""
    program = tmp_path / "opa"
    program.write_text("#!/bin/sh\necho Version: 7.0\n")
    program.chmod(0o755)
    assert OpaCommand.find("", None, program).version() == "7.0"
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert OpaCommand.find("").program == str(program)


@pytest.mark.parametrize(
    ("name", "words"), [("", "it is not on PATH"), ("/none", "/none is not an executable")]
)
def test_it_is_missed_in_plain_words(tmp_path, monkeypatch, name: str, words: str) -> None:
    """What is missing, which version, where to get it, how to name it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OpaCommandError) as missed:
        OpaCommand.find(name)
    for part in (words, "Install version 1.22", "https://www.openpolicyagent.org", "--opa or $OPA"):
        assert part in str(missed.value)


def test_what_cannot_run_is_told(tmp_path: Path) -> None:
    """A file of another system, say."""
    program = tmp_path / "opa"
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    with pytest.raises(OpaCommandError, match="does not run"):
        OpaCommand.find(program).version()


def test_files_that_are_not_formatted_are_named(opa: OpaCommand, tree: Path) -> None:
    """Relative to the folder; one that cannot be read is told."""
    assert opa.unformatted(tree) == ()
    (tree / "main.rego").write_text(RULE + "\n\n\nx:=1\n")
    assert opa.unformatted(tree) == ("main.rego",)
    (tree / "main.rego").write_text("package")
    with pytest.raises(OpaCommandError, match="opa fmt failed"):
        opa.unformatted(tree)


def test_the_compiler_is_strict_and_knows_the_input(opa: OpaCommand, tree: Path) -> None:
    """By the schema: a member that cannot be there is told by file and line."""
    schema = tree / "schema.json"
    schema.write_text('{"type": "object", "properties": {"y": {}}, "additionalProperties": false}')
    assert "main.rego:3:" in opa.check(tree, schema)
    (tree / "main.rego").write_text(RULE.replace("input.x", "input.y"))
    assert opa.check(tree, schema) == ""


@pytest.mark.parametrize(("expected", "passes"), [(1, True), (2, False)])
def test_tests_pass_or_fail(opa: OpaCommand, tree: Path, expected: int, passes: bool) -> None:
    """With the report either way."""
    what = f"data.inventory.main.decision == {expected} with input.x as 1"
    test = f"package t_test\n\ntest_it if {what}\n"
    (tree / "main_test.rego").write_text(test)
    passed, report = opa.test(tree)
    assert (passed, "1/1" in report) == (passes, True)


@pytest.mark.parametrize(("target", "member"), [("wasm", "policy.wasm"), ("rego", "main.rego")])
def test_a_tree_is_compiled_without_its_tests(opa: OpaCommand, tree: Path, target, member) -> None:
    """For either engine, with the revision."""
    (tree / "main_test.rego").write_text("package t_test\n")
    members = opa.compile(tree, target, "r-1")
    assert member in members
    assert b'"r-1"' in members[".manifest"]
    assert [name for name in members if "_test" in name] == []


def test_what_does_not_compile_is_told_by_file_and_line(opa: OpaCommand, tree: Path) -> None:
    """In the compiler's words."""
    (tree / "main.rego").write_text("package inventory.main\n\ndecision := y\n")
    with pytest.raises(OpaCommandError, match=r"opa build --target failed:(?s:.)*main\.rego:3"):
        opa.compile(tree, "rego", "r")


def test_a_query_is_evaluated_strictly(opa: OpaCommand, tree: Path) -> None:
    """Undefined, and a built-in that fails, are faults as from a server."""
    assert opa.evaluate(tree, "data.inventory.main.decision", {"x": [1]}) == [1]
    for query in ("data.inventory.main.decision", "to_number(input.y)"):
        with pytest.raises(OpaCommandError, match="opa eval"):
            opa.evaluate(tree, query, {"y": "no number"})


def test_an_archive_is_unpacked_by_names_without_a_slash() -> None:
    """Folders are left out."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        folder = tarfile.TarInfo("/a")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        header = tarfile.TarInfo("/a/b")
        header.size = 1
        tar.addfile(header, io.BytesIO(b"x"))
    assert unpack(packed.getvalue()) == {"a/b": b"x"}
