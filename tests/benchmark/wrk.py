"""wrk: many small answers, or few large ones, on several connections."""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmark import program

_UNITS_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 60e3}
_BYTES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_HINT = "the system's package wrk"


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk says of a run.

    Args:
        requests: answered in full.
        seconds: that it took.
        received: bytes, of unfinished answers as well; it rounds them to three digits or more.
        p50_ms: median latency; 0 where no answer was finished.
        p99_ms: its 99th percentile.
    """

    requests: int
    seconds: float
    received: int
    p50_ms: float
    p99_ms: float


def parse(text: str) -> Load:
    """Read what wrk prints.

    Raises:
        ValueError: that is something else, or there were errors: such figures mean nothing.
    """
    total = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m), ([\d.]+)([KMGT]?)B read", text)
    if total is None or "Non-2xx" in text or "Socket errors" in text:
        raise ValueError(text.strip() or "wrk printed nothing")
    return Load(
        requests=int(total[1]),
        seconds=float(total[2]) * _UNITS_MS[total[3]] / 1e3,
        received=round(float(total[4]) * _BYTES[total[5]]),
        p50_ms=_percentile("50%", text),
        p99_ms=_percentile("99%", text),
    )


def script(requests: Iterable[bytes]) -> str:
    """What tells wrk to send these in turn, again and again; JSON's strings are Lua's, in ASCII."""
    texts = ",\n".join(json.dumps(one.decode("ascii")) for one in requests)
    return (
        f"local requests = {{\n{texts}\n}}\nlocal at = 0\n"
        "request = function() at = at % #requests + 1; return requests[at] end\n"
    )


def run(url: str, requests: Iterable[bytes], connections: int, seconds: float) -> Load:
    """Send some requests without bodies, in turn.

    Raises:
        Missing: there is no wrk.
        ValueError: there were errors.
    """
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "requests.lua"
        path.write_text(script(requests))
        command = [
            *(program.find("wrk", _HINT), "-t1", f"-c{connections}"),
            *(f"-d{max(1, round(seconds))}s", "--timeout", "30s", "--latency"),
            *("-s", str(path), url),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return parse(done.stdout + done.stderr)


def _percentile(name: str, text: str) -> float:
    found = re.search(rf"\b{name}\s+([\d.]+)(us|ms|s|m)\b", text)
    return float(found[1]) * _UNITS_MS[found[2]] if found else 0.0
