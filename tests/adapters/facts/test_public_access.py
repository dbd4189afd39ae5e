"""The destination's public access block, read from S3."""

import pytest

from gateway.adapters.facts.public_access import PublicAccessFact
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from tests.adapters.facts.test_clients import connect, emulator, keys, raw
from tests.adapters.test_bucket_facts_s3 import HOME, OWNER, PRINCIPAL, RawS3

__all__ = ["connect", "emulator", "keys", "raw"]

PARTS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
SUBJECT = Subject(
    "source", HOME, "daily", destination="home", destination_region=HOME, destination_account=OWNER
)


@pytest.mark.parametrize(
    ("block", "blocked"),
    [
        pytest.param(None, False, id="never-configured"),
        pytest.param(dict.fromkeys(PARTS, True), True, id="all-four"),
        pytest.param(dict.fromkeys(PARTS, True) | {PARTS[2]: False}, False, id="three"),
        pytest.param({PARTS[0]: True}, False, id="one"),
    ],
)
async def test_all_four_parts_count(
    connect, emulator, block: dict[str, bool] | None, blocked: bool
):
    """With the owner that the destination must have."""
    emulator.buckets["home"].public_access_block = block
    reading = await PublicAccessFact(connect(emulator.url)).read(SUBJECT, PRINCIPAL)
    assert reading.members(SUBJECT) == {"/destination/public_access_blocked": blocked}
    assert dict(emulator.requests[0].headers)["x-amz-expected-bucket-owner"] == OWNER


async def test_denied_is_unknown(connect, emulator):
    """And not an open bucket."""
    emulator.denied_reads.add("publicAccessBlock")
    with pytest.raises(FactUnknown, match="denied"):
        await PublicAccessFact(connect(emulator.url)).read(SUBJECT, PRINCIPAL)


async def test_garbage_is_unknown(connect, raw: RawS3):
    """An empty answer says nothing."""
    with pytest.raises(FactUnknown, match="error"):
        await PublicAccessFact(connect(raw.url)).read(SUBJECT, PRINCIPAL)


async def test_answer_depends_on_the_destination(connect):
    """And on nothing of the configuration."""
    fact = PublicAccessFact(connect("http://127.0.0.1:9"))
    assert fact.about(SUBJECT) == ("home", HOME, OWNER)
    assert fact.about(Subject("source", HOME, "daily")) is None
    assert (fact.fact, fact.kept) == (Fact.PUBLIC_ACCESS, True)
