"""Where and when a run took place."""

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from tests.benchmark import program

_ASKED = (
    ("nginx", "-v", r"nginx/([\d.]+)"),
    ("HAProxy", "-v", r"version ([\d.]+)"),
    ("Envoy", "--version", r"/([\d.]+)/"),
)


def machine(now: datetime) -> Mapping[str, str]:
    """The day, the processor, and the versions of the peers that are there."""
    found = {
        "date": now.date().isoformat(),
        "processor": processor(Path("/proc/cpuinfo").read_text(), os.cpu_count() or 1),
        "gateway": f"s3-inventory-gateway {version('s3-inventory-gateway')}",
        "python": f"Python {platform.python_version()}",
    }
    for name, option, pattern in _ASKED:
        text = _said(name.lower(), option)
        match = re.search(pattern, text)
        if match:
            found[name] = f"{name} {match[1]}"
    return found


def processor(cpuinfo: str, cores: int) -> str:
    """How many cores of which kind: `2 cores (Some CPU)`."""
    match = re.search(r"^model name\s*: (.+)$", cpuinfo, re.MULTILINE)
    number = f"{cores} core{'' if cores == 1 else 's'}"
    return f"{number} ({match[1].strip()})" if match else number


def _said(name: str, option: str) -> str:
    try:
        command = [program.find(name, ""), option]
    except program.Missing:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
