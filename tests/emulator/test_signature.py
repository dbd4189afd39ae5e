"""Who is believed: signatures in headers and queries, against AWS's published examples too."""

from datetime import UTC, datetime

import aiohttp
import pytest
from aiobotocore.session import get_session
from botocore.awsrequest import AWSRequest
from yarl import URL

from gateway.emulator import EmulatedBucket, Emulator


async def test_aws_example_of_a_signed_get():
    """The GET Object example of the AWS page on signing by header verifies (and finds no key)."""
    moment = datetime(2013, 5, 24, tzinfo=UTC)
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    buckets = [EmulatedBucket(name="examplebucket")]
    headers = {
        "Host": "examplebucket.s3.amazonaws.com",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
        "aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        "Range": "bytes=0-9",
        "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-amz-date": "20130524T000000Z",
    }
    async with (
        Emulator(
            buckets,
            {"AKIAIOSFODNN7EXAMPLE": secret},
            virtual_host_suffix="s3.amazonaws.com",
            clock=lambda: moment,
        ) as emulator,
        aiohttp.ClientSession() as session,
    ):
        url = URL(emulator.url + "/test.txt", encoded=True)
        async with session.get(url, headers=headers) as response:
            assert "NoSuchKey" in await response.text()
        async with session.get(url, headers=headers | {"Range": "bytes=0-8"}) as response:
            assert "SignatureDoesNotMatch" in await response.text()


async def test_unknown_key(raw):
    """An access key id nobody knows."""
    reply = await raw.send("GET", "/reports", key_id="AKIDNOBODY")
    assert (reply.status, reply.code) == (403, "InvalidAccessKeyId")
    assert reply.error["AWSAccessKeyId"] == "AKIDNOBODY"


async def test_wrong_secret(raw):
    """A wrong secret; the answer shows the canonical request, as S3's does."""
    reply = await raw.send("GET", "/reports?b=2&a=%2F", secret="guessed")
    assert (reply.status, reply.code) == (403, "SignatureDoesNotMatch")
    assert reply.error["CanonicalRequest"].startswith("GET\n/reports\na=%2F&b=2\n")


async def test_unsigned(raw):
    """No signature at all."""
    reply = await raw.send("GET", "/reports", sign=False)
    assert (reply.status, reply.code) == (403, "AccessDenied")


async def test_unsigned_amz_header(raw):
    """A header somebody added on the way is refused."""
    reply = await raw.send("GET", "/reports", unsigned={"x-amz-acl": "public-read"})
    assert (reply.status, reply.code) == (403, "AccessDenied")
    assert reply.error["HeadersNotSigned"] == "x-amz-acl"


async def test_skew(raw, long_ago):
    """More than fifteen minutes apart."""
    reply = await raw.send("GET", "/reports", at=long_ago)
    assert (reply.status, reply.code) == (403, "RequestTimeTooSkewed")


async def test_tampered_query(raw, sign, emulator):
    """A query changed after signing."""
    request, _ = sign(AWSRequest(method="DELETE", url=f"{emulator.url}/reports?inventory&id=a"))
    reply = await raw.wire("DELETE", f"{emulator.url}/reports?id=a", dict(request.headers), b"")
    assert (reply.status, reply.code) == (403, "SignatureDoesNotMatch")
    assert "reports" in emulator.buckets


async def test_wrong_region(raw):
    """The scope must name the region of the bucket."""
    reply = await raw.send("GET", "/reports", region="us-east-1")
    assert (reply.status, reply.code) == (400, "AuthorizationHeaderMalformed")
    assert reply.error["Region"] == "eu-central-1"
    assert reply.headers["x-amz-bucket-region"] == "eu-central-1"
    assert reply.error["Message"].endswith("'us-east-1' is wrong; expecting 'eu-central-1'")


