"""The destination's account, looked up in the organisation."""

import json
from dataclasses import replace

import pytest

from gateway.adapters.facts.accounts import AccountsFact
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from tests.adapters.facts.test_clients import connect, keys, raw
from tests.adapters.test_bucket_facts_s3 import HOME, OWNER, READER, RawS3

__all__ = ["connect", "keys", "raw"]

SUBJECT = Subject(
    "source", HOME, "daily", destination="home", destination_region=HOME, destination_account=OWNER
)


@pytest.mark.parametrize(
    ("status", "answer", "ours"),
    [
        pytest.param(200, {"Account": {"Id": OWNER, "State": "ACTIVE"}}, True, id="active"),
        pytest.param(200, {"Account": {"Id": OWNER, "Status": "ACTIVE"}}, True, id="old-member"),
        pytest.param(
            200,
            {"Account": {"Id": OWNER, "State": "SUSPENDED", "Status": "ACTIVE"}},
            False,
            id="suspended",
        ),
        pytest.param(200, {"Account": {"Id": OWNER}}, False, id="without-a-word"),
        pytest.param(400, {"__type": "AccountNotFoundException"}, False, id="not-ours"),
    ],
)
async def test_account_is_ours_or_not(connect, raw: RawS3, status: int, answer, ours: bool):
    """Asked by the gateway itself, whoever the principal is, and where Organizations is."""
    raw.status, raw.body = status, json.dumps(answer)
    fact = AccountsFact(connect("http://127.0.0.1:9", "eu-*", others={"organizations": raw.url}))
    reading = await fact.read(SUBJECT, READER)
    assert reading.members(SUBJECT) == {"/destination/in_organisation": ours}
    [request] = raw.requests
    assert "AKID/" in request.headers["Authorization"]
    assert "/us-east-1/organizations/" in request.headers["Authorization"]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, '{"__type": "AccessDeniedException"}', "denied"),
        (400, '{"__type": "AWSOrganizationsNotInUseException"}', "error"),
        (400, '{"__type": "TooManyRequestsException"}', "throttled"),
        (200, "{}", "error"),
    ],
)
async def test_failure_is_unknown(connect, raw: RawS3, status: int, body: str, reason: str):
    """And not a stranger."""
    raw.status, raw.body = status, body
    fact = AccountsFact(connect("http://127.0.0.1:9", others={"organizations": raw.url}))
    with pytest.raises(FactUnknown) as caught:
        await fact.read(SUBJECT, READER)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("subject", "about"),
    [
        pytest.param(SUBJECT, OWNER, id="confirmed"),
        pytest.param(replace(SUBJECT, destination_account=""), None, id="not-confirmed"),
        pytest.param(replace(SUBJECT, destination_region="us-isob-east-1"), None, id="partition"),
        pytest.param(Subject("source", HOME, "daily"), None, id="removal"),
    ],
)
async def test_answer_depends_on_the_account(connect, subject: Subject, about: str | None):
    """Of a destination whose owner S3 has confirmed."""
    fact = AccountsFact(connect("http://127.0.0.1:9"))
    assert fact.about(subject) == about
    assert (fact.fact, fact.kept) == (Fact.ACCOUNTS, True)
