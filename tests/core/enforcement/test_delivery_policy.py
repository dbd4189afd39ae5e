"""Whose reports S3 delivers and encrypts."""

import pytest

from gateway.core.enforcement.delivery_policy import (
    BUCKET,
    KEY,
    destination_policy,
    kms_policy,
)
from gateway.core.enforcement.parameter import ParametersError
from tests.support.enforcement import ACCOUNT, OTHER, values
from tests.support.iam import ALLOW, NOTHING, Request, verdict

S3 = ("Service", "s3.amazonaws.com")
ORGANIZATION = "o-exampleorgid"
CONTEXT = {
    "aws:SourceAccount": OTHER,
    "aws:SourceOrgID": ORGANIZATION,
    "aws:SourceArn": "arn:aws:s3:::acme-orders",
    "s3:x-amz-acl": "bucket-owner-full-control",
}
SOURCES = [
    pytest.param({"source_account": OTHER}, {}, ALLOW, id="account"),
    pytest.param({"source_account": [ACCOUNT, OTHER]}, {}, ALLOW, id="one-of-two-accounts"),
    pytest.param({"organization": ORGANIZATION}, {}, ALLOW, id="organization"),
    pytest.param(
        {"source_account": OTHER, "organization": ORGANIZATION}, {}, ALLOW, id="both-hold"
    ),
    pytest.param({"source_account": ACCOUNT}, {}, NOTHING, id="another-account"),
    pytest.param(
        {"source_account": ACCOUNT, "organization": ORGANIZATION}, {}, NOTHING, id="both-must"
    ),
    pytest.param(
        {"organization": ORGANIZATION},
        {"aws:SourceOrgID": "o-strangersorg"},
        NOTHING,
        id="another-organization",
    ),
    pytest.param({"source_account": OTHER, "source_bucket": "acme-*"}, {}, ALLOW, id="bucket-glob"),
    pytest.param(
        {"source_account": OTHER, "source_bucket": ["raw", "acme-order"]},
        {},
        NOTHING,
        id="another-bucket",
    ),
]


@pytest.mark.parametrize(("given", "context", "expected"), SOURCES)
def test_reports_are_delivered_for_their_sources(given, context, expected: str) -> None:
    """S3 writes for the named accounts, organisation and buckets only."""
    policy = destination_policy(values(BUCKET, bucket="acme-inventory", **given))
    key = "arn:aws:s3:::acme-inventory/acme-orders/daily/x.parquet"
    asked = Request("s3:PutObject", key, S3, CONTEXT | context)
    assert verdict(policy, asked) == expected


@pytest.mark.parametrize(("given", "context", "expected"), SOURCES)
def test_reports_are_encrypted_for_their_sources(given, context, expected: str) -> None:
    """The key is as particular as the bucket."""
    policy = kms_policy(values(KEY, account=ACCOUNT, **given))
    asked = Request("kms:GenerateDataKey", "*", S3, CONTEXT | context)
    assert verdict(policy, asked) == expected
    assert verdict(policy, Request("kms:Decrypt", "*", S3, CONTEXT | context)) == NOTHING


def test_key_stays_its_accounts() -> None:
    """A key policy without an administrator cannot be changed any more."""
    policy = kms_policy(values(KEY, account=ACCOUNT, source_account=OTHER, partition="aws-cn"))
    account = ("AWS", f"arn:aws-cn:iam::{ACCOUNT}:root")
    assert verdict(policy, Request("kms:PutKeyPolicy", "*", account)) == ALLOW


@pytest.mark.parametrize(
    ("change", "key"),
    [
        pytest.param({"s3:x-amz-acl": "private"}, "reports/x", id="another-acl"),
        pytest.param({}, "other/x", id="another-prefix"),
        pytest.param({"aws:SourceAccount": ""}, "reports/x", id="another-source"),
    ],
)
def test_nothing_else_is_delivered(change: dict[str, str], key: str) -> None:
    """Below its prefix, and with the owner's control."""
    policy = destination_policy(
        values(BUCKET, bucket="acme-inventory", source_account=OTHER, prefix=["reports/", "r2/"])
    )
    arn = "arn:aws:s3:::acme-inventory/"
    assert verdict(policy, Request("s3:PutObject", f"{arn}r2/x", S3, CONTEXT)) == ALLOW
    asked = Request("s3:PutObject", arn + key, S3, CONTEXT | change)
    assert verdict(policy, asked) == NOTHING


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_arns_are_in_their_partition(partition: str) -> None:
    """Buckets and sources alike."""
    policy = destination_policy(
        values(BUCKET, bucket="acme-inventory", source_account=OTHER, partition=partition)
    )
    (statement,) = policy["Statement"]
    assert statement["Resource"] == [f"arn:{partition}:s3:::acme-inventory/*"]
    assert statement["Condition"]["ArnLike"] == {"aws:SourceArn": [f"arn:{partition}:s3:::*"]}


@pytest.mark.parametrize(
    ("write", "given"),
    [
        pytest.param(destination_policy, values(BUCKET, bucket="acme-inventory"), id="bucket"),
        pytest.param(kms_policy, values(KEY, account=ACCOUNT), id="key"),
    ],
)
def test_nothing_is_written_when_any_source_would_do(write, given) -> None:
    """S3 would be a confused deputy for the whole world."""
    with pytest.raises(ParametersError, match="source-account or organization is required"):
        write(given)
