"""What buckets say of themselves."""

import pytest
from botocore.exceptions import ClientError

PARTS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


async def test_bucket_that_was_never_configured(sdk):
    """Three are errors of their own, two have an answer all the same."""
    for operation, code in (
        ("get_bucket_policy", "NoSuchBucketPolicy"),
        ("get_public_access_block", "NoSuchPublicAccessBlockConfiguration"),
        ("get_bucket_tagging", "NoSuchTagSet"),
    ):
        with pytest.raises(ClientError, match=code):
            await sdk(operation, Bucket="reports")
    encryption = await sdk("get_bucket_encryption", Bucket="reports")
    [rule] = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert "Status" not in await sdk("get_bucket_versioning", Bucket="reports")


async def test_bucket_that_was_configured(sdk, emulator):
    """As boto3 reads it."""
    bucket = emulator.buckets["reports"]
    bucket.policy = '{"Statement": []}'
    bucket.public_access_block = dict.fromkeys(PARTS, True) | {"BlockPublicPolicy": False}
    bucket.encryption = ("aws:kms", "arn:key")
    bucket.tags = {"owner": "data & co"}
    bucket.versioning = "Suspended"
    assert (await sdk("get_bucket_policy", Bucket="reports"))["Policy"] == '{"Statement": []}'
    block = (await sdk("get_public_access_block", Bucket="reports"))[
        "PublicAccessBlockConfiguration"
    ]
    assert block == bucket.public_access_block
    encryption = await sdk("get_bucket_encryption", Bucket="reports")
    [rule] = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": "arn:key",
    }
    tags = (await sdk("get_bucket_tagging", Bucket="reports"))["TagSet"]
    assert tags == [{"Key": "owner", "Value": "data & co"}]
    assert (await sdk("get_bucket_versioning", Bucket="reports"))["Status"] == "Suspended"


async def test_read_may_be_denied(sdk, emulator):
    """A test says which."""
    emulator.denied_reads.add("tagging")
    with pytest.raises(ClientError, match="AccessDenied"):
        await sdk("get_bucket_tagging", Bucket="reports")
    await sdk("get_bucket_versioning", Bucket="reports")
