"""An S3 in a network of its own: the emulator of this working copy, as the manifests start it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.deploy.dockerfile import ROOT
from tests.deploy.network import Host

PORT = 9100
#: The gateway's own credentials, which no client may come to know.
UPSTREAM = {
    "AWS_ACCESS_KEY_ID": "UPSTREAMKEY",
    "AWS_SECRET_ACCESS_KEY": "an-upstream-secret-of-the-emulator",
}
_SCRIPT = "from gateway.__main__ import main; main()"
_NAMED = '/bin/mount --bind "$0" /etc/hosts && exec "$@"'
_ARGUMENTS = [
    "emulator",
    "--host=0.0.0.0",
    f"--port={PORT}",
    "--bucket=acme-orders:eu-central-1:111122223333",
    "--bucket=acme-inventory:eu-central-1:111122223333",
]


@contextmanager
def emulator(host: Host, folder: Path) -> Iterator[str]:
    """Run it; give its endpoint. Whoever needs it waits for it."""
    with (
        (folder / "emulator.log").open("w") as output,
        subprocess.Popen(
            host.inside([sys.executable, "-c", _SCRIPT, *_ARGUMENTS]),
            env={"PYTHONPATH": str(ROOT), **UPSTREAM},
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield f"http://{host.address}:{PORT}"
        finally:
            process.kill()


def client(host: Host, script: str, names: Path | None = None, **variables: str) -> str:
    """Run a script of boto3 in somebody's network, with this environment; what it prints.

    Args:
        host: whose network.
        script: in Python.
        names: what /etc/hosts is to be, for it alone.
        variables: of its environment.
    """
    command = [sys.executable, "-c", script]
    if names is not None:
        command = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", _NAMED, str(names), *command]
    done = subprocess.run(
        host.inside(command),
        env={"AWS_REGION": "eu-central-1", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


#: Puts a report without encryption, then one with it; prints what becomes of them.
REPORTS = """
import boto3
from botocore.exceptions import ClientError
s3 = boto3.client("s3")
for encryption in ({}, {"Encryption": {"SSES3": {}}}):
    destination = {"AccountId": "111122223333", "Format": "CSV",
                   "Bucket": "arn:aws:s3:::acme-inventory", **encryption}
    try:
        s3.put_bucket_inventory_configuration(Bucket="acme-orders", Id="daily",
            InventoryConfiguration={"Id": "daily", "IsEnabled": True,
                "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"},
                "Destination": {"S3BucketDestination": destination}})
        print("reported")
    except ClientError as refused:
        error = refused.response["Error"]
        print(error["Code"], "INV001" if "[INV001]" in error["Message"] else error["Message"])
"""
EXPECTED = "AccessDenied INV001\nreported"
