"""What the image's labels say, read from the sources.

    docker build $(python3 scripts/image.py) .                  # --build-arg VERSION=... and so on
    python3 scripts/image.py --check version=0.1.0 policy=...   # exit 1 where one is not so

Needs the standard library only: it runs in the image's first stage, before anything is installed.
"""

import json
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def facts() -> dict[str, str]:
    """The version of the package, and the revision of the policy that it holds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    with tarfile.open(ROOT / "gateway" / "bundle" / "inventory.tar.gz") as bundle:
        names = {name.lstrip("/"): name for name in bundle.getnames()}
        manifest = bundle.extractfile(names[".manifest"])
        assert manifest is not None  # noqa: S101 - narrows the type
        revision = json.load(manifest)["revision"]
    return {"version": project["version"], "policy": revision}


def lies(claims: Sequence[str], truth: Mapping[str, str]) -> list[str]:
    """Of `name=value` those that are not so; an empty value claims nothing."""
    pairs = [claim.partition("=") for claim in claims]
    return [
        f"{name} is {truth[name]}, not {value}"
        for name, _, value in pairs
        if value and value != truth[name]
    ]


def build_arguments(truth: Mapping[str, str]) -> str:
    """For `docker build`: the time of an image is that of the last commit."""
    time = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    values = {
        "VERSION": truth["version"],
        "POLICY_REVISION": truth["policy"],
        "SOURCE_DATE_EPOCH": time,
    }
    return " ".join(f"--build-arg {name}={value}" for name, value in values.items())


def main() -> int:
    """Print the arguments, or check claims."""
    if sys.argv[1:2] == ["--check"]:
        found = lies(sys.argv[2:], facts())
        for words in found:
            print(f"scripts/image.py: {words}", file=sys.stderr)
        return 1 if found else 0
    print(build_arguments(facts()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
