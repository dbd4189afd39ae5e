"""The gateway: verifying, signing and logging."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmark import program
from tests.benchmark.keys import CLIENT, UPSTREAM
from tests.benchmark.nginx import ACCOUNT, BUCKET, DESTINATION
from tests.benchmark.process import Server, free_port, started
from tests.support.certificate import Certificate


@contextmanager
def one_worker(folder: Path, target: int, certificate: Certificate | None) -> Iterator[Server]:
    """As it starts by default."""
    with _started(folder, target, certificate, workers=1) as server:
        yield server


@contextmanager
def two_workers(folder: Path, target: int, certificate: Certificate | None) -> Iterator[Server]:
    """Two processes that share the port."""
    with _started(folder, target, certificate, workers=2) as server:
        yield server


@contextmanager
def gated(folder: Path) -> Iterator[Server]:
    """In front of the emulator, so that facts, journal and the upstream's answer are real."""
    port = free_port()
    command = [
        *(program.find("inventory-gateway", "pip install"), "emulator", "--port", str(port)),
        *("--bucket", f"{BUCKET}:us-east-1:{ACCOUNT}"),
        *("--bucket", f"{DESTINATION}:us-east-1:{ACCOUNT}"),
    ]
    with (
        started("emulator", command, port, folder / "emulator.log", env=UPSTREAM),
        _started(folder, port, None, workers=1) as server,
    ):
        yield server


@contextmanager
def _started(
    folder: Path, target: int, certificate: Certificate | None, *, workers: int
) -> Iterator[Server]:
    port, principals = free_port(), folder / "principals.yaml"
    principals.touch(mode=0o600)
    principals.write_text(
        f"principals:\n  - {{name: bench, access_key_id: {CLIENT.access_key_id}, "
        f'secret_access_key: {CLIENT.secret_access_key}, buckets: ["*"]}}\n'
    )
    env = {
        **UPSTREAM,
        "GATEWAY_LISTEN_PORT": str(port),
        "GATEWAY_ADMIN_PORT": str(free_port()),
        "GATEWAY_PRINCIPALS_FILE": str(principals),
        "GATEWAY_JOURNAL_PATH": str(folder / "journal.db"),
        # No inventory PUT is answered faster for having been seen.
        "GATEWAY_POLICY_CACHE_SECONDS": "0",
        "GATEWAY_UPSTREAM_ENDPOINT": f"http://127.0.0.1:{target}",
    }
    if certificate is not None:
        env["GATEWAY_TLS_CERTIFICATE"] = str(certificate.certificate)
        env["GATEWAY_TLS_KEY"] = str(certificate.key)
    command = [
        program.find("inventory-gateway", "pip install"),
        *("serve", "--workers", str(workers)),
    ]
    with started(
        "the gateway", command, port, folder / "log", env=env, certificate=certificate
    ) as server:
        yield server
