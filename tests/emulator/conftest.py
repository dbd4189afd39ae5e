"""A running emulator, a real SDK in front of it, and a signer for the requests no SDK sends."""

import asyncio
import hashlib
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import boto3
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from yarl import URL

from gateway.emulator import EmulatedBucket, Emulator

KEY_ID = "AKIDEMULATOR"
SECRET = "emulator-secret"
REGION = "eu-central-1"
OWNER = "111122223333"
STRANGER = "444455556666"

VALID = (
    '<InventoryConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Destination>'
    "<S3BucketDestination><Bucket>arn:aws:s3:::inventories</Bucket><Format>CSV</Format>"
    "</S3BucketDestination></Destination><IsEnabled>true</IsEnabled><Id>inv-1</Id>"
    "<IncludedObjectVersions>All</IncludedObjectVersions><Schedule><Frequency>Daily</Frequency>"
    "</Schedule></InventoryConfiguration>"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back to a raw request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self):
        """The members of the error document."""
        return {child.tag: child.text for child in ET.fromstring(self.body)}  # noqa: S314 - own

    @property
    def code(self):
        """The code of the error document."""
        return self.error["Code"]


class Raw:
    """Sends requests byte for byte, signed by botocore unless told otherwise."""

    def __init__(self, url, session):
        self.url = url
        self.session = session

    async def send(
        self,
        method,
        target,
        body=b"",
        headers=None,
        *,
        key_id=KEY_ID,
        secret=SECRET,
        region=REGION,
        hashed=None,
        at=None,
        unsigned=None,
        presigned=False,
        sign=True,
        send_body=None,
        send_target=None,
    ):
        """One request; what is `unsigned` or starts with `send_` comes in after signing."""
        url = self.url + target
        request = AWSRequest(method=method, url=url, headers=headers or {})
        if not presigned:  # botocore would move a body into the query
            request.data = body
        if sign:
            request, _ = signed(
                request, key_id=key_id, secret=secret, region=region, hashed=hashed, at=at,
                presigned=presigned,
            )  # fmt: skip
        return await self.wire(
            method,
            request.url if send_target is None else self.url + send_target,
            {**dict(request.headers.items()), **(unsigned or {})},
            body if send_body is None else send_body,
        )

    async def wire(self, method, url, headers, body):
        """One request exactly as given."""
        skip = ("Content-Type", "User-Agent", "Accept", "Accept-Encoding")
        async with self.session.request(
            method,
            URL(url, encoded=True),
            headers=headers,
            data=body or None,
            skip_auto_headers=skip,
            allow_redirects=False,
        ) as response:
            return Reply(
                response.status,
                {name.lower(): value for name, value in response.headers.items()},
                await response.read(),
            )


def signed(
    request, *, key_id=KEY_ID, secret=SECRET, region=REGION, hashed=None, at=None, presigned=False
):
    """A request signed by botocore for a given time, and the signer."""
    at = at or datetime.now(UTC)
    request.context["timestamp"] = at.strftime("%Y%m%dT%H%M%SZ")
    credentials = Credentials(key_id, secret)
    auth = (
        S3SigV4QueryAuth(credentials, "s3", region, expires=60)
        if presigned
        else S3SigV4Auth(credentials, "s3", region)
    )
    if not presigned:
        body = request.data or b""
        request.headers["X-Amz-Date"] = request.context["timestamp"]
        request.headers["X-Amz-Content-SHA256"] = hashed or hashlib.sha256(body).hexdigest()
    else:
        auth._modify_request_before_signing(request)
    text = auth.string_to_sign(request, auth.canonical_request(request))
    auth._inject_signature_to_request(request, auth.signature(text, request))
    return request, auth


@pytest.fixture
async def emulator():
    """Two buckets of one owner in two regions, one of a stranger."""
    buckets = [
        EmulatedBucket(name="reports", region=REGION, owner=OWNER),
        EmulatedBucket(name="old", region="us-east-1", owner=OWNER),
        EmulatedBucket(name="foreign", region=REGION, owner=STRANGER),
    ]
    credentials = {KEY_ID: SECRET, "AKIDCONFINED": "confined", "ASIATEMPORARY": "temporary"}
    async with Emulator(
        buckets=buckets,
        credentials=credentials,
        accounts={"AKIDCONFINED": OWNER},
        session_tokens={"ASIATEMPORARY": "the/token=="},
        virtual_host_suffix="s3.test",
    ) as running:
        yield running


@pytest.fixture
async def raw(emulator):
    """Raw requests to the emulator."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield Raw(emulator.url, session)


@pytest.fixture(scope="session")
def boto_session():
    """One session, so that the service model is loaded once."""
    return boto3.session.Session(
        aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET, region_name=REGION
    )


@pytest.fixture
def sdk(emulator, boto_session):
    """A real boto3 client, called from the event loop by the name of an operation."""
    client = boto_session.client(
        "s3",
        endpoint_url=emulator.url,
        config=Config(
            s3={"addressing_style": "path"},
            signature_version="s3v4",
            retries={"total_max_attempts": 1},
        ),
    )

    async def call(operation, **arguments):
        if operation == "client":
            return client
        return await asyncio.to_thread(getattr(client, operation), **arguments)

    yield call
    client.close()


@pytest.fixture
def sign():
    """The signer itself, for tests that build on the signature."""
    return signed


@pytest.fixture
def valid():
    """A minimal inventory configuration with the id `inv-1`."""
    return VALID


@pytest.fixture
def long_ago():
    """A moment outside the allowed skew."""
    return datetime.now(UTC) - timedelta(minutes=16)
