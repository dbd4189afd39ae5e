"""Buckets: their life, their region, their owner."""

import pytest
from botocore.exceptions import ClientError

OWNER = {"x-amz-expected-bucket-owner": "111122223333"}
ELSEWHERE = (
    b"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>"
    b"</CreateBucketConfiguration>"
)
CONFINED = {"key_id": "AKIDCONFINED", "secret": "confined"}


async def test_life_of_a_bucket(sdk, emulator):
    """Created in the region of the scope, refused twice, deleted when empty."""
    place = {"LocationConstraint": "eu-central-1"}
    await sdk("create_bucket", Bucket="fresh", CreateBucketConfiguration=place)
    assert emulator.buckets["fresh"].region == "eu-central-1"
    with pytest.raises(ClientError, match="BucketAlreadyOwnedByYou"):
        await sdk("create_bucket", Bucket="fresh", CreateBucketConfiguration=place)
    await sdk("put_object", Bucket="fresh", Key="k", Body=b"x")
    with pytest.raises(ClientError, match="BucketNotEmpty"):
        await sdk("delete_bucket", Bucket="fresh")
    await sdk("delete_object", Bucket="fresh", Key="k")
    await sdk("delete_bucket", Bucket="fresh")
    assert "fresh" not in emulator.buckets


@pytest.mark.parametrize(
    ("target", "body", "code"),
    [
        ("/fresh", b"", "IllegalLocationConstraintException"),
        (
            "/fresh",
            ELSEWHERE,
            "IllegalLocationConstraintException",
        ),
        ("/UPPER", b"", "InvalidBucketName"),
        ("/a%2Fb", b"", "InvalidBucketName"),
        ("//b", b"", "NoSuchBucket"),
        ("/192.168.0.1", b"", "InvalidBucketName"),
        ("/foreign", b"", "IllegalLocationConstraintException"),
    ],
)
async def test_refused_creation(raw, target, body, code):
    """Names and places S3 does not take."""
    assert (await raw.send("PUT", target, body)).code == code


async def test_head(raw, emulator):
    """The region comes with every answer, the denied too, unless a test hides it."""
    found = await raw.send("HEAD", "/reports", headers=OWNER)
    assert (found.status, found.headers["x-amz-bucket-region"]) == (200, "eu-central-1")
    assert found.headers["x-amz-bucket-arn"] == "arn:aws:s3:::reports"
    assert (await raw.send("HEAD", "/absent")).status == 404
    emulator.deny_head_bucket.add("reports")
    denied = await raw.send("HEAD", "/reports")
    assert (denied.status, denied.headers["x-amz-bucket-region"]) == (403, "eu-central-1")
    emulator.hide_region.add("reports")
    hidden = await raw.send("HEAD", "/reports", region="us-east-1")
    assert (hidden.status, hidden.body) == (403, b"")
    assert "x-amz-bucket-region" not in hidden.headers


@pytest.mark.parametrize(
    ("owner", "status"), [("111122223333", 200), ("444455556666", 403), ("0000", 400)]
)
async def test_head_with_expected_owner(raw, owner, status):
    """The owner discovery of the gateway relies on these three; the region comes with each."""
    headers = {"x-amz-expected-bucket-owner": owner}
    reply = await raw.send("HEAD", "/reports", headers=headers)
    assert (reply.status, reply.headers["x-amz-bucket-region"]) == (status, "eu-central-1")


async def test_head_in_the_wrong_region(raw):
    """400 with the region: botocore signs again for that one."""
    reply = await raw.send("HEAD", "/reports", region="us-east-1")
    assert (reply.status, reply.headers["x-amz-bucket-region"]) == (400, "eu-central-1")


async def test_location(raw):
    """Empty for us-east-1."""
    assert (
        b">eu-central-1</LocationConstraint>" in (await raw.send("GET", "/reports?location")).body
    )
    old = await raw.send("GET", "/old?location", region="us-east-1")
    assert b"<LocationConstraint xmlns=" in old.body
    assert b"us-east-1" not in old.body


async def test_list_of_buckets(raw, sdk):
    """Region and ARN appear with a paging parameter; a confined caller sees its own account."""
    plain = await sdk("list_buckets")
    assert [found["Name"] for found in plain["Buckets"]] == ["foreign", "old", "reports"]
    assert "BucketRegion" not in plain["Buckets"][0]
    paged = await sdk("list_buckets", MaxBuckets=1, Prefix="o")
    assert [found["BucketRegion"] for found in paged["Buckets"]] == ["us-east-1"]
    more = await sdk("list_buckets", MaxBuckets=1)
    rest = await sdk("list_buckets", ContinuationToken=more["ContinuationToken"])
    assert [found["Name"] for found in rest["Buckets"]] == ["old", "reports"]
    assert (await raw.send("GET", "/?max-buckets=0")).code == "InvalidArgument"
    confined = await raw.send("GET", "/", **CONFINED)
    assert b"reports" in confined.body
    assert b"foreign" not in confined.body


async def test_accounts(raw):
    """A caller with an account does not reach another account's bucket; its region it learns."""
    assert (await raw.send("GET", "/reports", **CONFINED)).status == 200
    assert (await raw.send("GET", "/foreign", **CONFINED)).code == "AccessDenied"
    head = await raw.send("HEAD", "/foreign", **CONFINED)
    assert (head.status, head.headers["x-amz-bucket-region"]) == (403, "eu-central-1")


async def test_small_answers(sdk):
    """Versioning and the ACL have minimal answers."""
    assert "Status" not in await sdk("get_bucket_versioning", Bucket="reports")
    grants = (await sdk("get_bucket_acl", Bucket="reports"))["Grants"]
    assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL"]
