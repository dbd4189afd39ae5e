"""A real OPA server, on loopback or a Unix socket, for as long as a test wants it."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUNDLES = Path(str(resources.files("gateway.bundle")))
#: Rules and catalogue; the settings that ship.
SHIPPED = (BUNDLES / "inventory-rego.tar.gz", BUNDLES / "org.tar.gz")


@dataclass(frozen=True, slots=True)
class OpaProcess:
    """A running server.

    Args:
        url: where it is.
        process: to end it before its time.
        log: what it has to say.
    """

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def kill(self) -> None:
        """End it as the kernel would."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """Let it hold its connections and say nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)


def find_opa() -> str:
    """The `opa` binary; without it the test is skipped, except in CI."""
    spec = importlib.util.spec_from_file_location("build_bundle", ROOT / "scripts/build_bundle.py")
    assert spec is not None
    assert spec.loader is not None
    builder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builder)
    try:
        found: str = builder.find_opa().program
    except builder.OpaCommandError as fault:
        if os.environ.get("CI") == "true":
            pytest.fail(str(fault))
        pytest.skip(str(fault))
    return found


@contextmanager
def opa_server(
    *paths: Path,
    url: str = "",
    bundles: bool = True,
    pair: tuple[Path, Path] | None = None,
    options: Sequence[str] = (),
) -> Iterator[OpaProcess]:
    """Run a server. It may still be starting: whoever asks it waits for it.

    Args:
        paths: what it loads.
        url: where it listens; empty for a Unix socket of its own.
        bundles: whether the paths are bundles, or files.
        pair: certificate and key, where it speaks TLS.
        options: more of its options.
    """
    # A socket's path must be short, which pytest's folders are not.
    folder = Path(tempfile.mkdtemp(prefix="opa-"))
    url = url or f"unix://{folder}/opa.sock"
    address = url if pair is None and url.startswith("unix:") else url.partition("://")[2]
    command = [find_opa(), "run", "--server", "--skip-version-check", "--log-level", "error"]
    command += ["--addr", address, *options]
    if pair is not None:
        command += ["--tls-cert-file", str(pair[0]), "--tls-private-key-file", str(pair[1])]
    command += [*(["--bundle"] if bundles else []), *(str(path) for path in paths)]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield OpaProcess(url, process, log)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
