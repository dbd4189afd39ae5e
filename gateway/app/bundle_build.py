"""Rego sources become bundles: WebAssembly for the embedded engine, archives for an OPA server.

The archives are reproducible: the same sources and the same `opa` give the same bytes. Their
revision is a digest of the sources, so that a bundle can be told from its sources without `opa`.
"""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from gateway.adapters.opa_command import OpaCommand

EMBEDDED_NAME: Final = "inventory.tar.gz"
REGO_NAME: Final = "inventory-rego.tar.gz"
SETTINGS_NAME: Final = "org.tar.gz"
SOURCES_NAME: Final = "sources.tar.gz"
#: What the rules of an organisation are tested with, beside the sources.
_FOR_TESTS: Final = ("examples/put.json", "inventory/testing/fixtures_test.rego")
_DATA: Final = ("data.yaml", "data.json")
#: The packages that every tree has; each is a root, and so is each rule of the catalogue.
_PACKAGES: Final = ("lib", "main", "rules")
_CUSTOM: Final = "inventory/custom"


def sources(policies: Path) -> list[Path]:
    """List what goes into the bundle: rules and data, no tests, no documents."""
    rules = (path for path in policies.rglob("*.rego") if not path.name.endswith("_test.rego"))
    data = (path for name in _DATA for path in policies.rglob(name))
    return sorted([*rules, *data], key=lambda path: path.relative_to(policies).as_posix())


def source_revision(policies: Path) -> str:
    """Digest the paths and bytes of the sources; lengths keep their borders unambiguous."""
    digest = hashlib.sha256()
    for path in sources(policies):
        name, content = path.relative_to(policies).as_posix(), path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def build(policies: Path, opa: OpaCommand, repeats: str = "") -> bytes:
    """Compile the policies and rewrite the archive so that nothing in it depends on the day.

    Args:
        policies: the whole tree.
        opa: the compiler.
        repeats: what the rules promise of questions that come again; empty: nothing, as of rules
            that nobody here has read.

    Raises:
        OpaCommandError: they do not compile.
    """
    members = opa.compile(policies, "wasm", source_revision(policies))
    manifest = json.loads(members[".manifest"])
    manifest["metadata"] = {"opa": opa.version()} | ({"repeats": repeats} if repeats else {})
    members[".manifest"] = _json(manifest)
    return pack(members)


def build_for_server(policies: Path, opa: OpaCommand) -> dict[str, bytes]:
    """Check and pack the policies for an OPA server; the archives by their names.

    Each rule of the catalogue is a root of its own, so that `inventory.custom` and entries of other
    ids can come in an organisation's bundle: https://www.openpolicyagent.org/docs/management-bundles

    Raises:
        OpaCommandError: they do not compile.
    """
    revision = source_revision(policies)
    rules = opa.compile(policies, "rego", revision)
    data = json.loads(rules["data.json"])
    catalog = data["inventory"]["catalog"]
    roots = [f"inventory/{name}" for name in _PACKAGES]
    roots += [f"inventory/catalog/{rule}" for rule in sorted(catalog)]
    roots += [_CUSTOM] if (policies / _CUSTOM).is_dir() else []
    rules["data.json"] = _json({"inventory": {"catalog": catalog}})
    rules[".manifest"] = _manifest(revision, roots, opa)
    return {REGO_NAME: pack(rules), SETTINGS_NAME: pack_settings(data["org"], revision, opa)}


def pack_settings(org: Mapping[str, Any], revision: str, opa: OpaCommand) -> bytes:
    """Pack `data.org` for an OPA server."""
    manifest = _manifest(revision, ["org"], opa)
    return pack({"data.json": _json({"org": org}), ".manifest": manifest})


def pack_sources(policies: Path) -> bytes:
    """Pack what an organisation's own rules are built, checked and tested with."""
    paths = [*sources(policies), *(policies / name for name in _FOR_TESTS)]
    return pack({path.relative_to(policies).as_posix(): path.read_bytes() for path in paths})


def pack(members: Mapping[str, bytes]) -> bytes:
    """Pack files so that the same ones give the same bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(members):
            header = tarfile.TarInfo(f"/{name}")
            header.size, header.mode = len(members[name]), 0o644
            tar.addfile(header, io.BytesIO(members[name]))
    return gzip.compress(plain.getvalue(), mtime=0)


def _manifest(revision: str, roots: Sequence[str], opa: OpaCommand) -> bytes:
    metadata = {"opa": opa.version()}
    return _json({"metadata": metadata, "rego_version": 1, "revision": revision, "roots": roots})


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
