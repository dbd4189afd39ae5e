"""The shipped bundle: that of the sources, reproducible, and closed when a part is missing."""

import asyncio
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from gateway.adapters.opa_command import OpaCommand
from gateway.adapters.opa_wasm import PolicyBundle, PolicyBundleError, WasmPolicyEngine
from gateway.app.bundle_build import pack, sources

DELETE = {
    "schema": "inventory.input/1",
    "action": "s3:DeleteInventoryConfiguration",
    "principal": {"authenticated": True},
    "source": {},
}


@pytest.fixture
def copy(policies: Path, tmp_path: Path) -> Path:
    """Return a copy of the sources that a test may damage."""
    return shutil.copytree(policies, tmp_path / "policies")


async def ask(builder: ModuleType, opa: str, folder: Path) -> tuple[dict[str, Any], set[str]]:
    """Build damaged sources and return the answer to a removal, and the catalogue's ids."""
    built = builder.build(folder, OpaCommand(opa))
    engine = WasmPolicyEngine(PolicyBundle.read(built), threads=1)
    try:
        answer = await engine.evaluate(DELETE)
        assert isinstance(answer.value, dict)
        return answer.value, set(answer.catalog.ids)
    finally:
        await engine.close()


def members(archive: bytes) -> dict[str, bytes]:
    """Return the files of an archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def test_the_bundle_is_that_of_the_sources(builder, policies):
    """Whoever changes a rule or the catalogue builds the bundle in the same commit."""
    assert PolicyBundle.shipped().revision == builder.source_revision(policies), (
        "run: python scripts/build_bundle.py"
    )


def test_the_bundle_carries_the_data_of_the_sources(policies, catalog):
    """Catalogue and default settings are in the bundle as written."""
    org = yaml.safe_load((policies / "org/data.yaml").read_text())
    assert PolicyBundle.shipped().data == {"inventory": {"catalog": catalog}, "org": org}


def shipped_for_server(builder: ModuleType) -> dict[str, dict[str, bytes]]:
    """Return the files of the archives that an OPA server loads, by the archives' names."""
    names = (builder.REGO_NAME, builder.SETTINGS_NAME)
    return {name: members(builder.BUNDLE.with_name(name).read_bytes()) for name in names}


def test_the_bundles_for_a_server_are_those_of_the_sources(builder, policies):
    """The same revision, rules and data as the module; settings apart, for others to replace."""
    rules, alone = shipped_for_server(builder).values()
    revision = builder.source_revision(policies)
    manifests = [json.loads(files["/.manifest"]) for files in (rules, alone)]
    assert [manifest["revision"] for manifest in manifests] == [revision, revision], (
        "run: python scripts/build_bundle.py"
    )
    data = PolicyBundle.shipped().data
    assert json.loads(rules["/data.json"]) == {"inventory": data["inventory"]}
    assert json.loads(alone["/data.json"]) == {"org": data["org"]}
    written = {path.name for path in sources(policies) if path.suffix == ".rego"}
    assert {Path(name).name for name in rules if name.endswith(".rego")} == written


def test_the_bundles_for_a_server_leave_room_for_an_organisations_own(builder):
    """Each entry of the catalogue is a root; `org`, `inventory.custom` and other ids are free."""
    rules, alone = shipped_for_server(builder).values()
    roots = json.loads(rules["/.manifest"])["roots"]
    catalog = PolicyBundle.shipped().data["inventory"]["catalog"]
    assert set(roots) == {
        *(f"inventory/{name}" for name in ("lib", "main", "rules")),
        *(f"inventory/catalog/{rule}" for rule in catalog),
    }
    assert json.loads(alone["/.manifest"])["roots"] == ["org"]


def test_the_bundles_hold_no_tests(builder):
    """Fixtures and tests stay out of what decides."""
    archives = [members(builder.BUNDLE.read_bytes()), *shipped_for_server(builder).values()]
    assert [name for files in archives for name in files if "_test" in name] == []


