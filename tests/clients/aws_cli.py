"""The AWS CLI, version 2."""

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.core.sigv4.credential import Credential
from tests.clients.client import MissingClient, Refused
from tests.clients.configuration import REGION, Configuration

_ERROR_EXIT = 254


@functools.cache
def find_aws_cli() -> str:
    """A program that says that it is version 2: a version 1 may stand before it on PATH."""
    on_path = (shutil.which("aws", path=folder) for folder in os.get_exec_path())
    for candidate in (*filter(None, on_path), "/usr/bin/aws"):
        if not Path(candidate).exists():
            continue
        done = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
        if done.stdout.startswith("aws-cli/2"):
            return candidate
    raise MissingClient("the AWS CLI, version 2, is not installed: `make tools` says more")


class AwsCli:
    """`aws s3api ...`, one process per call."""

    has_encryption = True

    def __init__(self, url: str, key: Credential, folder: Path) -> None:
        self._program = find_aws_cli()
        self._url = url
        self._folder = folder
        self._environment = {
            "PATH": os.defpath,
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }

    def put(self, bucket: str, wanted: Configuration, owner: str | None = None) -> None:
        """PutBucketInventoryConfiguration."""
        self._run(
            *("put-bucket-inventory-configuration", "--bucket", bucket, "--id", wanted.id),
            *("--inventory-configuration", json.dumps(wanted.shape())),
            *_expected(owner),
        )

    def get(self, bucket: str, inventory_id: str) -> Configuration:
        """GetBucketInventoryConfiguration."""
        verb = "get-bucket-inventory-configuration"
        answer = self._run(verb, "--bucket", bucket, "--id", inventory_id)
        return Configuration.from_shape(answer["InventoryConfiguration"])

    def list(self, bucket: str, owner: str | None = None) -> Sequence[str]:
        """ListBucketInventoryConfigurations."""
        verb = "list-bucket-inventory-configurations"
        answer = self._run(verb, "--bucket", bucket, *_expected(owner))
        return [found["Id"] for found in answer.get("InventoryConfigurationList", [])]

    def delete(self, bucket: str, inventory_id: str) -> None:
        """DeleteBucketInventoryConfiguration."""
        verb = "delete-bucket-inventory-configuration"
        self._run(verb, "--bucket", bucket, "--id", inventory_id)

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """PutObject."""
        file = self._folder / "body"
        file.write_bytes(body)
        self._run("put-object", "--bucket", bucket, "--key", key, "--body", str(file))

    def get_object(self, bucket: str, key: str) -> bytes:
        """GetObject."""
        file = self._folder / "received"
        self._run("get-object", "--bucket", bucket, "--key", key, str(file))
        return file.read_bytes()

    def list_objects(self, bucket: str, prefix: str) -> Sequence[str]:
        """ListObjectsV2."""
        answer = self._run("list-objects-v2", "--bucket", bucket, "--prefix", prefix)
        return [found["Key"] for found in answer.get("Contents", [])]

    def delete_object(self, bucket: str, key: str) -> None:
        """DeleteObject."""
        self._run("delete-object", "--bucket", bucket, "--key", key)

    def close(self) -> None:
        """Nothing stays open."""

    def _run(self, *arguments: str) -> Any:
        done = subprocess.run(
            [self._program, "s3api", *arguments, "--endpoint-url", self._url, "--output", "json"],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode == _ERROR_EXIT and "An error occurred (" in done.stderr:
            raise Refused(done.stderr.partition("(")[2].partition(")")[0], done.stderr)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "{}")


def _expected(owner: str | None) -> Sequence[str]:
    return () if owner is None else ("--expected-bucket-owner", owner)
