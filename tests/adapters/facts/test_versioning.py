"""The source's versioning, read from S3."""

import pytest

from gateway.adapters.facts.versioning import VersioningFact
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from tests.adapters.facts.test_clients import connect, emulator, keys, raw
from tests.adapters.test_bucket_facts_s3 import HOME, PRINCIPAL, RawS3

__all__ = ["connect", "emulator", "keys", "raw"]

SUBJECT = Subject("home", HOME, "daily")


@pytest.mark.parametrize("status", ["", "Enabled", "Suspended"])
async def test_status_is_read(connect, emulator, status: str):
    """Empty where it was never switched on."""
    emulator.buckets["home"].versioning = status
    reading = await VersioningFact(connect(emulator.url)).read(SUBJECT, PRINCIPAL)
    assert reading.members(SUBJECT) == {"/source/versioning": status}


async def test_unheard_of_status_is_unknown(connect, emulator):
    """Policy knows three."""
    emulator.buckets["home"].versioning = "Perhaps"
    with pytest.raises(FactUnknown, match="error"):
        await VersioningFact(connect(emulator.url)).read(SUBJECT, PRINCIPAL)


async def test_throttled_is_unknown(connect, raw: RawS3):
    """After two attempts."""
    raw.status, raw.body = 503, "<Error><Code>SlowDown</Code></Error>"
    with pytest.raises(FactUnknown, match="throttled"):
        await VersioningFact(connect(raw.url)).read(SUBJECT, PRINCIPAL)


async def test_answer_depends_on_the_source(connect):
    """Nobody knows where to ask while its Region is not known."""
    fact = VersioningFact(connect("http://127.0.0.1:9"))
    assert fact.about(SUBJECT) == ("home", HOME)
    assert fact.about(Subject("home", "", "daily")) is None
    assert (fact.fact, fact.kept) == (Fact.VERSIONING, True)
