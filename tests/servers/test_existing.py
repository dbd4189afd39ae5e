"""The script of `enforce existing`, run by a shell with the AWS CLI against pages of S3's."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.core.enforcement.existing import SCRIPT
from tests.clients.botocore_clients import Boto3
from tests.clients.client import MissingClient
from tests.clients.configuration import SOURCE, Configuration
from tests.clients.recipes import environment
from tests.clients.stage import Stage, playing
from tests.servers.conftest import skipping
from tests.servers.server import ROOT

pytestmark = pytest.mark.client

#: One more than S3 has on a page.
COUNT = 101


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Return a gateway in front of an emulator."""
    with playing(tmp_path_factory.mktemp("existing")) as stage:
        yield stage


def test_every_configuration_is_listed(stage: Stage, tmp_path: Path) -> None:
    """Beyond the first page too, with its destination and encryption; buckets without, not."""
    program = ROOT / ".tools" / "awscli1" / "bin" / "aws"
    with skipping():
        if not program.exists():
            raise MissingClient("the AWS CLI, version 1, is not installed: `make tools` says more")
    client = Boto3(stage.url, stage.key)
    client.put(SOURCE, Configuration("daily-000"))
    client.close()
    stored = stage.emulator.buckets[SOURCE].inventories
    for number in range(1, COUNT):
        name = f"daily-{number:03d}"
        stored[name] = stored["daily-000"].replace(b"daily-000", name.encode())
    key = (stage.key.access_key_id, stage.key.secret_access_key)
    basics = {"PATH": f"{program.parent}{os.pathsep}{os.defpath}", "HOME": str(tmp_path)}
    done = subprocess.run(
        ["sh"],
        input=SCRIPT,
        env={**environment(stage.url, *key), **basics},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split("\t") for line in done.stdout.splitlines()] == [
        [
            SOURCE,
            f"daily-{number:03d}",
            "True",
            "arn:aws:s3:::acme-inventory",
            "111122223333",
            "SSES3",
        ]
        for number in range(COUNT)
    ]
