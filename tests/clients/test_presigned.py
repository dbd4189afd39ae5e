"""Presigned URLs: SigV4 works, boto3's default SigV2 is refused with the way out."""

import http.client
from contextlib import closing
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from tests.clients.http_client import error_in
from tests.clients.javascript_sdk import JavaScriptSdk

pytestmark = pytest.mark.client

BUCKET = "acme-orders-us"  # in the Region where botocore presigns with SigV2 by default
KEY = "presigned/a+b ü.txt"
BODY = b"by a URL alone"


@pytest.fixture
def stored(stage, boto3_for_us):
    """Return the key of an object that is there."""
    with closing(boto3_for_us()) as s3:
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=BODY)
    yield KEY
    stage.emulator.buckets[BUCKET].objects.pop(KEY, None)


@pytest.fixture
def boto3_for_us(stage):
    """Return a function that makes boto3's client, with a Config."""

    def make(**config):
        return boto3.client(
            "s3",
            endpoint_url=stage.url,
            region_name="us-east-1",
            aws_access_key_id=stage.key.access_key_id,
            aws_secret_access_key=stage.key.secret_access_key,
            config=Config(**config),
        )

    return make


def fetch(url: str) -> tuple[int, bytes]:
    """Get a URL as a browser would: with no header of its own that matters."""
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as connection:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        return answer.status, answer.read()


def presigned_by_boto3(s3, key: str) -> str:
    """Make a URL for GetObject."""
    with closing(s3):
        url: str = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key})
    return url


def test_sigv4_works(stored, boto3_for_us):
    """boto3 with signature_version="s3v4"."""
    url = presigned_by_boto3(boto3_for_us(signature_version="s3v4"), stored)
    assert "X-Amz-Signature=" in url
    assert fetch(url) == (200, BODY)


def test_sigv2_is_refused_with_the_way_out(stored, boto3_for_us):
    """boto3's default in us-east-1; whoever made the URL must read what to change."""
    url = presigned_by_boto3(boto3_for_us(), stored)
    assert "AWSAccessKeyId=" in url
    status, document = fetch(url)
    code, message = error_in(document)
    assert (status, code) == (400, "InvalidRequest")
    assert 'signature_version="s3v4"' in message


def test_a_url_covers_one_key_only(stored, boto3_for_us):
    """Another key under the same signature is refused."""
    url = presigned_by_boto3(boto3_for_us(signature_version="s3v4"), stored)
    status, document = fetch(url.replace("/presigned/", "/presigned2/"))
    assert (status, error_in(document)[0]) == (403, "SignatureDoesNotMatch")


def test_javascript_works(stored, stage, or_skip):
    """The JavaScript SDK's URL carries X-Amz-Content-Sha256 and x-id, all signed."""
    sdk = or_skip(lambda: JavaScriptSdk(stage.url, stage.key, region="us-east-1"))
    url = sdk.presigned_get(BUCKET, stored)
    assert "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD" in url
    assert fetch(url) == (200, BODY)
