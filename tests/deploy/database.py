"""PostgreSQL in a network of its own, as a provider would run it: a password, and TLS alone."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.deploy.network import Host
from tests.support.certificate import Certificate
from tests.support.postgres_process import find_postgres

NAME = "journal.example.internal"
PASSWORD = "a-password-of-the-journal's-database"
_ADMIN = "postgres"
#: Everybody by TLS and password; nobody without TLS.
_ACCESS = f"local all {_ADMIN} trust\nhostssl gateway gateway all scram-sha-256\n"
_PATIENCE = 120


@contextmanager
def database(host: Host, certificate: Certificate) -> Iterator[None]:
    """Run one, with an empty database `gateway` that belongs to the user `gateway`.

    Args:
        host: whose network.
        certificate: of its name.
    """
    binaries = find_postgres()
    with tempfile.TemporaryDirectory(prefix="pg-") as name:  # a socket's path must be short
        folder = Path(name)
        data = folder / "data"
        for file in (certificate.certificate, certificate.key):
            shutil.copy(file, folder)
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, _ADMIN)
        initdb = [str(binaries / "initdb"), f"--pgdata={data}", "-U", _ADMIN, "--locale=C.UTF-8"]
        subprocess.run(
            initdb, check=True, capture_output=True, cwd="/", user=_ADMIN, timeout=_PATIENCE
        )
        (data / "pg_hba.conf").write_text(_ACCESS)
        settings = {
            "listen_addresses": host.address,
            "unix_socket_directories": str(folder),
            "ssl": "on",
            "ssl_cert_file": str(folder / certificate.certificate.name),
            "ssl_key_file": str(folder / certificate.key.name),
            "shared_buffers": "16MB",
        }
        options = [f"-c{key}={value}" for key, value in settings.items()]
        to_user = ["setpriv", f"--reuid={_ADMIN}", f"--regid={_ADMIN}", "--clear-groups"]
        with (folder / "log").open("wb") as log:
            command = [*to_user, str(binaries / "postgres"), "-D", str(data), *options]
            process = subprocess.Popen(host.inside(command), cwd="/", stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + _PATIENCE
            while _ask(binaries, folder, "SELECT 1") != 0:
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.1)
            password = PASSWORD.replace("'", "''")
            for statement in (
                f"CREATE ROLE gateway LOGIN PASSWORD '{password}'",
                "CREATE DATABASE gateway OWNER gateway",
            ):
                assert _ask(binaries, folder, statement) == 0, (folder / "log").read_text()
            yield
        finally:
            process.terminate()
            process.wait(timeout=_PATIENCE)


def _ask(binaries: Path, folder: Path, statement: str) -> int:
    command = [str(binaries / "psql"), "-X", "-q", "-h", str(folder), "-U", _ADMIN, "-c", statement]
    return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode
