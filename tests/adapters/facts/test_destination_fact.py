"""Facts about the bucket that receives reports."""

import pytest

from gateway.adapters.facts.destination_fact import DestinationFact
from gateway.core.policy.fact import Subject
from tests.adapters.facts.test_clients import connect, keys

__all__ = ["connect", "keys"]

ACCOUNT = "111122223333"


def _to(bucket: str, region: str = "eu-west-1", account: str = "") -> Subject:
    return Subject(
        "home",
        "eu-west-1",
        "daily",
        destination=bucket,
        destination_region=region,
        destination_account=account,
    )


@pytest.mark.parametrize(
    ("subject", "about"),
    [
        pytest.param(_to("away"), ("away", "eu-west-1", ""), id="owner not confirmed"),
        pytest.param(_to("away", account=ACCOUNT), ("away", "eu-west-1", ACCOUNT), id="confirmed"),
        pytest.param(_to("away", region=""), ("away", "", ""), id="region not known"),
        pytest.param(_to(""), None, id="removal"),
    ],
)
async def test_answers_go_by_bucket_region_and_owner(connect, subject: Subject, about: object):
    """What was asked of a bucket whose owner was confirmed is nobody else's answer."""
    assert DestinationFact(connect("http://127.0.0.1:9")).about(subject) == about
