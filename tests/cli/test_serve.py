"""`inventory-gateway serve`: a process of its own, until it is told to stop."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest

from tests.support.connection import Connection
from tests.support.site import ANA, wait_until, write_principals
from tests.support.wire import message, signed

SERVE = [sys.executable, "-m", "gateway", "serve"]
#: What a worker has no use for, or not yet; some 30 MiB. Each is imported where it is used.
BANISHED = (
    "alembic asyncpg boto3 gateway.cli.commands gateway.emulator jinja2 jsonschema mako "
    "opa_client opentelemetry sqlalchemy.dialects.postgresql sqlalchemy.ext.asyncio "
    "sqlalchemy.orm typer.rich_utils"
).split()
#: A gateway that starts and stops in the process that it is asked about.
START_AND_NAME_MODULES = """
import asyncio, sys
from gateway.app.settings import Settings
from gateway.cli.serve import running
async def main():
    async with running(Settings.load()):
        print(*sys.modules)
asyncio.run(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Everything that a gateway needs."""
    write_principals(tmp_path / "principals.yaml")
    (tmp_path / "gateway.yaml").write_text(
        "listen_port: 0\nadmin_port: 0\nupstream_endpoint: http://127.0.0.1:9\n"
        "policy_timeout_seconds: 5\n"
    )
    return tmp_path


def environment() -> dict[str, str]:
    """Static credentials, and this tree, wherever it is."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT",
        "AWS_SECRET_ACCESS_KEY": "from-the-environment",
    }


def start(
    folder: Path, *arguments: str, stdout: int | IO[str] = subprocess.PIPE, **variables: str
) -> subprocess.Popen[str]:
    """A gateway in that folder, with static credentials."""
    return subprocess.Popen(
        [*SERVE, *arguments],
        cwd=folder,
        env={**environment(), **variables},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(params=["uvloop", "asyncio"])
def served(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[int, object]]:
    """A gateway that listens: its port and its process."""
    with start(folder, "--loop", request.param) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("inventory-gateway: listening on http://127.0.0.1:"), line
        try:
            yield int(line.split(",")[0].rpartition(":")[2]), process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop(served, number: signal.Signals) -> None:
    """I27: exit status 0; standard output holds the log and nothing else."""
    port, process = served
    with Connection(port) as connection:
        connection.send(message("GET", "/").wire)
        assert connection.receive().status == 403
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert err == "inventory-gateway: stopping\n"
    assert [line.startswith("{") for line in out.splitlines()] == [True]
    assert '"status":403' in out


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("", 0))) for _ in range(count)]
        return [taken.getsockname()[1] for taken in sockets]


def scraped(port: int) -> tuple[float, float]:
    """How many requests were counted, and whether all are ready."""
    url = f"http://127.0.0.1:{port}/metrics"
    with urllib.request.urlopen(url, timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    counted = [line for line in lines if line.startswith("inventory_gateway_requests_total{")]
    (ready,) = [line for line in lines if line.startswith("inventory_gateway_ready ")]
    return sum(float(line.split()[-1]) for line in counted), float(ready.split()[-1])


def test_workers_answer_prometheus_as_one(folder: Path) -> None:
    """Whichever the kernel picks, for requests and for scrapes; nothing of them is left behind."""
    listen_port, admin_port = free_ports(2)
    (folder / "gateway.yaml").write_text(
        f"listen_port: {listen_port}\nadmin_port: {admin_port}\npolicy_timeout_seconds: 5\n"
        "upstream_endpoint: http://127.0.0.1:9\n"
    )
    with start(folder, "--workers", "3", TMPDIR=str(folder)) as process:
        try:
            assert process.stderr is not None
            for _ in range(3):
                assert "listening on" in process.stderr.readline()
            for _ in range(30):
                with Connection(listen_port) as connection:
                    connection.send(message("GET", "/").wire)
                    assert connection.receive().status == 403
            assert {scraped(admin_port)[0] for _ in range(12)} == {30.0}
            assert len(list(folder.glob("inventory-gateway-*/*"))) == 3
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, err) == (0, "inventory-gateway: stopping\n" * 3)
    assert not list(folder.glob("inventory-gateway-*"))


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_need_ports_to_share(run, folder: Path, workers: int) -> None:
    """A port of its own for each would be found by nobody."""
    (folder / "principals.yaml").unlink()  # one worker alone gets that far
    result = run("serve", "--workers", workers)
    assert result.exit_code == 2
    assert ("several workers need" in result.stderr) is (workers > 1)


