"""The real console script: emulator and gateway as processes, configured as an operator would."""

import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Timer

import boto3
import pytest
import yaml

from gateway.cli.emulator import emulator
from gateway.core.sigv4.credential import Credential
from tests.clients.botocore_clients import Boto3
from tests.clients.client import Refused
from tests.clients.configuration import OWNER, REGION, SOURCE, Configuration

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.client

UPSTREAM = Credential("UPSTREAMKEY", "an-upstream-secret-of-the-emulator")
CLIENT = Credential("CLIENTKEY", "the-secret-of-a-client")
_SCRIPT = Path(sysconfig.get_path("scripts")) / "inventory-gateway"
_PATIENCE = 60


@contextmanager
def process(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the console script; give the process and its startup line from stderr."""
    with (
        log.open("w") as stdout,
        subprocess.Popen(
            [str(_SCRIPT), *arguments],
            env={"PATH": os.defpath, "HOME": str(log.parent), **environment},
            cwd=log.parent,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        ) as started,
    ):
        assert started.stderr is not None
        watchdog = Timer(_PATIENCE, started.kill)
        watchdog.start()
        try:
            yield started, started.stderr.readline()
        finally:
            if started.poll() is None:
                started.kill()
            watchdog.cancel()
            watchdog.join()


def ended(started: subprocess.Popen[str]) -> tuple[int, str]:
    """Ask the process to stop; give its exit status and the rest of its stderr."""
    started.send_signal(signal.SIGTERM)
    _, said = started.communicate(timeout=_PATIENCE)
    return started.returncode, said


def url_in(line: str) -> str:
    """The URL that a startup line names."""
    match = re.search(r"listening on (http://[0-9.:]+)", line)
    assert match is not None, line
    return match[1]


def written(folder: Path, upstream: str) -> Path:
    """Write gateway.yaml and principals.yaml, as the README says."""
    principals = folder / "principals.yaml"
    entry = {
        "name": "developer",
        "access_key_id": CLIENT.access_key_id,
        "secret_access_key": CLIENT.secret_access_key,
        "buckets": ["acme-*"],
    }
    principals.write_text(yaml.safe_dump({"principals": [entry]}))
    principals.chmod(0o600)
    settings = {
        "listen_port": 0,
        "admin_port": 0,
        "upstream_endpoint": upstream,
        "principals_file": str(principals),
        "journal_path": str(folder / "journal.db"),
    }
    (folder / "gateway.yaml").write_text(yaml.safe_dump(settings))
    return folder / "gateway.yaml"


def test_what_the_readme_runs_is_run(tmp_path):
    """Keys, an S3 in memory, the gateway, a client's call: on free ports, else word for word."""
    chapter = (ROOT / "README.md").read_text().partition("\n## Run it\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```console\n(.*?)^```", chapter, re.MULTILINE | re.DOTALL)
    text = "".join(blocks).replace("\\\n", "")
    lines = [shlex.split(line, comments=True) for line in text.splitlines()]
    (new,) = (line[1:] for line in lines if line[1:2] == ["keys"])
    (stand_in,) = (line[1:-1] for line in lines if line[1:2] == ["emulator"])
    own = dict(item.split("=") for item in next(line[1:] for line in lines if line[0] == "export"))
    (endpoint,) = (line[0] for line in lines if line[0].startswith("GATEWAY_"))
    port = inspect.signature(emulator).parameters["port"].default
    assert endpoint == f"GATEWAY_UPSTREAM_ENDPOINT=http://127.0.0.1:{port}"
    made = subprocess.run(
        [str(_SCRIPT), *new], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    client = dict(re.findall(r"^export (\w+)=(.+)$", made, re.MULTILINE))
    with process([*stand_in, "--port=0"], own, tmp_path / "emulator.log") as (_, emulator_line):
        settings = {
            "GATEWAY_UPSTREAM_ENDPOINT": url_in(emulator_line),
            "GATEWAY_LISTEN_PORT": "0",
            "GATEWAY_ADMIN_PORT": "0",
            "GATEWAY_POLICY_TIMEOUT_SECONDS": "5",
        }
        with process(["serve"], own | settings, tmp_path / "gateway.log") as (_, line):
            s3 = boto3.client(
                "s3",
                endpoint_url=url_in(line),
                region_name=REGION,
                aws_access_key_id=client["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=client["AWS_SECRET_ACCESS_KEY"],
            )
            page = (ROOT / "docs/clients.md").read_text()
            daily = json.loads(page.partition("```json\n")[2].partition("```")[0])
            (put,) = (line for line in lines if line[:2] == ["aws", "s3api"])
            answer = s3.put_bucket_inventory_configuration(
                Bucket=put[put.index("--bucket") + 1], Id=daily["Id"], InventoryConfiguration=daily
            )
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
            s3.close()


def test_serve_gates_and_stops_at_sigterm(tmp_path):
    """One put refused, one allowed; then the decisions are in the journal and in the log."""
    keys = {
        "AWS_ACCESS_KEY_ID": UPSTREAM.access_key_id,
        "AWS_SECRET_ACCESS_KEY": UPSTREAM.secret_access_key,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    buckets = [f"--bucket={name}:{REGION}:{OWNER}" for name in (SOURCE, "acme-inventory")]
    with process(["emulator", "--port=0", *buckets], keys, tmp_path / "emulator.log") as (
        emulator,
        emulator_line,
    ):
        written(tmp_path, url_in(emulator_line))
        with process(["serve"], keys, tmp_path / "gateway.log") as (gateway, line):
            assert f"upstream {url_in(emulator_line)}" in line
            assert re.search(r"policy [0-9a-f]{16}", line)
            with closing(Boto3(url_in(line), CLIENT)) as client:
                with pytest.raises(Refused, match="INV001"):
                    client.put(SOURCE, Configuration("daily", encrypted=False))
                client.put(SOURCE, Configuration("daily"))
                assert client.list(SOURCE) == ["daily"]
            assert ended(gateway) == (0, "inventory-gateway: stopping\n")
        assert ended(emulator) == (0, "")
    shown = subprocess.run(
        [str(_SCRIPT), "decisions", "list", "--json", "--journal", str(tmp_path / "journal.db")],
        capture_output=True,
        text=True,
        check=True,
        timeout=_PATIENCE,
    )
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [row["allow"] for row in rows] == [True, False]
    logged = (tmp_path / "gateway.log").read_text()
    assert all(row["decision_id"] in logged for row in rows)
    assert UPSTREAM.secret_access_key not in logged
    assert CLIENT.secret_access_key not in logged


def test_serve_refuses_to_start_with_readable_keys(tmp_path):
    """A principals file that others may read is an operator's mistake: one line, exit 2."""
    config = written(tmp_path, "http://127.0.0.1:1")
    (tmp_path / "principals.yaml").chmod(0o644)
    done = subprocess.run(
        [str(_SCRIPT), "serve", "--config", str(config)],
        env={"PATH": os.defpath, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
    )
    assert done.returncode == 2
    assert "principals.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_ends_as_told(tmp_path):
    """`inventory-gateway demo --once` checks itself."""
    done = subprocess.run(
        [sys.executable, str(_SCRIPT), "demo", "--once"],
        env={"PATH": os.defpath, "HOME": str(tmp_path), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("AccessDenied") == 3
