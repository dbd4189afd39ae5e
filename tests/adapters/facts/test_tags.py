"""The source's tags, read from S3."""

import pytest

from gateway.adapters.facts.tags import TagsFact
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from tests.adapters.facts.test_clients import connect, emulator, keys, raw
from tests.adapters.test_bucket_facts_s3 import HOME, PRINCIPAL, RawS3

__all__ = ["connect", "emulator", "keys", "raw"]

SUBJECT = Subject("home", HOME, "daily")
TWICE = "<Tag><Key>a</Key><Value>1</Value></Tag>" * 2


@pytest.mark.parametrize("tags", [{}, {"owner": "data & co", "classification": ""}])
async def test_tags_are_read(connect, emulator, tags: dict[str, str]):
    """A bucket without tags is known to have none."""
    emulator.buckets["home"].tags = tags
    reading = await TagsFact(connect(emulator.url)).read(SUBJECT, PRINCIPAL)
    assert reading.members(SUBJECT) == {"/source/tags": tags}
    assert emulator.requests[0].target == "/home?tagging"


async def test_text_is_made_plain(connect, emulator):
    """I19: one bounded line."""
    emulator.buckets["home"].tags = {"a\nb": "c" * 9000}
    reading = await TagsFact(connect(emulator.url)).read(SUBJECT, PRINCIPAL)
    assert reading.members(SUBJECT) == {"/source/tags": {"a?b": "c" * 256}}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("<Tagging/>", id="no-set"),
        pytest.param("<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>", id="no-value"),
        pytest.param(f"<Tagging><TagSet>{TWICE}</TagSet></Tagging>", id="twice"),
    ],
)
async def test_garbage_is_unknown(connect, raw: RawS3, body: str):
    """And not a bucket without tags."""
    raw.body = body
    with pytest.raises(FactUnknown, match="error"):
        await TagsFact(connect(raw.url)).read(SUBJECT, PRINCIPAL)


async def test_more_tags_than_there_can_be_are_unknown(connect, emulator):
    """S3 takes fifty."""
    emulator.buckets["home"].tags = {str(number): "" for number in range(65)}
    with pytest.raises(FactUnknown, match="error"):
        await TagsFact(connect(emulator.url)).read(SUBJECT, PRINCIPAL)


async def test_denied_is_unknown(connect, emulator):
    """And not a bucket without tags."""
    emulator.denied_reads.add("tagging")
    with pytest.raises(FactUnknown, match="denied"):
        await TagsFact(connect(emulator.url)).read(SUBJECT, PRINCIPAL)


async def test_answer_depends_on_the_source(connect):
    """Nobody knows where to ask while its Region is not known."""
    fact = TagsFact(connect("http://127.0.0.1:9"))
    assert fact.about(SUBJECT) == ("home", HOME)
    assert fact.about(Subject("home", "", "daily")) is None
    assert (fact.fact, fact.kept) == (Fact.TAGS, True)
