"""The key's policy, read from KMS."""

import json

import pytest

from gateway.adapters.facts.key_policy import KeyPolicy, KeyPolicyFact
from gateway.core.inventory.configuration import SseKms
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from tests.adapters.facts.test_clients import connect, emulator, keys, raw
from tests.adapters.test_bucket_facts_s3 import HOME, OWNER, PRINCIPAL, RawS3

__all__ = ["connect", "emulator", "keys", "raw"]

KEY = f"arn:aws:kms:{HOME}:{OWNER}:key/1111aaaa-22bb-33cc-44dd-5555eeee6666"
STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}


def subject(key: str = KEY) -> Subject:
    """A report that is encrypted with the key."""
    return Subject(
        "source",
        HOME,
        "daily",
        destination="home",
        destination_region=HOME,
        encryption=SseKms(key),
    )


async def test_policy_is_read_and_judged(connect, raw: RawS3):
    """In the destination's Region, as the principal."""
    raw.body = json.dumps({"Policy": json.dumps({"Statement": STATEMENT})})
    fact = KeyPolicyFact(connect("http://127.0.0.1:9", others={"kms": raw.url}))
    reading = await fact.read(subject(), PRINCIPAL)
    assert reading.members(subject()) == {
        "/destination/key_policy": {"allowed": True, "reason": "statement 1 allows it"}
    }
    [request] = raw.requests
    assert request.headers["X-Amz-Target"] == "TrentService.GetKeyPolicy"
    assert "AKID/" in request.headers["Authorization"]
    assert f"/{HOME}/kms/" in request.headers["Authorization"]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, '{"__type": "AccessDeniedException"}', "denied"),
        (400, '{"__type": "ThrottlingException"}', "throttled"),
        (400, '{"__type": "NotFoundException"}', "error"),
        (200, "{}", "error"),
        (200, '{"Policy": 1}', "error"),
        (200, "[", "error"),
    ],
)
async def test_failure_is_unknown(connect, raw: RawS3, status: int, body: str, reason: str):
    """A key of another account, for one."""
    raw.status, raw.body = status, body
    fact = KeyPolicyFact(connect("http://127.0.0.1:9", others={"kms": raw.url}))
    with pytest.raises(FactUnknown) as caught:
        await fact.read(subject(), PRINCIPAL)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("1111aaaa-22bb-33cc-44dd-5555eeee6666", id="id"),
        pytest.param("alias/reports", id="alias"),
        pytest.param(f"arn:aws:kms:{HOME}:{OWNER}:alias/reports", id="alias-arn"),
        pytest.param(KEY.replace(HOME, "us-east-1"), id="other-region"),
        pytest.param(KEY.replace(HOME, "evil.example/"), id="no-region"),
        pytest.param(KEY + "\n", id="line-break"),
        pytest.param(KEY.replace("kms", "s3"), id="other-service"),
    ],
)
async def test_key_that_is_not_plainly_there_is_not_asked_about(connect, key: str):
    """What a client writes chooses neither Region nor host."""
    fact = KeyPolicyFact(connect("http://127.0.0.1:9"))
    assert fact.about(subject(key)) is None


async def test_answer_depends_on_the_key(connect):
    """A report that is encrypted otherwise needs none."""
    fact = KeyPolicyFact(connect("http://127.0.0.1:9"))
    assert fact.about(subject()) == KEY
    assert fact.about(Subject("source", HOME, "daily")) is None
    assert (fact.fact, fact.kept) == (Fact.KEY_POLICY, True)


def test_policy_that_cannot_be_judged_is_unknown():
    """Garbage, for one."""
    with pytest.raises(FactUnknown, match="undecided"):
        KeyPolicy("{").members(subject())
