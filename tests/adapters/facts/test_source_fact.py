"""Facts about the bucket that is listed."""

import pytest

from gateway.adapters.facts.source_fact import SourceFact
from gateway.core.policy.fact import Subject
from tests.adapters.facts.test_clients import connect, keys

__all__ = ["connect", "keys"]


@pytest.mark.parametrize(
    ("subject", "about"),
    [
        pytest.param(Subject("home", "eu-west-1", "a"), ("home", "eu-west-1"), id="known"),
        pytest.param(Subject("home", "", "a"), None, id="nobody knows where it is"),
        pytest.param(
            Subject("home", "eu-west-1", "b", destination="away"), ("home", "eu-west-1"), id="else"
        ),
    ],
)
async def test_answers_go_by_bucket_and_region(connect, subject: Subject, about: object):
    """Whatever is asked for; two buckets, or one in two Regions, share none."""
    assert SourceFact(connect("http://127.0.0.1:9")).about(subject) == about