@pytest.mark.parametrize("change", ["edit", "rename", "remove", "data"])
def test_the_revision_tells_any_change_of_the_sources(builder, policies, copy, change):
    """An edit, a move, a removal and a setting each give another revision."""
    rule = copy / "inventory/rules/report/prefix_slashes.rego"
    match change:
        case "edit":
            rule.write_bytes(rule.read_bytes() + b"\n")
        case "rename":
            rule.rename(rule.with_stem("slashes"))
        case "remove":
            rule.unlink()
        case _:
            (copy / "org/data.yaml").write_text("revision: other\n")
    assert builder.source_revision(copy) != builder.source_revision(policies)


def test_tests_and_documents_do_not_change_the_revision(builder, policies, copy):
    """A better test needs no new bundle."""
    (copy / "inventory/rules/report/more_test.rego").write_text("package more_test\n")
    (copy / "README.md").write_text("other")
    assert builder.source_revision(copy) == builder.source_revision(policies)


def test_the_build_is_reproducible(opa, builder, policies):
    """Two builds agree byte by byte, and with what is shipped where the compiler is the same."""
    arguments = (policies, OpaCommand(opa), builder.REPEATS)
    first, second = (builder.build(*arguments) for _ in range(2))
    assert first == second
    shipped = members(builder.BUNDLE.read_bytes())
    if json.loads(shipped["/.manifest"])["metadata"]["opa"] == OpaCommand(opa).version():
        assert members(first) == shipped


def test_the_build_for_a_server_is_reproducible(opa, builder, policies):
    """Two builds agree byte by byte, and with what is shipped where the compiler is the same."""
    first, second = (builder.build_for_server(policies, OpaCommand(opa)) for _ in range(2))
    assert first == second
    shipped = shipped_for_server(builder)
    manifest = json.loads(shipped[builder.REGO_NAME]["/.manifest"])
    if manifest["metadata"]["opa"] == OpaCommand(opa).version():
        assert {name: members(archive) for name, archive in first.items()} == shipped


async def test_a_rule_that_is_missing_is_missed(opa, builder, copy):
    """Without its file a rule is not among those that ran, and the catalogue still asks for it."""
    (copy / "inventory/rules/report/prefix_slashes.rego").unlink()
    answer, catalog = await ask(builder, opa, copy)
    assert catalog - set(answer["evaluated"]) == {"INV033"}


async def test_a_rule_outside_the_catalogue_is_seen(opa, builder, copy):
    """An organisation's rule runs, and is reported although the catalogue lacks it."""
    custom = copy / "inventory/custom"
    custom.mkdir()
    (custom / "freeze.rego").write_text(
        'package inventory.custom.freeze\n\nid := "ACME1"\n\nfindings := {{"path": ""}}\n'
    )
    answer, catalog = await ask(builder, opa, copy)
    assert set(answer["evaluated"]) - catalog == {"ACME1"}
    assert answer["violations"] == [{"rule": "ACME1", "path": ""}]
    assert not answer["allow"]


async def test_an_entry_that_is_missing_is_missed(opa, builder, copy):
    """A rule that lost its entry runs, enforces, and closes the gate for want of words."""
    shutil.rmtree(copy / "inventory/catalog/INV033")
    answer, catalog = await ask(builder, opa, copy)
    assert set(answer["evaluated"]) - catalog == {"INV033"}


def test_a_bundle_without_catalogue_is_refused(opa, builder, copy):
    """The data is as necessary as the rules."""
    shutil.rmtree(copy / "inventory/catalog")
    with pytest.raises(PolicyBundleError, match="catalogue"):
        PolicyBundle.read(builder.build(copy, OpaCommand(opa)))


async def test_without_settings_nothing_is_ready(opa, builder, copy):
    """A bundle that lost its default settings allows nothing."""
    (copy / "org/data.yaml").unlink()
    answer, _ = await ask(builder, opa, copy)
    assert (answer["ready"], answer["allow"]) == (False, False)


