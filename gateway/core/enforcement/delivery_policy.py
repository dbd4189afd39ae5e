"""Where reports arrive: the policies of the destination bucket and of its key.

S3 writes the reports itself, for whoever configured them. Without conditions on the source it does
so for any account of the world: it would be a confused deputy.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html#example-bucket-policies-s3-inventory
"""

from typing import Final

from gateway.core.enforcement.document import Document, policy
from gateway.core.enforcement.parameter import Kind, Parameter, ParametersError, Values

_SOURCES: Final = (
    Parameter("source-account", Kind.ACCOUNT, "that owns source buckets", many=True),
    Parameter(
        "organization",
        Kind.ORGANIZATION,
        "whose accounts own the source buckets; beside source-account, both must hold",
    ),
    Parameter("source-bucket", Kind.BUCKETS, "a source bucket; default: all of them", many=True),
    Parameter("partition", Kind.PARTITION, "default: aws"),
)
BUCKET: Final = (
    Parameter("bucket", Kind.BUCKET, "the destination", required=True),
    Parameter("prefix", Kind.PREFIX, "below which reports arrive; default: anywhere", many=True),
    *_SOURCES,
)
KEY: Final = (
    Parameter("account", Kind.ACCOUNT, "that owns the key and administers it", required=True),
    *_SOURCES,
)
_DELIVERY: Final = {"Service": "s3.amazonaws.com"}


def destination_policy(values: Values) -> Document:
    """The bucket policy of a destination.

    Raises:
        ParametersError: nothing says whose reports are taken.
    """
    bucket = f"arn:{values.partition}:s3:::{values.one('bucket')}"
    condition = _condition(values)
    # S3 hands the report over to the bucket's owner; an ACL that is not asked for is not taken.
    equals = {**condition["StringEquals"], "s3:x-amz-acl": "bucket-owner-full-control"}
    return policy(
        {
            "Sid": "ReportsOfTheseSources",
            "Effect": "Allow",
            "Principal": _DELIVERY,
            "Action": "s3:PutObject",
            "Resource": [f"{bucket}/{prefix}*" for prefix in values.all("prefix") or [""]],
            "Condition": {**condition, "StringEquals": equals},
        }
    )


def kms_policy(values: Values) -> Document:
    """The policy of the reports' key, whole: the account administers it, S3 encrypts with it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/configure-inventory.html#configure-inventory-kms-key-policy

    Raises:
        ParametersError: nothing says whose reports are encrypted.
    """
    return policy(
        {
            "Sid": "TheAccountAdministers",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{values.partition}:iam::{values.one('account')}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "ReportsOfTheseSources",
            "Effect": "Allow",
            "Principal": _DELIVERY,
            "Action": "kms:GenerateDataKey",
            "Resource": "*",
            "Condition": _condition(values),
        },
    )


def _condition(values: Values) -> dict[str, dict[str, object]]:
    """Whose reports: by account, by organisation, or by both, and of which buckets."""
    accounts, organization = values.all("source-account"), values.one("organization")
    if not accounts and not organization:
        raise ParametersError(
            ["source-account or organization is required: S3 would deliver for any account"]
        )
    equals: dict[str, object] = {}
    if accounts:
        equals["aws:SourceAccount"] = accounts
    if organization:
        equals["aws:SourceOrgID"] = organization
    buckets = values.all("source-bucket") or ["*"]
    sources = [f"arn:{values.partition}:s3:::{bucket}" for bucket in buckets]
    return {"StringEquals": equals, "ArnLike": {"aws:SourceArn": sources}}
