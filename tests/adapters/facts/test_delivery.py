"""The destination's policy, read from S3."""

import json

import pytest

from gateway.adapters.facts.delivery import BucketPolicy, DeliveryFact
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from tests.adapters.facts.test_clients import connect, emulator, keys, raw
from tests.adapters.test_bucket_facts_s3 import HOME, OWNER, PRINCIPAL, RawS3

__all__ = ["connect", "emulator", "keys", "raw"]

STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
SUBJECT = Subject(
    "source", HOME, "daily", destination="home", destination_region=HOME, destination_account=OWNER
)


async def test_policy_is_read_and_judged(connect, emulator):
    """With the owner that the destination must have."""
    emulator.buckets["home"].policy = json.dumps({"Statement": STATEMENT})
    fact = DeliveryFact(connect(emulator.url))
    reading = await fact.read(SUBJECT, PRINCIPAL)
    assert reading.members(SUBJECT) == {
        "/destination/delivery": {"allowed": True, "reason": "statement 1 allows it"}
    }
    [request] = emulator.requests
    assert request.target == "/home?policy"
    assert dict(request.headers)["x-amz-expected-bucket-owner"] == OWNER


async def test_bucket_without_a_policy_is_an_answer(connect, emulator):
    """The most common reason why a report never arrives."""
    emulator.buckets["home"].policy = ""
    fact = DeliveryFact(connect(emulator.url))
    reading = await fact.read(SUBJECT, PRINCIPAL)
    assert reading == BucketPolicy("")
    assert reading.members(SUBJECT) == {
        "/destination/delivery": {"allowed": False, "reason": "the bucket has no policy"}
    }


async def test_bucket_of_somebody_else_is_denied(connect, emulator):
    """S3 compares the owner."""
    emulator.buckets["home"].owner = "999988887777"
    with pytest.raises(FactUnknown, match="denied"):
        await DeliveryFact(connect(emulator.url)).read(SUBJECT, PRINCIPAL)


async def test_answer_without_a_policy_is_no_answer(connect, raw: RawS3):
    """That there is none is told by a code, and never by silence."""
    with pytest.raises(FactUnknown, match="error"):
        await DeliveryFact(connect(raw.url)).read(SUBJECT, PRINCIPAL)


def test_policy_that_cannot_be_judged_is_unknown():
    """Garbage, for one."""
    with pytest.raises(FactUnknown, match="undecided"):
        BucketPolicy("{").members(SUBJECT)


async def test_answer_depends_on_the_destination(connect):
    """And on nothing of the configuration, so that it is kept for all of them."""
    fact = DeliveryFact(connect("http://127.0.0.1:9"))
    assert fact.about(SUBJECT) == ("home", HOME, OWNER)
    assert fact.about(Subject("source", HOME, "daily")) is None
    assert (fact.fact, fact.kept) == (Fact.DELIVERY, True)
