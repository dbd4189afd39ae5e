"""Compile `policies/` into the bundles that ship with the gateway.

    python scripts/build_bundle.py            # writes gateway/bundle/*.tar.gz
    python scripts/build_bundle.py --check    # exit 1 when they are not those of the sources

`inventory.tar.gz` is WebAssembly, for the embedded engine. For an OPA server there are
`inventory-rego.tar.gz`, rules and catalogue, and `org.tar.gz`, the settings that ship, which an
organisation replaces by a bundle of its own.

The archives are reproducible: the same sources and the same `opa` give the same bytes. Their
revision is a digest of the sources, so that a bundle can be told from its sources without `opa`.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
POLICIES = ROOT / "policies"
BUNDLE = ROOT / "gateway" / "bundle" / "inventory.tar.gz"
REGO_NAME = "inventory-rego.tar.gz"
SETTINGS_NAME = "org.tar.gz"
LOCAL_OPA = ROOT / ".tools" / "bin" / "opa"
ENTRYPOINT = "inventory/main/decision"
#: What these rules promise, and tests/policies/test_repeats.py holds them to.
REPEATS = "inventory.repeats/1"


class BuildError(Exception):
    """The bundle cannot be built; the text says what to do."""


def sources(policies: Path) -> list[Path]:
    """List what goes into the bundle: rules and data, no tests, no documents."""
    rules = (path for path in policies.rglob("*.rego") if not path.name.endswith("_test.rego"))
    data = (path for name in ("data.yaml", "data.json") for path in policies.rglob(name))
    return sorted([*rules, *data], key=lambda path: path.relative_to(policies).as_posix())


def source_revision(policies: Path) -> str:
    """Digest the paths and bytes of the sources; lengths keep their borders unambiguous."""
    digest = hashlib.sha256()
    for path in sources(policies):
        name, content = path.relative_to(policies).as_posix(), path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def find_opa(given: str | None = None) -> str:
    """Find the `opa` binary: as given, $OPA, PATH, then `.tools/bin`."""
    named = given or os.environ.get("OPA")  # noqa: TID251 - a build script, not the gateway
    found = shutil.which(named) if named else shutil.which("opa") or shutil.which(LOCAL_OPA)
    if found is None:
        where = f"{named} is not an executable" if named else "it is not on PATH"
        raise BuildError(
            f"The opa binary is missing: {where}. Install it from "
            "https://www.openpolicyagent.org/docs/#1-download-opa or name it with --opa or $OPA."
        )
    return str(Path(found).resolve())


def build(policies: Path, opa: str) -> bytes:
    """Compile the policies and rewrite the archive so that nothing in it depends on the day."""
    members = _compiled(policies, opa, "--target", "wasm", "--entrypoint", ENTRYPOINT)
    manifest = json.loads(members[".manifest"])
    manifest["metadata"] = {"opa": opa_version(opa), "repeats": REPEATS}
    members[".manifest"] = _json(manifest)
    return _pack(members)


def build_for_server(policies: Path, opa: str) -> dict[str, bytes]:
    """Check and pack the policies for an OPA server; the archives by their names.

    Each rule of the catalogue is a root of its own, so that `inventory.custom` and entries of other
    ids can come in an organisation's bundle: https://www.openpolicyagent.org/docs/management-bundles
    """
    rules = _compiled(policies, opa, "--target", "rego")
    data = json.loads(rules["data.json"])
    catalog, settings = data["inventory"]["catalog"], data["org"]
    roots = [f"inventory/{name}" for name in ("lib", "main", "rules")]
    roots += [f"inventory/catalog/{rule}" for rule in sorted(catalog)]
    revision = source_revision(policies)
    rules["data.json"] = _json({"inventory": {"catalog": catalog}})
    rules[".manifest"] = _manifest(revision, roots, opa)
    alone = {
        "data.json": _json({"org": settings}),
        ".manifest": _manifest(revision, ["org"], opa),
    }
    return {REGO_NAME: _pack(rules), SETTINGS_NAME: _pack(alone)}


def _compiled(policies: Path, opa: str, *target: str) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch) / "bundle.tar.gz"
        command = [opa, "build", *target, "--bundle", "."]
        command += ["--ignore", "*_test.rego", "--revision", source_revision(policies)]
        command += ["--output", str(raw)]
        _run(command, cwd=policies)
        return _members(raw.read_bytes())


def _manifest(revision: str, roots: Sequence[str], opa: str) -> bytes:
    metadata = {"opa": opa_version(opa)}
    return _json({"metadata": metadata, "rego_version": 1, "revision": revision, "roots": roots})


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def opa_version(opa: str) -> str:
    """Read the version of the binary: another compiler may write another module."""
    first = _run([opa, "version"], cwd=ROOT).splitlines()[0]
    return first.removeprefix("Version:").strip()


def _run(command: Sequence[str], cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(
            f"{' '.join(command)} failed:\n{done.stderr.strip() or done.stdout.strip()}"
        )
    return done.stdout


def _members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        files = ((member.name.lstrip("/"), tar.extractfile(member)) for member in tar)
        return {name: file.read() for name, file in files if file is not None}


def _pack(members: Mapping[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(members):
            header = tarfile.TarInfo(f"/{name}")
            header.size, header.mode = len(members[name]), 0o644
            tar.addfile(header, io.BytesIO(members[name]))
    return gzip.compress(plain.getvalue(), mtime=0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build or check; 0 when all is well, 1 when the bundle is stale, 2 when it cannot be built."""
    parser = argparse.ArgumentParser(description="Compile the policies into the shipped bundles.")
    parser.add_argument("--policies", type=Path, default=POLICIES)
    parser.add_argument(
        "--output", type=Path, default=BUNDLE, help="the WebAssembly; the others go beside it"
    )
    parser.add_argument("--opa", help="the opa binary; else $OPA, PATH, .tools/bin/opa")
    parser.add_argument("--check", action="store_true", help="compare revisions; needs no opa")
    options = parser.parse_args(arguments)
    revision = source_revision(options.policies)
    if options.check:
        names = (options.output.name, REGO_NAME, SETTINGS_NAME)
        return max(_check(options.output.with_name(name), revision) for name in names)
    try:
        opa = find_opa(options.opa)
        archives = {options.output.name: build(options.policies, opa)}
        archives |= build_for_server(options.policies, opa)
    except BuildError as fault:
        print(fault, file=sys.stderr)
        return 2
    for name, archive in archives.items():
        options.output.with_name(name).write_bytes(archive)
        print(f"{options.output.with_name(name)}: revision {revision}, {len(archive)} bytes")
    return 0


def _check(bundle: Path, revision: str) -> int:
    built = json.loads(_members(bundle.read_bytes())[".manifest"])["revision"]
    if built == revision:
        print(f"{bundle}: up to date, revision {revision}")
        return 0
    print(f"{bundle}: built from {built}, the sources are {revision}. Build it.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
