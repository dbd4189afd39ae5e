"""aws-sigv4-proxy, AWS's own: it signs, verifies nothing, and holds whole bodies in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmark import program
from tests.benchmark.keys import REGION, UPSTREAM
from tests.benchmark.process import Server, free_port, started
from tests.support.certificate import Certificate


@contextmanager
def proxy(folder: Path, target: int, certificate: Certificate | None) -> Iterator[Server]:
    """One, on one core like the others.

    Raises:
        Missing: it is not here, or TLS is asked for, which it does not speak.
    """
    port = free_port()
    command = [
        program.find("aws-sigv4-proxy", "it is built where the Go module proxy hands it out"),
        *("--name", "s3", "--region", REGION, "--unsigned-payload"),
        *("--host", f"127.0.0.1:{target}", "--upstream-url-scheme", "http"),
        *("--port", f"127.0.0.1:{port}"),
    ]
    if certificate is not None:
        raise program.Missing("aws-sigv4-proxy speaks no TLS to its clients")
    env = {**UPSTREAM, "GOMAXPROCS": "1"}
    with started("aws-sigv4-proxy", command, port, folder / "log", env=env) as server:
        yield server
