"""Where the programs of the peers are."""

import os
import shutil
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Missing(Exception):  # noqa: N818 - a state, not a fault
    """A peer's program is not on this machine; the text says so, and how to get it."""


def find(name: str, hint: str) -> str:
    """The path of a program: on PATH, beside this Python, of the project, or of the system.

    Raises:
        Missing: it is nowhere; `hint` says what would help.
    """
    places = (sysconfig.get_path("scripts"), str(ROOT / ".tools" / "bin"), "/usr/sbin")
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *places))
    found = shutil.which(name, path=path)
    if found is None:
        raise Missing(f"{name} is not here ({hint})")
    return str(Path(found).absolute())
