"""The records that cross the ports: values, and no secret in their text."""

from datetime import UTC, datetime

from gateway.core.ports import (
    NO_METRICS,
    DecisionRecord,
    KnownKey,
    Principal,
    Stage,
    UpstreamRequest,
)
from gateway.core.s3.operations import Group
from gateway.core.sigv4.credential import Credential


def test_secrets_stay_hidden_when_a_known_key_is_printed():
    """A store may log what it found."""
    principal = Principal("alice", ("*",), frozenset({Group.OBJECTS}))
    key = KnownKey(Credential("AKID", "the-secret", "the-token"), principal)
    assert "AKID" in repr(key)
    assert "the-secret" not in repr(key)
    assert "the-token" not in repr(key)


def test_headers_stay_hidden_when_an_upstream_request_is_printed():
    """They hold the gateway's own Authorization and session token."""
    headers = (("authorization", "the-signature"), ("x-amz-security-token", "the-token"))
    request = UpstreamRequest("PUT", "https://s3.example/bucket", headers)
    assert "https://s3.example/bucket" in repr(request)
    assert "the-signature" not in repr(request)
    assert "the-token" not in repr(request)


def test_who_does_not_count_is_told_all_the_same() -> None:
    """The null object takes every call, and nothing comes of it."""
    metrics = NO_METRICS
    metrics.request("GetObject", "objects", 200, 0.1, "bucket")
    metrics.stage(Stage.UPSTREAM, 0.1)
    metrics.journal_error("journal_write")
    metrics.decision(
        DecisionRecord(
            decision_id="d",
            timestamp=datetime(2026, 1, 1, tzinfo=UTC),
            request_id="r",
            principal="p",
            action="a",
            bucket="b",
            inventory_id="i",
            allow=True,
            revision="v",
            input={},
            result={},
        )
    )
