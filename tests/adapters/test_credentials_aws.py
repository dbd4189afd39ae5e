"""Upstream credentials: the chain, a role per principal, one refresh at a time, and expiry.

STS is a small server here, so that what really goes over the wire is seen.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiobotocore.credentials import AioCredentials, AioRefreshableCredentials
from aiobotocore.session import AioSession
from aiohttp import web
from botocore.exceptions import MetadataRetrievalError

from gateway.adapters.credentials_aws import (
    AwsUpstreamCredentials,
    StaticUpstreamCredentials,
    session_name,
)
from gateway.core.errors import CredentialsUnavailable
from gateway.core.ports import Principal, UpstreamCredentials
from gateway.core.s3.operations import DEFAULT_GROUPS
from gateway.core.sigv4.credential import Credential

# Real time, because botocore has a clock of its own; tests move theirs relative to it.
START = datetime.now(UTC).replace(microsecond=0)
ROLE = "arn:aws:iam::111122223333:role/analytics"
OWN = Principal("gateway-user", ("*",), DEFAULT_GROUPS)
ANALYTICS = Principal("analytics-team", ("*",), DEFAULT_GROUPS, ROLE)
OTHER = Principal("other-team", ("*",), DEFAULT_GROUPS, ROLE)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """Read it."""
        return self.now

    def forward(self, **by: float) -> None:
        """Move it."""
        self.now += timedelta(**by)


class Sts:
    """AssumeRole: numbered credentials, good for `lifetime`, or a fault."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.requests: list[dict[str, str]] = []
        self.signers: list[str] = []
        self.lifetime = timedelta(hours=1)
        self.fault = ""
        self.delay = 0.0
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Assume a role."""
        form = parse_qs((await request.read()).decode())
        self.requests.append({name: values[0] for name, values in form.items()})
        self.signers.append(request.headers["Authorization"].split("Credential=")[1].split("/")[0])
        await asyncio.sleep(self.delay)
        if self.fault:
            text = f"<ErrorResponse><Error><Code>{self.fault}</Code></Error></ErrorResponse>"
            return web.Response(status=403, text=text, content_type="text/xml")
        number = len(self.requests)
        expiration = (self.clock.now + self.lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = (
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<AssumeRoleResult><Credentials><AccessKeyId>ASIA{number}</AccessKeyId>"
            f"<SecretAccessKey>s{number}</SecretAccessKey><SessionToken>t{number}</SessionToken>"
            f"<Expiration>{expiration}</Expiration></Credentials></AssumeRoleResult>"
            "</AssumeRoleResponse>"
        )
        return web.Response(text=text, content_type="text/xml")


class Chain(AioSession):  # type: ignore[misc]
    """A session whose chain finds what the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Any = AioCredentials("AKIDCHAIN", "secret")
        self.asked = 0
        self.delay = 0.0

    async def get_credentials(self) -> Any:
        """Run the chain."""
        self.asked += 1
        await asyncio.sleep(self.delay)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
async def sts(clock: Clock) -> AsyncIterator[Sts]:
    """STS on a socket."""
    fake = Sts(clock)
    runner = web.ServerRunner(web.Server(fake.answer, access_log=None))  # type: ignore[arg-type]
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = "http://{}:{}".format(*runner.addresses[0])
    yield fake
    await runner.cleanup()


@pytest.fixture
def chain() -> Chain:
    """A session."""
    return Chain()


@pytest.fixture
async def credentials(
    chain: Chain, sts: Sts, clock: Clock
) -> AsyncIterator[AwsUpstreamCredentials]:
    """What is tested."""
    opened = await AwsUpstreamCredentials.open(
        chain, "eu-central-1", clock=clock, sts_endpoint_url=sts.url
    )
    yield opened
    await opened.close()


async def reason(credentials: UpstreamCredentials, principal: Principal) -> str:
    """Why there are none."""
    with pytest.raises(CredentialsUnavailable) as caught:
        await credentials.for_principal(principal)
    return caught.value.reason


async def test_static_pair_is_for_principals_without_a_role():
    """A principal that has a role of its own must not act with the gateway's key."""
    pair = Credential("AKID", "secret")
    static = StaticUpstreamCredentials(pair)
    assert await static.for_principal(OWN) is pair
    assert await reason(static, ANALYTICS) == "credentials_no_role"
    await static.close()


