"""The destination's default encryption, read from S3."""

import pytest

from gateway.adapters.facts.default_encryption import DefaultEncryptionFact
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from tests.adapters.facts.test_clients import connect, emulator, keys, raw
from tests.adapters.test_bucket_facts_s3 import HOME, OWNER, PRINCIPAL, RawS3

__all__ = ["connect", "emulator", "keys", "raw"]

SUBJECT = Subject(
    "source", HOME, "daily", destination="home", destination_region=HOME, destination_account=OWNER
)
NONE = "<Error><Code>ServerSideEncryptionConfigurationNotFoundError</Code></Error>"
EMPTY = "<ServerSideEncryptionConfiguration/>"


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [("AES256", "SSE-S3"), ("aws:kms", "SSE-KMS"), ("aws:kms:dsse", "DSSE-KMS")],
)
async def test_algorithm_has_the_name_that_policy_knows(connect, emulator, algorithm, name):
    """With the owner that the destination must have."""
    emulator.buckets["home"].encryption = (algorithm, "")
    reading = await DefaultEncryptionFact(connect(emulator.url)).read(SUBJECT, PRINCIPAL)
    assert reading.members(SUBJECT) == {"/destination/default_encryption": name}
    assert dict(emulator.requests[0].headers)["x-amz-expected-bucket-owner"] == OWNER


async def test_no_default_is_an_answer(connect, raw: RawS3):
    """Other servers than AWS have none."""
    raw.status, raw.body = 404, NONE
    reading = await DefaultEncryptionFact(connect(raw.url)).read(SUBJECT, PRINCIPAL)
    assert reading.members(SUBJECT) == {"/destination/default_encryption": ""}


@pytest.mark.parametrize("body", ["", EMPTY])
async def test_garbage_is_unknown(connect, raw: RawS3, body: str):
    """An answer without a rule says nothing."""
    raw.body = body
    with pytest.raises(FactUnknown, match="error"):
        await DefaultEncryptionFact(connect(raw.url)).read(SUBJECT, PRINCIPAL)


async def test_unheard_of_algorithm_is_unknown(connect, emulator):
    """Policy knows no name for it."""
    emulator.buckets["home"].encryption = ("ROT13", "")
    with pytest.raises(FactUnknown, match="error"):
        await DefaultEncryptionFact(connect(emulator.url)).read(SUBJECT, PRINCIPAL)


async def test_answer_depends_on_the_destination(connect):
    """And on nothing of the configuration."""
    fact = DefaultEncryptionFact(connect("http://127.0.0.1:9"))
    assert fact.about(SUBJECT) == ("home", HOME, OWNER)
    assert fact.about(Subject("source", HOME, "daily")) is None
    assert (fact.fact, fact.kept) == (Fact.DEFAULT_ENCRYPTION, True)
