"""Bundles of a tree: reproducible, and packed so that an OPA server finds room beside them.

What ships is held to its sources in `tests/policies/test_bundle.py`.
"""

import json
from pathlib import Path

import pytest

from gateway.adapters.opa_command import OpaCommand, unpack
from gateway.adapters.opa_wasm import REPEATS, PolicyBundle
from gateway.app.bundle_build import (
    REGO_NAME,
    SETTINGS_NAME,
    build,
    build_for_server,
    pack,
    pack_sources,
    source_revision,
)
from gateway.app.own_rules import RuleFolder, lay_out_shipped
from tests.support.opa_process import find_opa

OWN = Path(__file__).resolve().parents[1] / "support/own_rules"


@pytest.fixture
def opa() -> OpaCommand:
    """The real one."""
    return OpaCommand.find(find_opa())


def test_the_same_sources_give_the_same_bytes(opa: OpaCommand, tmp_path: Path) -> None:
    """Wherever they lie, whatever the day."""
    archives = []
    for name in ("a", "b"):
        lay_out_shipped(tmp_path / name)
        archives.append((build(tmp_path / name, opa), build_for_server(tmp_path / name, opa)))
    assert archives[0] == archives[1]
    assert PolicyBundle.read(archives[0][0]).revision == PolicyBundle.shipped().revision


def test_rules_of_ones_own_are_a_root_of_the_bundle(opa: OpaCommand, tmp_path: Path) -> None:
    """Of theirs alone: what has none leaves that root to others."""
    shipped = tmp_path / "shipped"
    lay_out_shipped(shipped)
    tree = RuleFolder(OWN).merge_into(tmp_path / "own")
    roots = []
    for folder in (shipped, tree):
        archives = build_for_server(folder, opa)
        manifest = json.loads(unpack(archives[REGO_NAME])[".manifest"])
        assert manifest["revision"] == source_revision(folder)
        assert set(unpack(archives[SETTINGS_NAME])) == {"data.json", ".manifest"}
        roots.append(set(manifest["roots"]))
    assert roots[1] - roots[0] == {"inventory/custom", "inventory/catalog/ORG001"}


def test_only_rules_that_somebody_has_read_promise_to_repeat(
    opa: OpaCommand, tmp_path: Path
) -> None:
    """The decision cache rests on it; rules of one's own may read, and promise, what they like."""
    (tmp_path / "own").mkdir()
    own = RuleFolder(OWN).merge_into(tmp_path / "own")
    assert not PolicyBundle.read(build(own, opa)).repeats
    assert not PolicyBundle.read(build(own, opa, REPEATS)).repeats
    lay_out_shipped(tmp_path / "shipped")
    assert PolicyBundle.read(build(tmp_path / "shipped", opa, REPEATS)).repeats


def test_sources_are_packed_with_what_tests_need(tmp_path: Path) -> None:
    """The fixtures and the question that examples change, but no tests."""
    lay_out_shipped(tmp_path)
    names = set(unpack(pack_sources(tmp_path)))
    assert {"examples/put.json", "inventory/testing/fixtures_test.rego"} <= names
    assert [name for name in names if name.endswith("_test.rego")] == [
        "inventory/testing/fixtures_test.rego"
    ]


def test_an_archive_tells_neither_time_nor_owner() -> None:
    """Only names and contents."""
    assert pack({"b": b"2", "a": b"1"}) == pack({"a": b"1", "b": b"2"})
    assert unpack(pack({"a": b"1"})) == {"a": b"1"}
