"""Credentials and scopes: how they are read, and what they never show."""

import pytest

from gateway.core.errors import AuthenticationError
from gateway.core.sigv4.credential import Credential, CredentialScope, ScopedAccessKey


@pytest.mark.parametrize(
    ("text", "key", "date", "region", "service"),
    [
        ("AKID/20260101/us-east-1/s3/aws4_request", "AKID", "20260101", "us-east-1", "s3"),
        ("a/b/20260101/eu-1/s3/aws4_request", "a/b", "20260101", "eu-1", "s3"),
    ],
    ids=["plain", "access-key-id-with-a-slash"],
)
def test_scope_is_read_from_the_right_when_well_formed(
    text: str, key: str, date: str, region: str, service: str
):
    """An access key id may hold slashes; the scope may not."""
    scoped = ScopedAccessKey.read(text, "AuthorizationHeaderMalformed")
    assert ScopedAccessKey(key, CredentialScope(date, region, service)) == scoped
    assert text == f"{scoped.access_key_id}/{scoped.scope}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AKID",
        "AKID/20260101/us-east-1/s3",
        "/20260101/us-east-1/s3/aws4_request",
        "AKID//us-east-1/s3/aws4_request",
        "AKID/20260101//s3/aws4_request",
        "AKID/20260101/us-east-1/s3/aws5_request",
        "AKID/20260101/us-east-1/s3/aws4_request/",
        "A" * 224 + "/20260101/us-east-1/s3/aws4_request",
    ],
)
def test_credential_is_refused_under_its_own_code_when_malformed(text: str):
    """Header and query form have a code each."""
    with pytest.raises(AuthenticationError) as caught:
        ScopedAccessKey.read(text, "AuthorizationQueryParametersError")
    assert ("AuthorizationQueryParametersError", 400) == (caught.value.code, caught.value.status)


def test_secret_stays_hidden_when_a_credential_is_printed():
    """Secrets must not reach a log by way of repr."""
    text = repr(Credential("AKID", "the-secret", "the-token"))
    assert "Credential(access_key_id='AKID')" == text
