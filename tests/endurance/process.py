"""A gateway as a process of its own, seen through /proc."""

import os
import re
import signal
import ssl
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from tests.support.certificate import make_pair
from tests.support.site import ANA, REGION, UPSTREAM

_SCRIPT = Path(sysconfig.get_path("scripts")) / "inventory-gateway"
#: Seconds after which a gateway under test is taken for hung.
_PATIENCE = 240.0


@dataclass(frozen=True, slots=True)
class GatewayProcess:
    """A running `inventory-gateway serve`.

    Args:
        port: on 127.0.0.1.
        process: it.
        log: its standard output.
        admin_port: of its admin listener, likewise.
    """

    port: int
    process: subprocess.Popen[str]
    log: Path
    admin_port: int = 0

    @property
    def rss_mib(self) -> float:
        """Memory that it holds now."""
        return self._memory("VmRSS")

    @property
    def peak_mib(self) -> float:
        """The most that it held since `forget_peak`."""
        return self._memory("VmHWM")

    def forget_peak(self) -> None:
        """Begin a new measurement."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    @property
    def sockets(self) -> int:
        """How many are open, those it listens on included; the journal's files come and go."""
        found = 0
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                found += str(descriptor.readlink()).startswith("socket:")
        return found

    @property
    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def _memory(self, field: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
        return int(line.split()[1]) / 1024


def listener(folder: Path, *, secure: bool) -> tuple[ssl.SSLContext | None, dict[str, object]]:
    """How clients connect, and the settings of the listener that they connect to."""
    if not secure:
        return None, {}
    certificate, key = make_pair(folder, "gateway")
    trusting = ssl.create_default_context(cafile=str(certificate))
    return trusting, {"tls_certificate": certificate, "tls_key": key}


@contextmanager
def gateway(
    folder: Path,
    upstream: str,
    settings: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[GatewayProcess]:
    """Run one in front of this upstream; it may hold every bucket and never hits its limits."""
    principals = folder / "principals.yaml"
    principals.touch(mode=0o600)
    principals.write_text(
        f"principals: [{{name: ana, access_key_id: {ANA.access_key_id}, "
        f'secret_access_key: {ANA.secret}, buckets: ["*"]}}]\n'
    )
    values: dict[str, object] = {
        "listen_port": 0,
        "admin_port": 0,
        "upstream_endpoint": upstream,
        "upstream_region": REGION,
        "principals_file": principals,
        "journal_path": folder / "journal.db",
        **(settings or {}),
    }
    whole = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),  # this tree, wherever it is
        "AWS_ACCESS_KEY_ID": UPSTREAM.access_key_id,
        "AWS_SECRET_ACCESS_KEY": UPSTREAM.secret_access_key,
        **{f"GATEWAY_{name.upper()}": str(value) for name, value in values.items()},
        **(environment or {}),
    }
    log = folder / "gateway.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [_SCRIPT, "serve"],
            cwd=folder,
            env=whole,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stderr is not None
        watchdog = Timer(_PATIENCE, process.kill)
        watchdog.start()
        try:
            line = process.stderr.readline()
            assert "listening on" in line, line
            port, admin_port = re.findall(r"(?:listening on|admin) \S+:(\d+)", line)
            yield GatewayProcess(int(port), process, log, int(admin_port))
        finally:
            if process.poll() is None:
                process.kill()
            watchdog.cancel()
            watchdog.join()