def answered(port: int) -> int:
    """The status of a request by ana, for a bucket of S3 that is not there."""
    with Connection(port) as connection:
        connection.send(signed(message("GET", "/acme-orders/key"), ANA).wire)
        return connection.receive().status


@pytest.mark.parametrize("workers", [1, 2])
def test_at_sighup_everything_is_read_again(folder: Path, workers: int) -> None:
    """The log's level, and what waits for a restart is named; the port stays open throughout."""
    listen_port, admin_port = free_ports(2)
    text = (
        f"listen_port: {listen_port}\nadmin_port: {admin_port}\npolicy_timeout_seconds: 5\n"
        "upstream_endpoint: http://127.0.0.1:9\nupstream_region: eu-central-1\n"
    )
    (folder / "gateway.yaml").write_text(text + "log_level: warning\n")
    log = folder / "log"
    with (
        log.open("w") as output,
        start(folder, "--workers", f"{workers}", stdout=output, TMPDIR=str(folder)) as process,
    ):
        try:
            assert process.stderr is not None
            for _ in range(workers):
                assert "listening on" in process.stderr.readline()
            assert answered(listen_port) == 502
            assert '"event":"access"' not in log.read_text()
            (folder / "gateway.yaml").write_text(text + "log_level: info\nname: renamed\n")
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: log.read_text().count("everything was read again") == workers)
            assert '"settings":["name"]' in log.read_text()
            assert answered(listen_port) == 502
            wait_until(lambda: '"event":"access"' in log.read_text())
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, err) == (0, "inventory-gateway: stopping\n" * workers)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_can_be_stopped_while_it_waits_for_others(folder: Path, number: signal.Signals) -> None:
    """A policy server that never comes up must not keep a deployment from being taken back."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        with (folder / "gateway.yaml").open("a") as settings:
            settings.write("policy_engine: opa\nopa_start_seconds: 600\n")
            settings.write(f"opa_url: http://127.0.0.1:{silent.getsockname()[1]}\n")
        with start(folder) as process:
            try:
                asking, _ = silent.accept()
                process.send_signal(number)
                _, err = process.communicate(timeout=20)
            finally:
                process.kill()
        asking.close()
    assert (process.returncode, err) == (0, "inventory-gateway: stopping\n")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "principals.yaml").unlink(), "principals.yaml"),
        (lambda folder: (folder / "gateway.yaml").write_text("a: ["), "not plain YAML"),
        (lambda folder: (folder / "journal.db").mkdir(), "the journal is unavailable"),
        (
            lambda folder: (folder / "gateway.yaml").write_text(
                "policy_engine: opa\nopa_url: unix:///nowhere\nopa_start_seconds: 0.1\n"
            ),
            "engine_unreachable: unix:///nowhere was not ready in 0.1 s",
        ),
    ],
    ids=["principals", "settings", "journal", "opa"],
)
def test_it_says_why_it_does_not_start(run, folder: Path, spoil, words: str) -> None:
    """One line on stderr, exit status 2."""
    spoil(folder)
    result = run("serve")
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_profile_that_does_not_exist_is_told(folder: Path) -> None:
    """In a line, before anything is served."""
    with start(folder, AWS_PROFILE="nonesuch") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert "the credential provider is unavailable" in err
    assert "(nonesuch) could not be found" in err
    assert err.count("\n") == 1


def test_workers_that_cannot_start_end_with_that_status(folder: Path) -> None:
    """Not with that of the signal which ends the others."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen_port, (admin_port,) = taken.getsockname()[1], free_ports(1)
        with (folder / "gateway.yaml").open("w") as settings:
            settings.write(f"listen_port: {listen_port}\nadmin_port: {admin_port}\n")
        with start(folder, "--workers", "2") as process:
            _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "listen_host, listen_port: " in err
    assert "end what listens there, or name another port" in err


def test_the_settings_file_can_be_named(run, folder: Path) -> None:
    """And must be there, then."""
    result = run("serve", "--config", folder / "none.yaml")
    assert (result.exit_code, "none.yaml: not found" in result.stderr) == (2, True)


def test_version(run) -> None:
    """What is installed."""
    from gateway import __version__  # noqa: PLC0415

    assert run("version").output == f"{__version__}\n"


def test_a_worker_imports_nothing_that_it_has_no_use_for(folder: Path) -> None:
    """Its memory matters: neither what it imports nor a first start brings what others need."""
    said = subprocess.run(
        [sys.executable, "-c", START_AND_NAME_MODULES],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    modules = said.splitlines()[-1].split()
    assert "gateway.app.wiring" in modules
    assert [name for name in BANISHED if name in modules] == []
