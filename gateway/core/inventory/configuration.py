"""The S3 Inventory configuration as a closed, typed model.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_InventoryConfiguration.html
"""

import re
from dataclasses import dataclass
from typing import Final

from gateway.core.errors import RequestError
from gateway.core.s3.address import is_bucket_name

#: The enumerations are data: S3 adds a field about once a year (a test reads botocore's model).
OPTIONAL_FIELDS: Final = (
    "Size",
    "LastModifiedDate",
    "StorageClass",
    "ETag",
    "IsMultipartUploaded",
    "ReplicationStatus",
    "EncryptionStatus",
    "ObjectLockRetainUntilDate",
    "ObjectLockMode",
    "ObjectLockLegalHoldStatus",
    "IntelligentTieringAccessTier",
    "BucketKeyStatus",
    "ChecksumAlgorithm",
    "ObjectAccessControlList",
    "ObjectOwner",
    "LifecycleExpirationDate",
    "ObjectLockEventHoldStatus",
    "ObjectLockEventHoldDuration",
    "IntelligentTieringReferenceDate",
)
FORMATS: Final = ("CSV", "ORC", "Parquet")
FREQUENCIES: Final = ("Daily", "Weekly")
VERSIONS: Final = ("All", "Current")

_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_PARTITION = re.compile(r"aws(?:-[a-z]+)*", re.ASCII)
_ARN_PARTS = 6


@dataclass(frozen=True, slots=True)
class SseS3:
    """The report is encrypted with keys that S3 manages."""


@dataclass(frozen=True, slots=True)
class SseKms:
    """The report is encrypted with a KMS key."""

    key_id: str


Encryption = SseS3 | SseKms


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the report goes. `bucket_arn` is as written: see `read_bucket_arn`."""

    bucket_arn: str
    format: str
    account_id: str | None = None
    prefix: str | None = None
    encryption: Encryption | None = None


@dataclass(frozen=True, slots=True)
class InventoryConfiguration:
    """One configuration. Absent and empty members mean the same to S3 and are both None here."""

    id: str
    is_enabled: bool
    destination: Destination
    included_object_versions: str
    frequency: str
    filter_prefix: str | None = None
    optional_fields: tuple[str, ...] = ()

    def as_boto3(self) -> dict[str, object]:
        """The shape that boto3, the AWS CLI and the policies know."""
        bucket: dict[str, object] = {
            "Bucket": self.destination.bucket_arn,
            "Format": self.destination.format,
        }
        if self.destination.account_id is not None:
            bucket["AccountId"] = self.destination.account_id
        if self.destination.prefix is not None:
            bucket["Prefix"] = self.destination.prefix
        match self.destination.encryption:
            case SseS3():
                bucket["Encryption"] = {"SSES3": {}}
            case SseKms(key_id):
                bucket["Encryption"] = {"SSEKMS": {"KeyId": key_id}}
            case None:  # pragma: no branch - the union is closed
                pass
        shape: dict[str, object] = {
            "Destination": {"S3BucketDestination": bucket},
            "IsEnabled": self.is_enabled,
            "Id": self.id,
            "IncludedObjectVersions": self.included_object_versions,
            "Schedule": {"Frequency": self.frequency},
        }
        if self.filter_prefix is not None:
            shape["Filter"] = {"Prefix": self.filter_prefix}
        if self.optional_fields:
            shape["OptionalFields"] = list(self.optional_fields)
        return shape


@dataclass(frozen=True, slots=True)
class BucketArn:
    """`arn:<partition>:s3:::<name>`, taken apart."""

    partition: str
    bucket: str


def is_inventory_id(text: str) -> bool:
    """Whether S3 takes this as an id: 1 to 64 letters, digits, underscores, dots and hyphens."""
    return _ID.fullmatch(text) is not None


def read_bucket_arn(arn: str) -> BucketArn:
    """Take the destination's ARN apart, with S3's refusals.

    Raises:
        RequestError: InvalidS3DestinationBucket. A bucket ARN holds neither Region nor account.
    """
    parts = arn.split(":")
    if len(parts) != _ARN_PARTS or parts[0] != "arn" or parts[2] != "s3":
        raise _invalid("Invalid bucket ARN.")
    _, partition, _, region, account, bucket = parts
    if account:
        raise _invalid("Bucket ARN should not specify a namespace.")
    if region:
        raise _invalid("Bucket ARN should not specify a region.")
    if _PARTITION.fullmatch(partition) is None or not is_bucket_name(bucket):
        raise _invalid("Invalid bucket ARN.")
    return BucketArn(partition, bucket)


def partition_of(region: str) -> str:
    """The partition that a Region belongs to."""
    for prefix, partition in _PARTITIONS.items():
        if region.startswith(prefix):
            return partition
    return "aws"


_PARTITIONS: Final = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}


def _invalid(message: str) -> RequestError:
    return RequestError("InvalidS3DestinationBucket", message)
