"""Reading /proc, and starting what is measured."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.benchmark.process import Server, cpu_clock, free_port, kib, started

_SERVE = (
    "import os, socket, sys\n"
    "print(sorted(name for name in os.environ if name.startswith(('AWS_', 'GATEWAY_'))))\n"
    "with socket.create_server(('127.0.0.1', int(sys.argv[1]))) as listener:\n"
    "    while True: listener.accept()[0].close()\n"
)


def test_cpu_is_user_and_system_time_of_all_threads() -> None:
    """As /proc says of this process, in its coarser steps (proc(5), fields 14 and 15)."""
    threading.Thread(target=lambda: sum(range(3_000_000))).start()
    before = time.clock_gettime(cpu_clock(os.getpid()))
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    after = time.clock_gettime(cpu_clock(os.getpid()))
    said = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    assert before - 0.05 <= said <= after + 0.05


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        pytest.param("VmRSS", 2048, id="there"),
        pytest.param("VmHWM", 0, id="not there"),
    ],
)
def test_a_size_is_found_by_its_name(field: str, expected: int) -> None:
    """A process that has ended has none."""
    assert kib("Name:\tVmHWM\nVmRSS:\t    2048 kB\n", field) == expected


def test_children_are_counted() -> None:
    """A second worker is a process of its own."""
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    pid = os.posix_spawn(sys.executable, command, os.environ)
    try:
        assert pid in Server("this", 0, os.getpid()).pids()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_server_runs_until_the_end_and_without_foreign_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's own credentials or settings would change what is measured."""
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setenv("GATEWAY_LOG_LEVEL", "debug")
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-uc", _SERVE, str(port)]
    with started("it", command, port, log, env={"AWS_REGION": "eu-central-1"}) as server:
        assert server.url == f"http://127.0.0.1:{port}"
        assert server.cpu_seconds() > 0
        server.forget_peak()
        assert 0 < server.rss_mib() <= server.peak_rss_mib()
    assert log.read_text() == "['AWS_REGION']\n"
    assert not Path(f"/proc/{server.pid}").exists()


def test_a_server_that_does_not_start_is_quoted(tmp_path: Path) -> None:
    """Instead of a traceback about a socket."""
    command = [sys.executable, "-c", "raise SystemExit('no such option')"]
    with (
        pytest.raises(SystemExit, match=r"it did not start[^$]*no such option"),
        started("it", command, free_port(), tmp_path / "log"),
    ):
        pass
