"""The AWS SDK for JavaScript v3, in Node.js."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.core.sigv4.credential import Credential
from tests.clients.client import MissingClient, Refused
from tests.clients.configuration import REGION, Configuration

_FOLDER = Path(__file__).parent / "javascript"


class JavaScriptSdk:
    """`javascript/client.mjs`, one process per call."""

    has_encryption = True

    def __init__(self, url: str, key: Credential, region: str = REGION) -> None:
        node = shutil.which("node")
        if node is None or not (_FOLDER / "node_modules").is_dir():
            raise MissingClient("the AWS SDK for JavaScript is not installed: run `make tools`")
        self._node = node
        self._endpoint = {"endpoint": url, "region": region}
        self._environment = {
            "PATH": os.defpath,
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        }

    def put(self, bucket: str, wanted: Configuration, owner: str | None = None) -> None:
        """PutBucketInventoryConfiguration."""
        arguments = {"Bucket": bucket, "Id": wanted.id, "InventoryConfiguration": wanted.shape()}
        self._send("PutBucketInventoryConfiguration", arguments | _expected(owner))

    def get(self, bucket: str, inventory_id: str) -> Configuration:
        """GetBucketInventoryConfiguration."""
        arguments = {"Bucket": bucket, "Id": inventory_id}
        answer = self._send("GetBucketInventoryConfiguration", arguments)
        return Configuration.from_shape(answer["output"]["InventoryConfiguration"])

    def list(self, bucket: str, owner: str | None = None) -> Sequence[str]:
        """ListBucketInventoryConfigurations."""
        arguments = {"Bucket": bucket} | _expected(owner)
        answer = self._send("ListBucketInventoryConfigurations", arguments)
        return [found["Id"] for found in answer["output"].get("InventoryConfigurationList", [])]

    def delete(self, bucket: str, inventory_id: str) -> None:
        """DeleteBucketInventoryConfiguration."""
        arguments = {"Bucket": bucket, "Id": inventory_id}
        self._send("DeleteBucketInventoryConfiguration", arguments)

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """PutObject."""
        content = base64.b64encode(body).decode()
        self._send("PutObject", {"Bucket": bucket, "Key": key}, body=content)

    def get_object(self, bucket: str, key: str) -> bytes:
        """GetObject."""
        return base64.b64decode(self._send("GetObject", {"Bucket": bucket, "Key": key})["body"])

    def list_objects(self, bucket: str, prefix: str) -> Sequence[str]:
        """ListObjectsV2."""
        answer = self._send("ListObjectsV2", {"Bucket": bucket, "Prefix": prefix})
        return [found["Key"] for found in answer["output"].get("Contents", [])]

    def delete_object(self, bucket: str, key: str) -> None:
        """DeleteObject."""
        self._send("DeleteObject", {"Bucket": bucket, "Key": key})

    def presigned_get(self, bucket: str, key: str) -> str:
        """A URL for GetObject."""
        answer = self._send("GetObject", {"Bucket": bucket, "Key": key}, presign=True)
        return str(answer["url"])

    def close(self) -> None:
        """Nothing stays open."""

    def _send(self, command: str, arguments: Mapping[str, Any], **more: object) -> Any:
        order = {**self._endpoint, "command": command, "input": arguments, **more}
        done = subprocess.run(
            [self._node, str(_FOLDER / "client.mjs")],
            input=json.dumps(order),
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        if "error" in answer:
            raise Refused(answer["error"]["code"], answer["error"]["shown"])
        return answer


def _expected(owner: str | None) -> dict[str, str]:
    return {} if owner is None else {"ExpectedBucketOwner": owner}
