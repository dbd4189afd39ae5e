"""The source's inventories, read from S3."""

import pytest

from gateway.adapters.facts.configurations import ConfigurationsFact
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from tests.adapters.facts.test_clients import connect, emulator, keys, raw
from tests.adapters.test_bucket_facts_s3 import HOME, PRINCIPAL, RawS3

__all__ = ["connect", "emulator", "keys", "raw"]

SUBJECT = Subject("home", HOME, "daily")
ITEM = (
    "<InventoryConfiguration><Id>{id}</Id><IsEnabled>true</IsEnabled><New>1</New>"
    "<IncludedObjectVersions>All</IncludedObjectVersions>"
    "<Destination><S3BucketDestination><Bucket>arn:aws:s3:::reports</Bucket><Format>CSV</Format>"
    "<Encryption><SSE-KMS><KeyId>k</KeyId></SSE-KMS></Encryption></S3BucketDestination>"
    "</Destination><OptionalFields><Field>Size</Field></OptionalFields>"
    "<Schedule><Frequency>Daily</Frequency></Schedule></InventoryConfiguration>"
)


def shape(name: str) -> dict[str, object]:
    """The same in boto3's shape, without the member that nobody knows."""
    destination = {
        "Bucket": "arn:aws:s3:::reports",
        "Format": "CSV",
        "Encryption": {"SSEKMS": {"KeyId": "k"}},
    }
    return {
        "Id": name,
        "IsEnabled": True,
        "IncludedObjectVersions": "All",
        "OptionalFields": ["Size"],
        "Schedule": {"Frequency": "Daily"},
        "Destination": {"S3BucketDestination": destination},
    }


def hold(emulator, *names: str) -> None:
    """Have the emulator hold these."""
    emulator.buckets["home"].inventories = {name: ITEM.format(id=name).encode() for name in names}


async def test_all_are_read_and_the_one_in_question_is_found(connect, emulator):
    """What S3 holds now under the id is the previous configuration."""
    hold(emulator, "daily", "weekly")
    reading = await ConfigurationsFact(connect(emulator.url)).read(SUBJECT, PRINCIPAL)
    assert reading.members(SUBJECT) == {
        "/source/inventories": [shape("daily"), shape("weekly")],
        "/previous_configuration": shape("daily"),
    }
    other = reading.members(Subject("home", HOME, "monthly"))
    assert other["/previous_configuration"] is None


async def test_none_is_an_answer(connect, emulator):
    """An empty list says that somebody looked."""
    reading = await ConfigurationsFact(connect(emulator.url)).read(SUBJECT, PRINCIPAL)
    assert reading.members(SUBJECT) == {"/source/inventories": [], "/previous_configuration": None}


async def test_all_pages_are_read(connect, emulator):
    """As many as a bucket can have."""
    hold(emulator, *(f"inventory-{number:04}" for number in range(1000)))
    reading = await ConfigurationsFact(connect(emulator.url)).read(SUBJECT, PRINCIPAL)
    assert len(reading.held) == 1000
    assert len(emulator.requests) == 10


@pytest.mark.parametrize(
    ("body", "requests"),
    [
        pytest.param("<R/>", 1, id="empty"),
        pytest.param("<R><IsTruncated>true</IsTruncated></R>", 1, id="no-token"),
        pytest.param(
            "<R><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></R>",
            10,
            id="endless",
        ),
        pytest.param(
            "<R><InventoryConfiguration/><IsTruncated>false</IsTruncated></R>", 1, id="no-id"
        ),
    ],
)
async def test_part_of_a_list_is_unknown(connect, raw: RawS3, body: str, requests: int):
    """A rule that counts would count too few."""
    raw.body = body
    with pytest.raises(FactUnknown, match="error"):
        await ConfigurationsFact(connect(raw.url)).read(SUBJECT, PRINCIPAL)
    assert len(raw.requests) == requests


async def test_more_than_there_can_be_is_unknown(connect, raw: RawS3):
    """The question has no room for it."""
    items = "".join(ITEM.format(id=f"i-{number}") for number in range(1001))
    raw.body = f"<R>{items}<IsTruncated>false</IsTruncated></R>"
    with pytest.raises(FactUnknown, match="error"):
        await ConfigurationsFact(connect(raw.url)).read(SUBJECT, PRINCIPAL)


async def test_denied_is_unknown(connect, emulator):
    """And not a bucket without inventories."""
    emulator.denied_reads.add("inventory")
    with pytest.raises(FactUnknown, match="denied"):
        await ConfigurationsFact(connect(emulator.url)).read(SUBJECT, PRINCIPAL)


async def test_list_is_read_anew_for_every_decision(connect):
    """What was written a moment ago must be seen."""
    fact = ConfigurationsFact(connect("http://127.0.0.1:9"))
    assert fact.about(SUBJECT) == ("home", HOME)
    assert fact.about(Subject("home", "", "daily")) is None
    assert (fact.fact, fact.kept) == (Fact.CONFIGURATIONS, False)
