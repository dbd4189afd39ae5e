"""Write `deploy/aws/`: every template of the enforcement kit, with example values.

    python scripts/build_enforcement.py            # after a change in gateway/core/enforcement
    python scripts/build_enforcement.py --check    # exit 1 when a file is stale

The kit itself is the source; these files are for reading, and for review of what changes. Needs the
gateway installed.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.core.enforcement.document import pretty
from gateway.core.enforcement.existing import SCRIPT
from gateway.core.enforcement.kit import KIT
from gateway.core.policy.fact import Fact

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "deploy" / "aws"
_ROLES = "arn:aws:iam::111122223333:role"
_EKS = "arn:aws:eks:eu-central-1:111122223333:cluster/platform"
_PROVIDER = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
_GATEWAY = ("gateway-role", f"{_ROLES}/inventory-gateway")
_PRINCIPAL = ("principal-role", "arn:aws:iam::444455556666:role/analytics")
_KEY = "arn:aws:kms:eu-central-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"
_PODS = (("namespace", "inventory-gateway"), ("service-account", "inventory-gateway"))
_SOURCES = (("organization", "o-exampleorgid"), ("source-account", "444455556666"))


@dataclass(frozen=True)
class Example:
    """A file: a template and the values in it."""

    template: str
    pairs: tuple[tuple[str, str], ...]


EXAMPLES: Mapping[str, Example] = {
    "scp": Example("scp", (_GATEWAY, _PRINCIPAL, ("target", "r-exmp"))),
    "scp-with-exports": Example(
        "scp",
        (
            _GATEWAY,
            _PRINCIPAL,
            ("break-glass-role", f"{_ROLES}/break-glass"),
            ("exports", "true"),
            ("target", "r-exmp"),
        ),
    ),
    "rcp": Example("rcp", (_GATEWAY, _PRINCIPAL, ("target", "r-exmp"))),
    "role-protection": Example(
        "role-protection",
        (_GATEWAY, _PRINCIPAL, ("admin-role", f"{_ROLES}/platform-admin"), ("target", "r-exmp")),
    ),
    "role": Example(
        "role",
        (("bucket", "analytics-*"), ("bucket", "raw"), ("destination", "acme-inventory")),
    ),
    "role-with-facts": Example(
        "role",
        (
            ("bucket", "analytics-*"),
            ("destination", "acme-inventory"),
            ("group", "inventory"),
            ("report-key", _KEY),
            *(("fact", fact.value) for fact in Fact),
        ),
    ),
    "role-assuming": Example("role", (_PRINCIPAL,)),
    "trust-irsa": Example(
        "trust irsa",
        (
            ("account", "111122223333"),
            ("oidc-provider", _PROVIDER),
            *_PODS,
        ),
    ),
    "trust-pod-identity": Example("trust pod-identity", (("cluster", _EKS), *_PODS)),
    "trust-ec2": Example("trust ec2", ()),
    "trust-principal": Example("trust principal", (_GATEWAY, ("principal", "analytics-team"))),
    "destination-policy": Example("destination-policy", (("bucket", "acme-inventory"), *_SOURCES)),
    "kms-policy": Example("kms-policy", (("account", "111122223333"), *_SOURCES)),
    "detection": Example("detection", (_GATEWAY, _PRINCIPAL)),
}
TEMPLATES = {template.name: template for template in KIT}


def files() -> Mapping[Path, str]:
    """What `deploy/aws/` holds, but for its page."""
    made = {FOLDER / "existing.sh": SCRIPT}
    for name, example in EXAMPLES.items():
        template = TEMPLATES[example.template]
        policy = template.document(example.pairs)
        made[FOLDER / f"{name}.json"] = pretty(policy) + "\n"
        stack = template.document(example.pairs, wrapped=True)
        made[FOLDER / "cloudformation" / f"{name}.json"] = pretty(stack) + "\n"
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; 1 when a file is stale, or is one too many."""
    parser = argparse.ArgumentParser(description="Write deploy/aws.")
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    made = files()
    stale = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    there = {path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".md"}
    stray = sorted(there - set(made))
    if options.check:
        for path in (*stale, *stray):
            print(
                f"{path.relative_to(ROOT)} is stale. Run scripts/build_enforcement.py.",
                file=sys.stderr,
            )
        return 1 if stale or stray else 0
    for path in stray:
        path.unlink()
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[path])
    print(f"{len(stale)} of {len(made)} files written, {len(stray)} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
