"""The clients of facts: who signs, where they go, and what becomes of every failure."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gateway.adapters.aws_session import staying_session
from gateway.adapters.facts.clients import AwsClients, owned
from gateway.core.policy.fact import Fact, FactUnknown, operations
from gateway.core.s3.endpoint import Endpoint
from gateway.emulator import EmulatedBucket, Emulator
from tests.adapters.test_bucket_facts_s3 import HOME, PRINCIPAL, READER, Keys, RawS3, keys, raw

__all__ = ["keys", "raw"]

POLICY = '{"Statement": []}'


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """The strict one."""
    buckets = [EmulatedBucket(name="home", region=HOME, policy=POLICY), EmulatedBucket("plain")]
    async with Emulator(
        buckets=buckets,
        credentials={"AKID": "secret", "AKIDREADER": "secret"},
        session_tokens={"AKIDREADER": "token"},
    ) as server:
        yield server


@pytest.fixture
async def connect(keys: Keys) -> AsyncIterator[Callable[..., AwsClients]]:
    """Clients towards an S3; closed at the end."""
    async with AsyncExitStack() as stack:

        def clients(url: str, *regions: str, region: str | None = None, **more: Any) -> AwsClients:
            made = AwsClients(
                staying_session(operations(Fact)),
                keys,
                Endpoint(url, region, regions or ("*",)),
                **more,
            )
            stack.push_async_callback(made.close)
            return made

        yield clients


async def policy_of(
    clients: AwsClients, bucket: str = "home", region: str = HOME, **options: Any
) -> Mapping[str, Any] | None:
    """A bucket's policy."""
    principal = options.pop("principal", PRINCIPAL)
    return await clients.call(
        "s3", region, "get_bucket_policy", principal, {"Bucket": bucket}, **options
    )


async def test_request_is_signed_with_the_credential_of_its_principal(connect, emulator: Emulator):
    """Two roles at once through one client, each with its own key and token."""
    clients = connect(emulator.url)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(policy_of(clients, principal=principal))
            for principal in (PRINCIPAL, READER)
        ]
    assert [dict(task.result() or {})["Policy"] for task in tasks] == [POLICY, POLICY]
    signed = [str(request.headers) for request in emulator.requests]
    assert sorted("AKIDREADER/" in headers for headers in signed) == [False, True]


async def test_request_goes_to_the_region_it_is_made_for(connect, emulator: Emulator):
    """One client for each Region."""
    clients = connect(emulator.url)
    assert await policy_of(clients) is not None
    assert await policy_of(clients, "plain", "us-east-1", none="NoSuchBucketPolicy") is None


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1.evil.example", "", "EU-west-1"])
async def test_region_that_is_not_on_the_list_is_not_asked(connect, raw: RawS3, region: str):
    """I8: nothing is signed for it."""
    with pytest.raises(FactUnknown, match="region"):
        await policy_of(connect(raw.url, "eu-*"), region=region)
    assert raw.requests == []


async def test_region_that_is_configured_may_be_called_anything(connect, raw: RawS3):
    """As other servers do."""
    await policy_of(connect(raw.url, region="garage"), region="garage")
    assert len(raw.requests) == 1


@pytest.mark.parametrize(
    ("status", "headers", "body", "reason"),
    [
        pytest.param(403, {}, "<Error><Code>AccessDenied</Code></Error>", "denied", id="denied"),
        pytest.param(403, {}, "", "denied", id="denied-without-a-word"),
        pytest.param(
            400, {}, "<Error><Code>AccessDeniedException</Code></Error>", "denied", id="kms-denied"
        ),
        pytest.param(503, {}, "<Error><Code>SlowDown</Code></Error>", "throttled", id="slow-down"),
        pytest.param(
            400, {}, "<Error><Code>ThrottlingException</Code></Error>", "throttled", id="throttled"
        ),
        pytest.param(404, {}, "<Error><Code>NoSuchBucket</Code></Error>", "error", id="absent"),
        pytest.param(500, {}, "", "error", id="internal"),
        pytest.param(400, {}, "<Error", "error", id="garbage"),
        pytest.param(301, {"Location": "{canary}"}, "", "error", id="location"),
        pytest.param(307, {"Location": "{canary}"}, "", "error", id="redirected"),
        pytest.param(301, {"x-amz-bucket-region": "us-west-2"}, "", "error", id="elsewhere"),
    ],
)
async def test_failure_is_an_unknown_fact(
    connect, raw: RawS3, emulator: Emulator, status: int, headers: dict[str, str], body: str,
    reason: str,
):  # fmt: skip
    """And no answer chooses a host."""
    raw.status, raw.body = status, body
    raw.headers = {name: value.format(canary=emulator.url) for name, value in headers.items()}
    with pytest.raises(FactUnknown) as caught:
        await policy_of(connect(raw.url), none="NoSuchBucketPolicy")
    assert caught.value.reason == reason
    assert emulator.requests == []
    assert len(raw.requests) <= 2


async def test_silence_is_a_timeout(connect, raw: RawS3):
    """A black hole."""
    raw.delay = 30
    with pytest.raises(FactUnknown, match="timeout"):
        await policy_of(connect(raw.url, timeout=0.05))


async def test_refused_connection_is_unreachable(connect):
    """Nobody listens."""
    with pytest.raises(FactUnknown, match="unreachable"):
        await policy_of(connect("http://127.0.0.1:9"))


async def test_request_without_a_credential_of_its_own_is_never_signed(connect, raw: RawS3):
    """Not even with the placeholder: nothing is sent at all."""
    client = await connect(raw.url)._client("s3", HOME)
    with pytest.raises(LookupError):
        await client.get_bucket_policy(Bucket="bucket")
    assert raw.requests == []


async def test_other_services_have_endpoints_of_their_own(connect, raw: RawS3):
    """S3's is not theirs."""
    clients = connect("http://127.0.0.1:9", others={"sts": raw.url})
    with pytest.raises(FactUnknown):
        await clients.call("sts", HOME, "get_caller_identity", PRINCIPAL, {})
    [request] = raw.requests
    assert "AKID/" in request.headers["Authorization"]
    elsewhere = await connect(raw.url)._client("sts", HOME)
    assert elsewhere.meta.endpoint_url == f"https://sts.{HOME}.amazonaws.com"


def test_owner_is_expected_where_it_is_known():
    """S3 refuses to speak of anybody else's bucket."""
    assert owned("b", "") == {"Bucket": "b"}
    assert owned("b", "1" * 12) == {"Bucket": "b", "ExpectedBucketOwner": "1" * 12}
