"""`inventory-gateway serve`: a process of its own, until it is told to stop."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.connection import Connection
from tests.support.site import write_principals
from tests.support.wire import message

SERVE = [sys.executable, "-c", "from gateway.cli import main; main()", "serve"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Everything that a gateway needs."""
    write_principals(tmp_path / "principals.yaml")
    (tmp_path / "gateway.yaml").write_text(
        "listen_port: 0\nadmin_port: 0\nupstream_endpoint: http://127.0.0.1:9\n"
        "policy_timeout_seconds: 5\n"
    )
    return tmp_path


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """A gateway in that folder, with static credentials."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT",
        "AWS_SECRET_ACCESS_KEY": "from-the-environment",
    }
    return subprocess.Popen(
        [*SERVE, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
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
        (lambda folder: (folder / "journal.db").mkdir(), "its journal is unavailable"),
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


def test_the_settings_file_can_be_named(run, folder: Path) -> None:
    """And must be there, then."""
    result = run("serve", "--config", folder / "none.yaml")
    assert (result.exit_code, "none.yaml: not found" in result.stderr) == (2, True)


def test_version(run) -> None:
    """What is installed."""
    from gateway import __version__  # noqa: PLC0415

    assert run("version").output == f"{__version__}\n"
