"""The readers of facts against moto: S3, KMS, CloudWatch and Organizations that are not our own."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

from gateway.adapters.aws_session import staying_session
from gateway.adapters.credentials_aws import StaticUpstreamCredentials
from gateway.adapters.facts.clients import AwsClients
from gateway.adapters.facts.readers import fact_readers
from gateway.core.inventory.configuration import SseKms
from gateway.core.policy.fact import FACTS, Fact, Subject, operations
from gateway.core.ports import Principal
from gateway.core.s3.endpoint import Endpoint
from gateway.core.s3.operations import DEFAULT_GROUPS
from gateway.core.sigv4.credential import Credential

REGION, ACCOUNT = "eu-central-1", "123456789012"
PRINCIPAL = Principal("team", ("*",), DEFAULT_GROUPS)
SOURCE, DESTINATION = "acme-orders", "acme-inventory"
STATEMENT = {
    "Effect": "Allow",
    "Principal": {"Service": "s3.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": f"arn:aws:s3:::{DESTINATION}/*",
    "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
}


def now() -> datetime:
    """The time: moto keeps what was measured lately."""
    return datetime.now(UTC)


def furnish(url: str) -> str:
    """Two buckets with all that can be known about them, and a key."""

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id="AKID",
            aws_secret_access_key="secret",
        )

    s3, kms = client("s3"), client("kms")
    client("organizations").create_organization()  # the caller's account is one of it
    for bucket in (SOURCE, DESTINATION):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for key in ("a", "b", "c"):  # moto reports them to its CloudWatch
        s3.put_object(Bucket=SOURCE, Key=key, Body=b"")
    s3.put_bucket_policy(Bucket=DESTINATION, Policy=json.dumps({"Statement": [STATEMENT]}))
    block = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
    s3.put_public_access_block(
        Bucket=DESTINATION, PublicAccessBlockConfiguration=dict.fromkeys(block, True)
    )
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(
        Bucket=DESTINATION, ServerSideEncryptionConfiguration={"Rules": [default]}
    )
    s3.put_bucket_tagging(Bucket=SOURCE, Tagging={"TagSet": [{"Key": "owner", "Value": "data"}]})
    s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_inventory_configuration(
        Bucket=SOURCE,
        Id="daily",
        InventoryConfiguration={
            "Id": "daily",
            "IsEnabled": True,
            "IncludedObjectVersions": "All",
            "Schedule": {"Frequency": "Daily"},
            "Destination": {
                "S3BucketDestination": {"Bucket": f"arn:aws:s3:::{DESTINATION}", "Format": "CSV"}
            },
        },
    )
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "kms:GenerateDataKey",
        "Resource": "*",
    }
    made = kms.create_key(Policy=json.dumps({"Statement": [statement]}))
    return str(made["KeyMetadata"]["Arn"])


@pytest.fixture(scope="module")
def moto() -> Iterator[tuple[str, str]]:
    """The server's URL and the key."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    with urlopen(Request(f"{url}/moto-api/reset", method="POST")):  # noqa: S310 - it is http
        pass  # servers of one process share what they hold
    yield url, furnish(url)
    server.stop()


@pytest.fixture
async def clients(moto: tuple[str, str]) -> AsyncIterator[AwsClients]:
    """With nothing in memory but what the facts ask."""
    url, _ = moto
    services = dict.fromkeys(("kms", "cloudwatch", "organizations"), url)
    made = AwsClients(
        staying_session(operations(Fact)),
        StaticUpstreamCredentials(Credential("AKID", "secret")),
        Endpoint(url),
        others=services,
        timeout=30,
    )
    yield made
    await made.close()


EXPECTED: dict[Fact, Any] = {
    Fact.DELIVERY: {"allowed": True, "reason": "statement 1 allows it"},
    Fact.KEY_POLICY: {"allowed": True, "reason": "statement 1 allows it"},
    Fact.PUBLIC_ACCESS: True,
    Fact.DEFAULT_ENCRYPTION: "SSE-KMS",
    Fact.TAGS: {"owner": "data"},
    Fact.VERSIONING: "Enabled",
    Fact.OBJECT_COUNT: 3,
    Fact.ACCOUNTS: True,
}


@pytest.mark.parametrize("fact", Fact)
async def test_fact_is_read(moto: tuple[str, str], clients: AwsClients, fact: Fact):
    """From a server that was made without us in mind."""
    _, key = moto
    subject = Subject(
        source=SOURCE,
        source_region=REGION,
        inventory_id="daily",
        source_account=ACCOUNT,
        destination=DESTINATION,
        destination_region=REGION,
        destination_account=ACCOUNT,
        encryption=SseKms(key),
    )
    [reader] = fact_readers([fact], clients, now)
    assert reader.about(subject) is not None
    members = (await reader.read(subject, PRINCIPAL)).members(subject)
    assert set(members) == set(FACTS[fact].members)
    if fact is Fact.CONFIGURATIONS:
        previous = members["/previous_configuration"]
        assert members["/source/inventories"] == [previous]
        assert dict(previous)["Id"] == "daily"  # type: ignore[call-overload]
    else:
        assert set(map(str, members.values())) == {str(EXPECTED[fact])}
