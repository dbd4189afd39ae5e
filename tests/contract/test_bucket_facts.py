"""What every source of bucket facts does, the fake one included."""

import itertools
from collections.abc import AsyncIterator

import pytest

from gateway.adapters.aws_session import staying_session
from gateway.adapters.bucket_facts_s3 import S3BucketFacts
from gateway.adapters.credentials_aws import StaticUpstreamCredentials
from gateway.core.errors import FactsUnavailable
from gateway.core.policy.input import BucketFact
from gateway.core.ports import BucketFacts, Principal
from gateway.core.s3.operations import DEFAULT_GROUPS
from gateway.core.sigv4.credential import Credential
from gateway.emulator import EmulatedBucket, Emulator
from tests.support.fakes import FakeBucketFacts

PRINCIPAL = Principal("team", ("*",), DEFAULT_GROUPS)
HOME, ELSEWHERE = "eu-central-1", "us-west-2"
OWNER, STRANGER = "111122223333", "999988887777"


def known(bucket: str, region: str, account: str, *, owner_verified: bool) -> BucketFact:
    """The fact of a bucket that was asked about with an owner."""
    return BucketFact(bucket, region, known=True, account=account, owner_verified=owner_verified)


@pytest.fixture(params=["s3", "fake"])
async def facts(request: pytest.FixtureRequest) -> AsyncIterator[BucketFacts]:
    """Each implementation in turn: a bucket at home, one elsewhere, one that hides itself."""
    if request.param == "fake":
        regions = {"home": HOME, "elsewhere": ELSEWHERE, "hidden": HOME}
        fake = FakeBucketFacts(regions, dict.fromkeys(regions, OWNER))
        fake.unreadable.add("hidden")
        fake.remembers = True
        yield fake
        return
    buckets = [
        EmulatedBucket(name="home", region=HOME, owner=OWNER),
        EmulatedBucket(name="elsewhere", region=ELSEWHERE, owner=OWNER),
        EmulatedBucket(name="hidden", region=HOME, owner=OWNER),
    ]
    async with Emulator(buckets=buckets, credentials={"AKID": "secret"}) as emulator:
        emulator.hide_region.add("hidden")
        ticks = itertools.count()
        s3 = await S3BucketFacts(
            staying_session(),
            StaticUpstreamCredentials(Credential("AKID", "secret")),
            HOME,
            stopwatch=lambda: next(ticks) * 1e-6,
            endpoint_url=emulator.url,
        ).open()
        yield s3
        await s3.close()


@pytest.mark.parametrize(
    ("bucket", "owner", "expected"),
    [
        ("home", "", BucketFact("home", HOME, known=True)),
        ("home", OWNER, known("home", HOME, OWNER, owner_verified=True)),
        ("home", STRANGER, known("home", HOME, STRANGER, owner_verified=False)),
        ("elsewhere", "", BucketFact("elsewhere", ELSEWHERE, known=True)),
        ("elsewhere", OWNER, known("elsewhere", ELSEWHERE, OWNER, owner_verified=True)),
        ("elsewhere", STRANGER, known("elsewhere", ELSEWHERE, STRANGER, owner_verified=False)),
        ("absent", "", BucketFact("absent", exists=False)),
        ("absent", OWNER, BucketFact("absent", exists=False, account=OWNER)),
        ("hidden", OWNER, BucketFact("hidden", account=OWNER)),
    ],
)
async def test_fact(facts: BucketFacts, bucket: str, owner: str, expected: BucketFact):
    """The same answer, the first time and the second."""
    for _ in range(2):
        assert await facts.look_up(bucket, PRINCIPAL, expected_owner=owner) == expected


@pytest.mark.parametrize("owner", ["", OWNER], ids=["no-owner", "owner"])
async def test_fact_is_recalled_once_it_was_looked_up(facts: BucketFacts, owner: str):
    """For the owner that was asked about, and for no other."""
    assert facts.recall("home", PRINCIPAL, expected_owner=owner) is None
    fact = await facts.look_up("home", PRINCIPAL, expected_owner=owner)
    assert facts.recall("home", PRINCIPAL, expected_owner=owner) == fact
    assert facts.recall("home", PRINCIPAL, expected_owner=STRANGER) is None
    assert facts.recall("elsewhere", PRINCIPAL, expected_owner=owner) is None


async def test_fact_stays_when_its_region_is_doubted_without_reason(facts: BucketFacts):
    """S3 says the same as before, or is not asked at all."""
    before = await facts.look_up("home", PRINCIPAL)
    for doubt in (HOME, ELSEWHERE):
        assert await facts.look_up("home", PRINCIPAL, not_in=doubt) == before


async def test_fake_raises_the_fault_it_was_given():
    """The faults of the real one have a file of their own."""
    fake = FakeBucketFacts({"home": HOME})
    fake.fault = FactsUnavailable("facts_timeout")
    with pytest.raises(FactsUnavailable):
        await fake.look_up("home", PRINCIPAL)
