"""S3 servers that nobody here wrote, each with a key that may do anything and an address or two."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from gateway.core.sigv4.credential import Credential
from tests.clients.client import MissingClient

ROOT = Path(__file__).resolve().parents[2]
REGION = "us-east-1"
KEY = Credential("AKIDOFTHESERVER0", "secret-of-the-server-0")
_START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Server:
    """A running S3 server.

    Args:
        name: which.
        url: plain text.
        secure_url: the same buckets over TLS; empty where it has no such listener.
        direct_url: the same, in plain text, for clients that speak to it themselves.
    """

    name: str
    url: str
    secure_url: str
    direct_url: str

    @classmethod
    def plain(cls, name: str, url: str) -> "Server":
        """One that speaks no TLS."""
        return cls(name, url, "", url)


@contextmanager
def versitygw(certificate: Path, key: Path) -> Iterator[Server]:
    """Versity's S3 gateway on a folder: Go, a strict verifier, in three processes.

    The one for clients ends each connection with its answer: after a body in transfer chunks with
    a trailer, versitygw 1.8.0 at times takes what is left of it for the next request.

    Args:
        certificate: of the one that speaks TLS.
        key: its private key.

    Raises:
        MissingClient: it is not installed.
    """
    program = find_versitygw()
    with ExitStack() as stack:
        # Not pytest's folder: it keeps those of three runs.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="versitygw-")))
        data, metadata = folder / "data", folder / "metadata"
        data.mkdir()
        metadata.mkdir()
        backend = ["posix", *_metadata(data, metadata), str(data)]
        ways = {
            "plain": ["--keep-alive"],
            "secure": ["--keep-alive", "--cert", str(certificate), "--key", str(key)],
            "direct": [],
        }
        ports = {name: _free_port() for name in ways}
        for name, options in ways.items():
            command = [
                *(program, "--quiet", "--port", f"127.0.0.1:{ports[name]}"),
                *("--region", REGION),
                *("--access", KEY.access_key_id, "--secret", KEY.secret_access_key),
                *options,
                *backend,
            ]
            stack.enter_context(_process(command, folder / f"{name}.log", ports[name]))
        yield Server(
            "versitygw",
            f"http://127.0.0.1:{ports['plain']}",
            f"https://127.0.0.1:{ports['secure']}",
            f"http://127.0.0.1:{ports['direct']}",
        )


def find_versitygw() -> str:
    """Where `make tools` put it, or on PATH."""
    found = shutil.which("versitygw", path=ROOT / ".tools" / "bin") or shutil.which("versitygw")
    if found is None:
        raise MissingClient("versitygw is not installed: `make tools` says more")
    return found


@contextmanager
def moto() -> Iterator[Server]:
    """Moto's server: Werkzeug. It verifies no signature."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - takes a second

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield Server.plain("moto", f"http://{host}:{port}")
    finally:
        server.stop()


def _metadata(data: Path, metadata: Path) -> list[str]:
    """Extended attributes, or a folder beside where the file system has none."""
    probe = [
        "python3",
        "-c",
        f"import os; os.setxattr({str(data)!r}, 'user.probe', b'1')",
    ]
    works = subprocess.run(probe, capture_output=True, check=False).returncode == 0
    return [] if works else ["--sidecar", str(metadata)]


@contextmanager
def _process(command: list[str], log: Path, port: int) -> Iterator[None]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            _await_port(process, port, log)
            yield
        finally:
            process.terminate()
            process.wait(10)


def _await_port(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.connect()
        except (OSError, HTTPException):
            time.sleep(0.02)
        else:
            return
        finally:
            connection.close()
    raise RuntimeError(f"versitygw did not start:\n{log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
