"""Compile `policies/` into the bundle that ships with the gateway.

    python scripts/build_bundle.py            # writes gateway/bundle/inventory.tar.gz
    python scripts/build_bundle.py --check    # exit 1 when the bundle is not that of the sources

The archive is reproducible: the same sources and the same `opa` give the same bytes. Its revision
is a digest of the sources, so that a bundle can be told from its sources without `opa`.
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
LOCAL_OPA = ROOT / ".tools" / "bin" / "opa"
ENTRYPOINT = "inventory/main/decision"


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
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch) / "bundle.tar.gz"
        command = [opa, "build", "--target", "wasm", "--entrypoint", ENTRYPOINT, "--bundle", "."]
        command += ["--ignore", "*_test.rego", "--revision", source_revision(policies)]
        command += ["--output", str(raw)]
        _run(command, cwd=policies)
        members = _members(raw.read_bytes())
    manifest = json.loads(members[".manifest"])
    manifest["metadata"] = {"opa": opa_version(opa)}
    members[".manifest"] = json.dumps(manifest, sort_keys=True).encode()
    return _pack(members)


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
    parser = argparse.ArgumentParser(description="Compile the policies into the shipped bundle.")
    parser.add_argument("--policies", type=Path, default=POLICIES)
    parser.add_argument("--output", type=Path, default=BUNDLE)
    parser.add_argument("--opa", help="the opa binary; else $OPA, PATH, .tools/bin/opa")
    parser.add_argument("--check", action="store_true", help="compare revisions; needs no opa")
    options = parser.parse_args(arguments)
    revision = source_revision(options.policies)
    if options.check:
        return _check(options.output, revision)
    try:
        archive = build(options.policies, find_opa(options.opa))
    except BuildError as fault:
        print(fault, file=sys.stderr)
        return 2
    options.output.write_bytes(archive)
    print(f"{options.output}: revision {revision}, {len(archive)} bytes")
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
