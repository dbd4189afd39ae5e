"""Where a bucket is, once S3 has said that it is not here; relay and gate act on it."""

import pytest

from gateway.core.errors import AccessDenied, CredentialsUnavailable, FactsUnavailable
from gateway.core.s3.address import Bucket, Object, Root, S3Path
from gateway.core.s3.endpoint import Endpoint
from gateway.pipeline.elsewhere import find_elsewhere
from tests.support.fakes import FakeBucketFacts
from tests.support.stage import known

HOME, AWAY = "eu-central-1", "ap-south-1"
TEMPLATE = "https://s3.{region}.amazonaws.com"
ANYWHERE = Endpoint(TEMPLATE)
ANA = known().principal


async def find(facts: FakeBucketFacts, endpoint: Endpoint, path: S3Path) -> str | None:
    """Ask about a path after a request to the Region that is home."""
    return await find_elsewhere(facts, endpoint, path, ANA, HOME)


@pytest.mark.parametrize(
    ("endpoint", "path", "told", "expected"),
    [
        pytest.param(ANYWHERE, Bucket("b"), AWAY, AWAY, id="bucket"),
        pytest.param(ANYWHERE, Object("b", "k", "k"), AWAY, AWAY, id="object"),
        pytest.param(ANYWHERE, Object("b", "k", "k"), HOME, None, id="the-same"),
        pytest.param(ANYWHERE, Object("b", "k", "k"), "", None, id="unknown"),
        pytest.param(Endpoint(TEMPLATE, HOME), Bucket("b"), AWAY, None, id="configured"),
        pytest.param(Endpoint(TEMPLATE, regions=("ap-*",)), Bucket("b"), AWAY, AWAY, id="listed"),
        pytest.param(ANYWHERE, Root(), AWAY, None, id="no-bucket"),
    ],
)
async def test_only_facts_say_where_a_bucket_is(
    endpoint: Endpoint, path: S3Path, told: str, expected: str | None
) -> None:
    """I8: another Region, if there is one."""
    facts = FakeBucketFacts({"b": HOME})
    facts.moved["b"] = told
    assert await find(facts, endpoint, path) == expected


@pytest.mark.parametrize("told", ["us-west-2", "evil.example/", "ap-south-1.evil"])
async def test_a_region_that_may_not_be_gone_to_is_told(told: str) -> None:
    """I8: not on the list, or no name at all."""
    facts = FakeBucketFacts({"b": HOME})
    facts.moved["b"] = told
    with pytest.raises(AccessDenied):
        await find(facts, Endpoint(TEMPLATE, regions=("eu-*", "ap-*", "evil*")), Bucket("b"))


async def test_nobody_knows_while_facts_cannot_be_had() -> None:
    """S3's own answer then stands."""
    facts = FakeBucketFacts({"b": HOME})
    facts.fault = FactsUnavailable("facts_timeout")
    assert await find(facts, ANYWHERE, Bucket("b")) is None


async def test_missing_credentials_are_a_fault_of_their_own() -> None:
    """A retry could not be signed either."""
    facts = FakeBucketFacts({"b": HOME})
    facts.fault = CredentialsUnavailable("credentials_none")
    with pytest.raises(CredentialsUnavailable):
        await find(facts, ANYWHERE, Bucket("b"))