@pytest.mark.parametrize(
    "document",
    [
        DELETE,
        {},
        {"environment": {"time_ns": 1795176000000000000}, "configuration": {"Id": '\x00"\n'}},
        {"configuration": {"OptionalFields": ["a", "b", "a", "b"]}, "source": {"known": True}},
        {**DELETE, "action": "s3:PutInventoryConfiguration", "configuration": {}},
        {
            "configuration": {
                "Destination": {"S3BucketDestination": {"Prefix": "//", "AccountId": 1}}
            }
        },
    ],
)
def test_both_engines_give_the_same_answer(opa, policies, document):
    """The interpreter and the compiled module agree, order included."""
    command = [opa, "eval", "--bundle", str(policies), "--stdin-input", "--format", "raw"]
    done = subprocess.run(
        [*command, "data.inventory.main.decision"],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        check=True,
    )
    engine = WasmPolicyEngine(PolicyBundle.shipped(), threads=1)
    answer = asyncio.run(engine.evaluate(document)).value
    asyncio.run(engine.close())
    assert answer == json.loads(done.stdout)


def test_the_builder_says_that_opa_is_missing(builder, monkeypatch, tmp_path, capsys):
    """Plain words and exit code 2, and the bundle is left alone."""
    monkeypatch.delenv("OPA", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(builder, "LOCAL_OPA", tmp_path / "opa")
    output = tmp_path / "out.tar.gz"
    assert builder.main(["--output", str(output)]) == 2
    assert "opa binary is missing" in capsys.readouterr().err
    assert not output.exists()


def test_the_builder_repeats_what_the_compiler_says(opa, builder, copy, tmp_path, capsys):
    """A rule that does not compile names its file and line."""
    (copy / "inventory/rules/report/prefix_slashes.rego").write_text("package x\n\nallow if\n")
    output = tmp_path / "out.tar.gz"
    arguments = ["--policies", str(copy), "--output", str(output), "--opa", opa]
    assert builder.main(arguments) == 2
    assert "prefix_slashes.rego:" in capsys.readouterr().err


def test_check_tells_a_stale_bundle(builder, copy, capsys):
    """`--check` needs no compiler: 0 for the sources, 1 for others."""
    assert builder.main(["--check"]) == 0
    (copy / "org/data.yaml").write_text("revision: other\n")
    assert builder.main(["--check", "--policies", str(copy)]) == 1
    assert "Build it." in capsys.readouterr().err


def test_check_tells_stale_sources(opa, builder, copy, tmp_path, capsys):
    """What an organisation's rules are tested with is that of the tree, the fixtures, too."""
    output = tmp_path / "inventory.tar.gz"
    arguments = ["--policies", str(copy), "--output", str(output)]
    assert builder.main([*arguments, "--opa", opa]) == 0
    fixtures = copy / "inventory/testing/fixtures_test.rego"
    fixtures.write_bytes(fixtures.read_bytes() + b"\n")
    assert builder.main([*arguments, "--check"]) == 1
    assert "sources.tar.gz: other sources" in capsys.readouterr().err


def test_check_tells_a_stale_bundle_for_a_server(opa, builder, copy, tmp_path, capsys):
    """Each of the three archives must be that of the sources."""
    output = tmp_path / "inventory.tar.gz"
    arguments = ["--policies", str(copy), "--output", str(output)]
    assert builder.main([*arguments, "--opa", opa]) == 0
    assert builder.main([*arguments, "--check"]) == 0
    for name in (builder.REGO_NAME, builder.SETTINGS_NAME):
        fresh = output.with_name(name).read_bytes()
        (manifest,) = [members(fresh)["/.manifest"]]
        stale = {".manifest": manifest.replace(b'"revision": "', b'"revision": "0')}
        output.with_name(name).write_bytes(pack(stale))
        capsys.readouterr()
        assert builder.main([*arguments, "--check"]) == 1
        assert name in capsys.readouterr().err
        output.with_name(name).write_bytes(fresh)