async def test_opening_asks_nobody(credentials: AwsUpstreamCredentials, chain: Chain, sts: Sts):
    """The start of the gateway does not depend on IMDS or STS."""
    assert (chain.asked, sts.requests) == (0, [])
    assert credentials is not None


async def test_principal_without_role_gets_what_the_chain_found(
    credentials: AwsUpstreamCredentials, chain: Chain, sts: Sts
):
    """The same object, from memory, the second time."""
    first = await credentials.for_principal(OWN)
    assert first == Credential("AKIDCHAIN", "secret")
    assert await credentials.for_principal(OWN) is first
    assert (chain.asked, sts.requests) == (1, [])


async def test_role_is_assumed_in_the_name_of_the_principal(
    credentials: AwsUpstreamCredentials, sts: Sts
):
    """CloudTrail names the principal; the request is signed with the chain's key."""
    found = await credentials.for_principal(ANALYTICS)
    assert found == Credential("ASIA1", "s1", "t1")
    [request] = sts.requests
    assert request["Action"] == "AssumeRole"
    assert request["RoleArn"] == ROLE
    assert request["RoleSessionName"] == request["SourceIdentity"] == "analytics-team"
    assert sts.signers == ["AKIDCHAIN"]


async def test_principals_never_share_a_session(credentials: AwsUpstreamCredentials, sts: Sts):
    """The same role, two principals: two sessions."""
    first = await credentials.for_principal(ANALYTICS)
    second = await credentials.for_principal(OTHER)
    assert first.access_key_id != second.access_key_id
    assert [request["SourceIdentity"] for request in sts.requests] == [
        "analytics-team",
        "other-team",
    ]


async def test_fifty_callers_share_one_request(credentials: AwsUpstreamCredentials, sts: Sts):
    """Single flight, also if the one who started it goes away."""
    sts.delay = 0.05
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(credentials.for_principal(ANALYTICS)) for _ in range(50)]
        await asyncio.sleep(0.02)
        tasks[0].cancel()
    assert {task.result().access_key_id for task in tasks[1:]} == {"ASIA1"}
    assert len(sts.requests) == 1


async def test_cached_until_ten_minutes_before_expiry(
    credentials: AwsUpstreamCredentials, sts: Sts, clock: Clock
):
    """Then the old serve while the new are fetched."""
    await credentials.for_principal(ANALYTICS)
    clock.forward(minutes=49)
    assert (await credentials.for_principal(ANALYTICS)).access_key_id == "ASIA1"
    assert len(sts.requests) == 1
    clock.forward(minutes=2)
    assert (await credentials.for_principal(ANALYTICS)).access_key_id == "ASIA1"
    async with asyncio.timeout(2):
        while (await credentials.for_principal(ANALYTICS)).access_key_id == "ASIA1":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert len(sts.requests) == 2


async def test_failed_refresh_is_tolerated_until_expiry(
    credentials: AwsUpstreamCredentials, sts: Sts, clock: Clock
):
    """Old credentials serve as long as they are valid; expired ones are an error, then it heals."""
    await credentials.for_principal(ANALYTICS)
    sts.fault = "AccessDenied"
    clock.forward(minutes=55)
    for _ in range(5):
        assert (await credentials.for_principal(ANALYTICS)).access_key_id == "ASIA1"
        await asyncio.sleep(0.02)
    assert len(sts.requests) == 2  # no hammering
    clock.forward(minutes=5)
    assert await reason(credentials, ANALYTICS) == "credentials_role_denied"
    sts.fault = ""
    assert await reason(credentials, ANALYTICS) == "credentials_role_denied"  # the pause
    clock.forward(seconds=6)
    assert (await credentials.for_principal(ANALYTICS)).access_key_id == "ASIA4"


async def test_expired_credentials_are_an_error(credentials: AwsUpstreamCredentials, sts: Sts):
    """A source that hands out what has expired hands out nothing."""
    sts.lifetime = timedelta(seconds=-5)
    assert await reason(credentials, ANALYTICS) == "credentials_expired"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("AccessDenied", "credentials_role_denied"),
        ("RegionDisabledException", "credentials_sts"),
    ],
)
async def test_refusal_of_sts_has_a_constant_reason(
    credentials: AwsUpstreamCredentials, sts: Sts, fault: str, expected: str
):
    """What STS said is for the log, not for the client."""
    sts.fault = fault
    with pytest.raises(CredentialsUnavailable) as caught:
        await credentials.for_principal(ANALYTICS)
    assert caught.value.reason == expected
    assert fault in caught.value.detail
    assert fault not in caught.value.message


