"""boto3, aiobotocore and IBM's boto3: one API, three implementations."""

import asyncio
import warnings
from collections.abc import Sequence
from typing import Any

import aiobotocore.session
import boto3
import botocore.exceptions
import ibm_boto3
import ibm_botocore.exceptions

from gateway.core.sigv4.credential import Credential
from tests.clients.client import Refused
from tests.clients.configuration import REGION, Configuration


class Boto3:
    """boto3."""

    has_encryption = True
    _error: type[Exception] = botocore.exceptions.ClientError

    def __init__(self, url: str, key: Credential) -> None:
        self._s3 = self._client(
            service_name="s3",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
        )

    def put(self, bucket: str, wanted: Configuration, owner: str | None = None) -> None:
        """PutBucketInventoryConfiguration."""
        self._call(
            "put_bucket_inventory_configuration",
            Bucket=bucket,
            Id=wanted.id,
            InventoryConfiguration=self._shape(wanted),
            **_expected(owner),
        )

    def get(self, bucket: str, inventory_id: str) -> Configuration:
        """GetBucketInventoryConfiguration."""
        answer = self._call("get_bucket_inventory_configuration", Bucket=bucket, Id=inventory_id)
        return Configuration.from_shape(answer["InventoryConfiguration"])

    def list(self, bucket: str, owner: str | None = None) -> Sequence[str]:
        """ListBucketInventoryConfigurations."""
        answer = self._call(
            "list_bucket_inventory_configurations", Bucket=bucket, **_expected(owner)
        )
        return [found["Id"] for found in answer.get("InventoryConfigurationList", [])]

    def delete(self, bucket: str, inventory_id: str) -> None:
        """DeleteBucketInventoryConfiguration."""
        self._call("delete_bucket_inventory_configuration", Bucket=bucket, Id=inventory_id)

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """PutObject."""
        self._call("put_object", Bucket=bucket, Key=key, Body=body)

    def get_object(self, bucket: str, key: str) -> bytes:
        """GetObject."""
        with self._call("get_object", Bucket=bucket, Key=key)["Body"] as body:
            content: bytes = body.read()
        return content

    def list_objects(self, bucket: str, prefix: str) -> Sequence[str]:
        """ListObjectsV2."""
        answer = self._call("list_objects_v2", Bucket=bucket, Prefix=prefix)
        return [found["Key"] for found in answer.get("Contents", [])]

    def delete_object(self, bucket: str, key: str) -> None:
        """DeleteObject."""
        self._call("delete_object", Bucket=bucket, Key=key)

    def close(self) -> None:
        """Close the connections."""
        self._s3.close()

    def _client(self, **arguments: Any) -> Any:
        return boto3.client(**arguments)

    def _shape(self, wanted: Configuration) -> dict[str, Any]:
        return wanted.shape()

    def _call(self, method: str, **arguments: Any) -> Any:
        try:
            return self._perform(method, arguments)
        except self._error as error:
            response: Any = getattr(error, "response")  # noqa: B009 - both kinds have it
            raise Refused(response["Error"]["Code"], str(error)) from error

    def _perform(self, method: str, arguments: dict[str, Any]) -> Any:
        return getattr(self._s3, method)(**arguments)


class IbmBoto3(Boto3):
    """The IBM COS SDK: a fork of boto3 with IBM's own model, which has no Encryption."""

    has_encryption = False
    _error = ibm_botocore.exceptions.ClientError

    def _client(self, **arguments: Any) -> Any:
        return ibm_boto3.client(**arguments)

    def _shape(self, wanted: Configuration) -> dict[str, Any]:
        shape = wanted.shape()
        shape["Destination"]["S3BucketDestination"].pop("Encryption", None)
        return shape

    def _perform(self, method: str, arguments: dict[str, Any]) -> Any:
        with warnings.catch_warnings():
            # IBM's fork signs with datetime.utcnow(), which Python 3.12 and later warn of.
            warnings.filterwarnings("ignore", r"datetime\.datetime\.utcnow", DeprecationWarning)
            return super()._perform(method, arguments)


class Aiobotocore(Boto3):
    """aiobotocore, on an event loop that runs while it is called."""

    def get_object(self, bucket: str, key: str) -> bytes:
        """GetObject."""
        return self._runner.run(self._read(bucket, key))

    def close(self) -> None:
        """Close the connections, and the loop."""
        self._runner.run(self._context.__aexit__(None, None, None))
        self._runner.close()

    def _client(self, **arguments: Any) -> Any:
        self._runner = asyncio.Runner()
        self._context = aiobotocore.session.get_session().create_client(**arguments)
        return self._runner.run(self._context.__aenter__())

    def _perform(self, method: str, arguments: dict[str, Any]) -> Any:
        return self._runner.run(getattr(self._s3, method)(**arguments))

    async def _read(self, bucket: str, key: str) -> bytes:
        answer = await self._s3.get_object(Bucket=bucket, Key=key)
        async with answer["Body"] as body:
            content: bytes = await body.read()
        return content


def _expected(owner: str | None) -> dict[str, str]:
    return {} if owner is None else {"ExpectedBucketOwner": owner}
