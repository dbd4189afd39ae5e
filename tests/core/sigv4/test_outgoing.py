"""What the gateway signs itself, held against botocore and against its own verifier."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.s3.address import Hosts
from gateway.core.s3.endpoint import Endpoint
from gateway.core.s3.query import parse_query
from gateway.core.s3.request import read_request
from gateway.core.sigv4.claim import read_claim
from gateway.core.sigv4.credential import Credential
from gateway.core.sigv4.outgoing import Signed, sign_request
from gateway.core.sigv4.signature import signature_holds
from gateway.core.sigv4.validity import check_validity
from tests.support.strategies import ACCESS_KEY, REGION, SECRET, Wire, requests

NOW = datetime(2026, 11, 20, 10, 0, 0, tzinfo=UTC)
ENDPOINT = Endpoint("https://s3.{region}.amazonaws.com")
SHA = "x-amz-content-sha256"


def _sign(wire: Wire, token: str | None = None, payload: str = "UNSIGNED-PAYLOAD") -> Signed:
    return sign_request(
        wire.method,
        ENDPOINT,
        REGION,
        wire.path,
        parse_query(wire.query),
        [(name.lower(), value) for name, value in wire.headers],
        payload,
        credential=Credential(ACCESS_KEY, SECRET, token),
        now=NOW,
    )


@given(requests, st.none() | st.text("abc/+=", min_size=1, max_size=9))
def test_signature_is_botocores_when_it_signs_the_same(wire: Wire, token: str | None):
    """Same URL, same headers, same moment: same signature."""
    signed = _sign(wire, token)
    request = AWSRequest(method=wire.method, url=signed.url)
    for name, value in signed.headers:
        if name not in {"authorization", "user-agent", "accept"}:
            request.headers.add_header(name, value)
    request.context["timestamp"] = signed.timestamp
    auth = S3SigV4Auth(Credentials(ACCESS_KEY, SECRET, token), "s3", REGION)
    # its canonical query takes the tokens as they are: the strategy's are canonical already
    text = auth.string_to_sign(request, auth.canonical_request(request))
    assert auth.signature(text, request) == signed.signature


@given(requests, st.none() | st.text("abc/+=", min_size=1, max_size=9))
def test_request_verifies_when_the_gateway_signed_it(wire: Wire, token: str | None):
    """verify(sign(r)) holds, and every x-amz-* header is signed."""
    signed = _sign(wire, token)
    target = signed.url.removeprefix(ENDPOINT.url(REGION))
    hosts = Hosts(names=("s3.*.amazonaws.com",))
    claim = read_claim(read_request(wire.method, target, signed.headers, hosts))
    check_validity(claim, NOW, (REGION,))
    assert token == claim.session_token
    assert signature_holds(
        claim.signable,
        claim.canonical_payload,
        signed.timestamp,
        signed.scope,
        SECRET,
        claim.signature,
    )


def test_secrets_stay_hidden_when_a_signed_head_is_printed():
    """I5: neither the gateway's token nor its signature."""
    signed = _sign(Wire("GET", "/bucket", "", ()), token="the-token")
    assert "the-token" not in repr(signed)
    assert signed.signature not in repr(signed)


def test_target_is_what_was_given_when_signed():
    """Nothing is normalised: dot segments, slashes and raw tokens stay."""
    wire = Wire("GET", "/bucket//a/../%7e", "b&a=%2f", ())
    signed = _sign(wire)
    assert "https://s3.eu-central-1.amazonaws.com/bucket//a/../%7e?b&a=%2f" == signed.url
    assert "s3.eu-central-1.amazonaws.com" == urlsplit(signed.url).netloc


def test_head_is_complete_when_signed():
    """Host first, Authorization last, payload and moment as given."""
    wire = Wire("PUT", "/bucket", "", (("User-Agent", "x"), ("x-amz-acl", "private")))
    signed = _sign(wire, payload="0" * 64)
    names = [name for name, _ in signed.headers]
    values = dict(signed.headers)
    assert ["host", "x-amz-date", SHA, "user-agent", "x-amz-acl", "authorization"] == names
    assert ("20261120T100000Z", "0" * 64) == (values["x-amz-date"], values[SHA])
    assert (
        "SignedHeaders=host;x-amz-acl;x-amz-content-sha256;x-amz-date," in values["authorization"]
    )
    assert signed.url.endswith("/bucket")
