"""A server under measurement: started, watched from outside, stopped by process id."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.certificate import Certificate

#: CPUCLOCK_SCHED of the kernel: user and system time, to the nanosecond.
_SCHED = 2
#: Of the caller's environment, what could change a peer: other credentials, other settings.
_PRIVATE = ("AWS_", "GATEWAY_")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Args:
        name: for messages.
        port: on 127.0.0.1.
        pid: of its main process; children count too.
        certificate: what it shows its clients; None where it speaks plain HTTP.
    """

    name: str
    port: int
    pid: int
    certificate: Certificate | None = None

    @property
    def url(self) -> str:
        """Scheme and authority."""
        return f"http{'s' if self.certificate else ''}://127.0.0.1:{self.port}"

    def pids(self) -> list[int]:
        """The process and its descendants."""
        found, waiting = [], [self.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                waiting += [int(child) for child in task.read_text().split()]
        return found

    def cpu_seconds(self) -> float:
        """User and system time of all of it so far."""
        return sum(time.clock_gettime(cpu_clock(pid)) for pid in self.pids())

    def rss_mib(self) -> float:
        """The memory that its processes hold now, added up."""
        return self._memory("VmRSS")

    def peak_rss_mib(self) -> float:
        """The most memory that its processes held since `forget_peak`, added up."""
        return self._memory("VmHWM")

    def forget_peak(self) -> None:
        """Begin a new measurement of the peak (proc(5), clear_refs)."""
        for pid in self.pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def _memory(self, field: str) -> float:
        return sum(kib(Path(f"/proc/{p}/status").read_text(), field) for p in self.pids()) / 1024


def cpu_clock(pid: int) -> int:
    """The clock of a process's CPU time, as clock_getcpuclockid(3) makes it.

    /proc/PID/stat has the same figure in steps of 10 ms, a tenth of what two large uploads take.
    """
    return ~pid << 3 | _SCHED


def kib(status: str, field: str) -> int:
    """A size in a /proc/PID/status; 0 where it is not there, as of a process that has ended."""
    for line in status.splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    return 0


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(
    name: str,
    command: Sequence[str],
    port: int,
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    certificate: Certificate | None = None,
) -> Iterator[Server]:
    """Start a server in the folder of its log, wait until it listens, stop it at the end.

    Raises:
        SystemExit: it did not come up; with the end of its output.
    """
    inherited = {key: text for key, text in os.environ.items() if not key.startswith(_PRIVATE)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=log.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**inherited, **(env or {})},
        )
    try:
        _wait(name, process, port, log)
        yield Server(name, port, process.pid, certificate)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(name: str, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    tail = log.read_text(errors="replace")[-2000:]
    raise SystemExit(f"benchmark: {name} did not start; its output ends:\n{tail}")