async def test_unreachable_sts_is_a_fault(chain: Chain, clock: Clock):
    """A refused connection is mapped too."""
    credentials = await AwsUpstreamCredentials.open(
        chain, "eu-central-1", clock=clock, sts_endpoint_url="http://127.0.0.1:9"
    )
    assert await reason(credentials, ANALYTICS) == "credentials_sts"
    await credentials.close()


async def test_settings_of_aws_that_cannot_be_used_are_told(monkeypatch: pytest.MonkeyPatch):
    """At the start, as what an operator can mend."""
    monkeypatch.setenv("AWS_PROFILE", "nonesuch")
    with pytest.raises(CredentialsUnavailable) as caught:
        await AwsUpstreamCredentials.open(AioSession(), "us-east-1", clock=Clock())
    assert caught.value.reason == "credentials_chain"
    assert "nonesuch" in caught.value.detail


async def test_empty_chain_is_an_error_and_never_anonymous(
    credentials: AwsUpstreamCredentials, chain: Chain, sts: Sts, clock: Clock
):
    """Neither for the gateway nor for a role; it heals after a pause."""
    chain.found = None
    assert await reason(credentials, OWN) == "credentials_none"
    assert await reason(credentials, ANALYTICS) == "credentials_none"
    assert sts.requests == []
    chain.found = AioCredentials("AKIDLATE", "secret")
    clock.forward(seconds=6)
    assert (await credentials.for_principal(OWN)).access_key_id == "AKIDLATE"
    await credentials.for_principal(ANALYTICS)
    assert sts.signers == ["AKIDLATE"]


@pytest.mark.parametrize("fault", [MetadataRetrievalError(error_msg="x"), OSError("x")])
async def test_fault_of_the_chain_has_a_constant_reason(
    credentials: AwsUpstreamCredentials, chain: Chain, fault: Exception
):
    """Every provider has exceptions of its own."""
    chain.found = fault
    assert await reason(credentials, OWN) == "credentials_chain"


async def test_refreshable_credentials_of_the_chain_are_refreshed(
    credentials: AwsUpstreamCredentials, chain: Chain, clock: Clock
):
    """IRSA, Pod Identity and IMDS: botocore refreshes when we ask, and we ask in time."""
    refreshes = 0

    async def refresh() -> dict[str, str]:
        nonlocal refreshes
        refreshes += 1
        return {
            "access_key": f"ASIA{refreshes}",
            "secret_key": "s",
            "token": "t",
            "expiry_time": (clock.now + timedelta(hours=6)).isoformat(),
        }

    chain.found = AioRefreshableCredentials.create_from_metadata(
        {**await refresh(), "expiry_time": (START + timedelta(minutes=5)).isoformat()},
        refresh_using=refresh,
        method="test",
    )
    assert (await credentials.for_principal(OWN)).access_key_id == "ASIA2"
    clock.forward(hours=5)
    assert (await credentials.for_principal(OWN)).access_key_id == "ASIA2"
    assert refreshes == 2


async def test_close_stops_a_refresh_under_way(chain: Chain, sts: Sts, clock: Clock):
    """Nothing is left running."""
    credentials = await AwsUpstreamCredentials.open(
        chain, "eu-central-1", clock=clock, sts_endpoint_url=sts.url
    )
    sts.delay = 30
    waiting = asyncio.gather(credentials.for_principal(ANALYTICS), return_exceptions=True)
    await asyncio.sleep(0.05)
    async with asyncio.timeout(2):
        await credentials.close()
        [answer] = await waiting
    assert isinstance(answer, asyncio.CancelledError | CredentialsUnavailable)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("analytics-team", "analytics-team"),
        ("team data/é\n", "team_data___"),
        ("x", "x_"),
        ("", "__"),
        ("n" * 70, "n" * 64),
    ],
)
def test_session_name_is_one_that_sts_takes(name: str, expected: str):
    """Two to sixty-four of the letters that STS knows."""
    assert session_name(name) == expected
