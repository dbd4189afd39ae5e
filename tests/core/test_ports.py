"""The records that cross the ports: values, and no secret in their text."""

from gateway.core.ports import KnownKey, Principal, UpstreamRequest
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
