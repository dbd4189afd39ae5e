"""Compile `policies/` into the bundles that ship with the gateway.

    python scripts/build_bundle.py            # writes gateway/bundle/*.tar.gz
    python scripts/build_bundle.py --check    # exit 1 when they are not those of the sources

`inventory.tar.gz` is WebAssembly, for the embedded engine. For an OPA server there are
`inventory-rego.tar.gz`, rules and catalogue, and `org.tar.gz`, the settings that ship, which an
organisation replaces by a bundle of its own. `sources.tar.gz` is what an organisation's own rules
are built, checked and tested with: `inventory-gateway policy build`.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from gateway.adapters.opa_command import OpaCommand, OpaCommandError, unpack
from gateway.app.bundle_build import (
    EMBEDDED_NAME,
    REGO_NAME,
    SETTINGS_NAME,
    SOURCES_NAME,
    build,
    build_for_server,
    pack_sources,
    source_revision,
)

ROOT = Path(__file__).resolve().parent.parent
POLICIES = ROOT / "policies"
BUNDLE = ROOT / "gateway" / "bundle" / EMBEDDED_NAME
LOCAL_OPA = ROOT / ".tools" / "bin" / "opa"
#: What these rules promise, and tests/policies/test_repeats.py holds them to.
REPEATS = "inventory.repeats/1"


def find_opa(given: str | None = None) -> OpaCommand:
    """Find the `opa` binary: as given, $OPA, PATH, then `.tools/bin`.

    Raises:
        OpaCommandError: there is none.
    """
    named = given or os.environ.get("OPA")  # noqa: TID251 - a build script, not the gateway
    return OpaCommand.find(named or shutil.which("opa") or shutil.which(LOCAL_OPA))


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
    sources = pack_sources(options.policies)
    if options.check:
        names = (options.output.name, REGO_NAME, SETTINGS_NAME)
        stale = [_check(options.output.with_name(name), revision) for name in names]
        return max(*stale, _check_sources(options.output.with_name(SOURCES_NAME), sources))
    try:
        opa = find_opa(options.opa)
        archives = {options.output.name: build(options.policies, opa, repeats=REPEATS)}
        archives |= {SOURCES_NAME: sources}
        archives |= build_for_server(options.policies, opa)
    except OpaCommandError as fault:
        print(fault, file=sys.stderr)
        return 2
    for name, archive in archives.items():
        options.output.with_name(name).write_bytes(archive)
        print(f"{options.output.with_name(name)}: revision {revision}, {len(archive)} bytes")
    return 0


def _check(bundle: Path, revision: str) -> int:
    built = json.loads(unpack(bundle.read_bytes())[".manifest"])["revision"]
    if built == revision:
        print(f"{bundle}: up to date, revision {revision}")
        return 0
    print(f"{bundle}: built from {built}, the sources are {revision}. Build it.", file=sys.stderr)
    return 1


def _check_sources(archive: Path, sources: bytes) -> int:
    if unpack(archive.read_bytes()) == unpack(sources):
        print(f"{archive}: up to date")
        return 0
    print(f"{archive}: other sources. Build it.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
