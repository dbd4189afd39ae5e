"""A real PostgreSQL server on a Unix socket and loopback, for as long as a test run wants it."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

#: Who runs it where the tests are root: the server refuses to.
_USER = "postgres"
_START_SECONDS = 60
#: Little of everything: other tests run beside it. fsync stays on, as the journal asks for it.
_OPTIONS = {
    "shared_buffers": "16MB",
    "max_connections": "60",
    "max_wal_size": "64MB",
    "logging_collector": "off",
    "autovacuum": "off",
}


@dataclass(slots=True)
class PostgresProcess:
    """A server of one's own; nothing in it but what tests make.

    Args:
        binaries: where initdb and postgres are.
        folder: of the data, the socket and the log.
        port: on loopback.
    """

    binaries: Path
    folder: Path
    port: int
    _process: "subprocess.Popen[bytes] | None" = None
    _databases: int = field(default=0)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = {**_OPTIONS, "unix_socket_directories": str(self.folder), "port": str(self.port)}
        settings = [f"-c{name}={value}" for name, value in options.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.folder / "data", *settings],
                stdout=log,
                stderr=log,
                **_as_user(),
            )
        deadline = time.monotonic() + _START_SECONDS
        while self._ask("SELECT 1", "postgres") is None:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text())
            time.sleep(0.1)

    def stop(self) -> None:
        """End it at once, as a crash would: it recovers at the next start."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    def database(self) -> str:
        """The URL of a new, empty database."""
        self._databases += 1
        name = f"journal_{self._databases}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, name: str, host: str = "") -> str:
        """The URL of a database; over the Unix socket, unless a host is named."""
        return f"postgresql://{_USER}@/{name}?host={host or self.folder}&port={self.port}"

    def run(self, statement: str, database: str = "postgres") -> str:
        """Do something as its superuser; what it answered, unaligned."""
        answer = self._ask(statement, database)
        assert answer is not None, (self.folder / "log").read_text()[-2000:]
        return answer

    def _ask(self, statement: str, database: str) -> str | None:
        done = subprocess.run(
            [
                *(self.binaries / "psql", "-X", "-A", "-t", "-q", "-h", self.folder),
                *("-p", str(self.port), "-U", _USER, "-d", database, "-c", statement),
            ],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )
        return done.stdout.strip() if done.returncode == 0 else None


def find_postgres() -> Path:
    """Where PostgreSQL's programs are; without them the test is skipped, except in CI."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path:
        return Path(on_path).resolve().parent
    words = "PostgreSQL's initdb is not installed; `make tools` installs it"
    if os.environ.get("CI") == "true":
        pytest.fail(words)
    pytest.skip(words)


@contextmanager
def postgres_server() -> Iterator[PostgresProcess]:
    """Make a cluster and run it; all of it is gone afterwards."""
    binaries = find_postgres()
    with tempfile.TemporaryDirectory(prefix="pg-") as name:  # a socket's path must be short
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, _USER)
        subprocess.run(
            [
                *(binaries / "initdb", "-D", folder / "data", "-U", _USER, "-N"),
                *("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"),
            ],
            check=True,
            capture_output=True,
            **_as_user(),
        )
        server = PostgresProcess(binaries, folder, _free_port())
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _as_user() -> dict[str, Any]:
    here: dict[str, Any] = {"cwd": "/", "stdin": subprocess.DEVNULL}
    return {**here, "user": _USER, "group": _USER} if os.geteuid() == 0 else here


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _version(path: Path) -> float:
    return float(path.parent.parent.name)