async def test_region_of_the_service(raw):
    """The list of buckets may be signed for any region that has one."""
    assert (await raw.send("GET", "/", region="us-east-1")).status == 200
    assert (await raw.send("GET", "/", region="eu-central-1")).status == 200
    assert (await raw.send("GET", "/", region="mars-1")).code == "AuthorizationHeaderMalformed"


async def test_the_asynchronous_sdk_finds_the_region(emulator):
    """aiobotocore, pointed at the wrong region, signs again for the one it is told."""
    session = get_session()
    async with session.create_client(
        "s3",
        endpoint_url=emulator.url,
        region_name="us-east-1",
        aws_access_key_id="AKIDEMULATOR",
        aws_secret_access_key="emulator-secret",
    ) as client:
        found = await client.head_bucket(Bucket="reports", ExpectedBucketOwner="111122223333")
        assert found["BucketRegion"] == "eu-central-1"
        await client.put_object(Bucket="reports", Key="k", Body=b"x")
    assert emulator.buckets["reports"].objects["k"].body == b"x"


async def test_presigned(raw, long_ago):
    """A presigned request works, until it expires, and not with another secret."""
    assert (await raw.send("PUT", "/reports/k", b"x", presigned=True)).status == 200
    expired = await raw.send("GET", "/reports/k", presigned=True, at=long_ago)
    assert (expired.status, expired.error["Message"]) == (403, "Request has expired")
    forged = await raw.send("GET", "/reports/k", presigned=True, secret="guessed")
    assert forged.code == "SignatureDoesNotMatch"


async def test_presigned_by_the_sdk(sdk, raw):
    """The URL an SDK makes."""
    client = await sdk("client")
    await sdk("put_object", Bucket="reports", Key="a b+c", Body=b"x")
    url = client.generate_presigned_url("get_object", {"Bucket": "reports", "Key": "a b+c"})
    assert (await raw.wire("GET", url, {}, b"")).body == b"x"


async def test_session_token(raw):
    """Temporary credentials must bring their token, others must not have one."""
    temporary = {"key_id": "ASIATEMPORARY", "secret": "temporary"}
    token = {"x-amz-security-token": "the/token=="}
    assert (await raw.send("GET", "/reports", headers=token, **temporary)).status == 200
    assert (await raw.send("GET", "/reports", **temporary)).code == "InvalidToken"
    assert (await raw.send("GET", "/reports", headers=token)).code == "InvalidToken"


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("AWS AKIDEMULATOR:signature", "InvalidRequest"),
        ("Bearer token", "AuthorizationHeaderMalformed"),
        ("AWS4-HMAC-SHA256 Credential=x", "AuthorizationHeaderMalformed"),
    ],
)
async def test_other_schemes(raw, authorization, code):
    """Signature Version 2, bearer tokens and fragments are refused."""
    reply = await raw.send("GET", "/reports", sign=False, headers={"Authorization": authorization})
    assert (reply.status, reply.code) == (400, code)


async def test_raw_path_is_signed(raw, emulator):
    """Nothing is normalised between the wire and the key."""
    for target, key in [
        ("/reports/../x", "../x"),
        ("/reports//", "/"),
        ("/reports/a/./b//c/", "a/./b//c/"),
        ("/reports/a+b%2Bc%20d", "a+b+c d"),
        ("/reports/%C3%BC%F0%9F%98%80", "ü😀"),
        ("/reports/%2E%2E%2Fx%3F", "../x?"),
    ]:
        assert (await raw.send("PUT", target, key.encode())).status == 200
        assert emulator.buckets["reports"].objects[key].body == key.encode()
        assert (await raw.send("GET", target)).body == key.encode()


async def test_virtual_host(raw, emulator):
    """The bucket in the Host header."""
    port = emulator.url.rpartition(":")[2]
    headers = {"Host": f"reports.s3.test:{port}"}
    assert (await raw.send("PUT", "/old/key", b"x", headers)).status == 200
    assert list(emulator.buckets["reports"].objects) == ["old/key"]
    assert (await raw.send("GET", "/?inventory", b"", headers)).status == 200
