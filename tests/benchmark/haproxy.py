"""HAProxy, the other plain proxy."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmark import program
from tests.benchmark.process import Server, free_port, started
from tests.support.certificate import Certificate


@contextmanager
def proxy(folder: Path, target: int, certificate: Certificate | None) -> Iterator[Server]:
    """One thread that neither verifies nor signs."""
    port, config = free_port(), folder / "haproxy.cfg"
    tls = f" ssl crt {certificate.both}" if certificate else ""
    config.write_text(
        "global\n  nbthread 1\n"
        "defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
        f"frontend f\n  bind 127.0.0.1:{port}{tls}\n  default_backend b\n"
        f"backend b\n  server s 127.0.0.1:{target}\n"
    )
    command = [
        program.find("haproxy", "the system's package haproxy"),
        *("-db", "-f", str(config)),
    ]
    with started("HAProxy", command, port, folder / "log", certificate=certificate) as server:
        yield server
