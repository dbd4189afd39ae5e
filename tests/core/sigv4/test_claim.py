"""What a request says of its sender: one mechanism, taken apart, or refused in helpful words."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import GatewayError
from gateway.core.s3.address import Hosts
from gateway.core.s3.query import encode
from gateway.core.s3.request import read_request
from gateway.core.sigv4.claim import PRESIGN_PARAMETERS, Claim, read_claim
from gateway.core.sigv4.credential import CredentialScope
from gateway.core.sigv4.payload import SignedPayload, UndeclaredPayload, UnsignedPayload
from tests.support.strategies import (
    ACCESS_KEY,
    REGION,
    Wire,
    presigned_by_botocore,
    requests,
    signed_by_botocore,
)

HOSTS = Hosts(names=("gateway.example",))
PLAIN = Wire("PUT", "/bucket/key", "", (("x-amz-acl", "private"),), b"body")
HEADER = signed_by_botocore(PLAIN)
QUERY = presigned_by_botocore(PLAIN)


def _read(wire: Wire) -> Claim:
    return read_claim(read_request(wire.method, wire.target, wire.headers, HOSTS))


def _refusal(wire: Wire) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        _read(wire)
    return caught.value


def _with_query(wire: Wire, query: str) -> Wire:
    return Wire(wire.method, wire.path, query, wire.headers, wire.body)


def _authorization(change: Callable[[str], str]) -> Wire:
    return HEADER.with_header("Authorization", change(HEADER.header("Authorization")))


def test_claim_holds_every_part_when_the_header_is_signed():
    """As botocore put them there."""
    claim = _read(HEADER)
    signed = ("host", "x-amz-acl", "x-amz-content-sha256", "x-amz-date")
    assert "sigv4-header" == claim.mechanism
    assert ACCESS_KEY == claim.access_key.access_key_id
    assert CredentialScope(HEADER.header("X-Amz-Date")[:8], REGION) == claim.access_key.scope
    assert HEADER.header("X-Amz-Date") == claim.timestamp
    assert SignedPayload(HEADER.header("X-Amz-Content-SHA256")) == claim.payload
    assert (None, None) == (claim.session_token, claim.expires)
    assert signed == tuple(claim.signable.signed_headers)


def test_claim_holds_every_part_when_presigned():
    """The signature itself is no longer in what is signed."""
    claim = _read(QUERY)
    assert "sigv4-query" == claim.mechanism
    assert (3600, UnsignedPayload()) == (claim.expires, claim.payload)
    assert claim.signature in QUERY.query
    expected = PRESIGN_PARAMETERS - {
        "X-Amz-Signature",
        "X-Amz-Security-Token",
        "X-Amz-Content-Sha256",
    }
    assert expected == claim.signable.query.names


def test_secrets_stay_hidden_when_a_claim_is_printed():
    """I5: no signature and no token in a log."""
    for sign in (signed_by_botocore, presigned_by_botocore):
        claim = _read(sign(PLAIN, token="the-token"))
        assert claim.session_token == "the-token"
        assert "the-token" not in repr(claim)
        assert claim.signature not in repr(claim)


# --- exactly one mechanism ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        QUERY.query,
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "X-Amz-Signature=0",
        "X-Amz-Expires=60",
        "AWSAccessKeyId=a&Signature=b&Expires=1",
    ],
)
def test_request_is_refused_when_it_is_signed_in_two_places(query: str):
    """I2: a second one might be the one that another reader takes."""
    refusal = _refusal(_with_query(HEADER, query))
    assert ("InvalidArgument", True) == (
        refusal.code,
        refusal.message.startswith("Only one auth mechanism allowed"),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Amz-Security-Token", "t"), ("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")],
)
def test_hoisted_parameter_is_no_second_mechanism_when_the_header_is_signed(name: str, value: str):
    """These two may stand in the query; what counts is what the header signs."""
    wire = signed_by_botocore(Wire("PUT", "/bucket/key", f"{name}={value}", (), b"body"))
    claim = _read(wire)
    assert isinstance(claim.payload, SignedPayload)
    assert claim.session_token is None


@pytest.mark.parametrize(
    ("header", "code", "words"),
    [
        pytest.param("AWS AKID:sig", "InvalidRequest", "signed with SigV2", id="sigv2"),
        pytest.param("Bearer token", "InvalidRequest", "use HMAC", id="bearer"),
        pytest.param(
            "AWS4-ECDSA-P256-SHA256 Credential=a", "InvalidRequest", "SigV4A", id="sigv4a"
        ),
        pytest.param("Basic dTpw", "InvalidArgument", "Unsupported Authorization", id="basic"),
        pytest.param("", "InvalidArgument", "Unsupported Authorization", id="empty"),
        pytest.param("aws4-hmac-sha256 x", "InvalidArgument", "Unsupported", id="lower-case"),
        pytest.param("AWS4-HMAC-SHA256", "AuthorizationHeaderMalformed", "once each", id="bare"),
    ],
)
def test_scheme_is_refused_in_words_when_it_is_another(header: str, code: str, words: str):
    """Row 91: what to set is in the message."""
    refusal = _refusal(HEADER.with_header("Authorization", header))
    assert (code, True) == (refusal.code, words in refusal.message)


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        pytest.param("", "AccessDenied", "Anonymous requests are not allowed", id="row-94"),
        pytest.param(
            "AWSAccessKeyId=a&Expires=1&Signature=b", "InvalidRequest", "SigV2", id="row-91"
        ),
        pytest.param("Signature=b", "InvalidRequest", "SigV2", id="half-of-sigv2"),
        pytest.param(
            QUERY.query.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", 1),
            "InvalidRequest",
            "SigV4A",
            id="presigned-sigv4a",
        ),
        pytest.param(
            QUERY.query.replace("AWS4-HMAC-SHA256", "HMAC", 1),
            "InvalidArgument",
            "Unsupported",
            id="presigned-unknown",
        ),
    ],
)
def test_request_is_refused_in_words_when_the_header_is_missing(query: str, code: str, words: str):
    """Anonymous, SigV2 and SigV4A."""
    refusal = _refusal(_with_query(QUERY, query))
    assert (code, True) == (refusal.code, words in refusal.message)


def test_two_mechanisms_are_refused_when_both_are_in_the_query():
    """I2: exactly one mechanism; a presigned URL may not carry SigV2's parameters as well."""
    refusal = _refusal(_with_query(QUERY, QUERY.query + "&AWSAccessKeyId=a&Signature=b"))
    assert ("InvalidArgument", True) == (refusal.code, "Only one auth" in refusal.message)


# --- the header's form ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace("Credential=", "credential="), id="case"),
        pytest.param(lambda text: text.replace("Credential=", "X="), id="unknown-field"),
        pytest.param(lambda text: text + ", Signature=" + "0" * 64, id="field-twice"),
        pytest.param(lambda text: text + ",", id="empty-field"),
        pytest.param(lambda text: text.partition(", Signature")[0], id="no-signature"),
        pytest.param(lambda text: text.replace("SignedHeaders=host;", "X="), id="other-field"),
        pytest.param(lambda text: re.sub(r"SignedHeaders=[^,]*, ", "", text), id="two-fields"),
        pytest.param(lambda text: text.replace("Signature=", "Signature= "), id="inner-space"),
        pytest.param(lambda text: text[:-1], id="63-digits"),
        pytest.param(lambda text: text + "0", id="65-digits"),
        pytest.param(lambda text: text[:-2] + "AF", id="upper-case-digits"),
        pytest.param(lambda text: text.replace("/s3/", "/"), id="short-scope"),
        pytest.param(lambda text: text.replace("host;", ""), id="host-not-signed"),
        pytest.param(lambda text: text.replace("host;", "host;host;"), id="name-twice"),
        pytest.param(lambda text: text.replace("host;", "Host;"), id="name-in-upper-case"),
        pytest.param(lambda text: text.replace("=host;", "=host;;"), id="empty-name"),
        pytest.param(lambda text: text.replace("=host;", "=;host;"), id="empty-first-name"),
        pytest.param(
            lambda text: text.replace("x-amz-acl;x-amz-content-sha256", "x-amz-content-sha256"),
            id="only-the-header-unsigned",
        ),
        pytest.param(
            lambda text: text.replace("host;x-amz-acl", "x-amz-acl;host"), id="not-sorted"
        ),
    ],
)
def test_authorization_is_refused_when_malformed(change: Callable[[str], str]):
    """One form, read one way; what is left unsigned is another row below."""
    refusal = _refusal(_authorization(change))
    assert refusal.code in {"AuthorizationHeaderMalformed", "AccessDenied"}


def test_signed_header_may_be_absent_when_the_claim_is_read():
    """It counts as empty when the signature is verified, which is where S3 refuses it too."""
    claim = _read(_authorization(lambda text: text.replace("=host;", "=absent;host;")))
    assert "absent" in claim.signable.signed_headers


def test_authorization_is_read_when_it_has_no_spaces_after_commas():
    """s3cmd and minio-go write none."""
    claim = _read(_authorization(lambda text: text.replace(", ", ",")))
    assert _read(HEADER).signature == claim.signature
    assert _read(HEADER).access_key == claim.access_key


def test_request_is_refused_when_it_has_no_x_amz_date():
    """A Date header does not stand in for it."""
    refusal = _refusal(HEADER.minus_header("X-Amz-Date").plus_header("Date", "now"))
    assert ("AccessDenied", True) == (refusal.code, "x-amz-date" in refusal.message)


def test_payload_is_undeclared_when_old_curl_leaves_the_header_out():
    """The hash of the body then stands in, where the body can be held."""
    wire = HEADER.minus_header("X-Amz-Content-SHA256")
    signed = _with_authorization(wire, "host;x-amz-acl;x-amz-date")
    assert UndeclaredPayload() == _read(signed).payload


def _with_authorization(wire: Wire, signed_headers: str) -> Wire:
    value = wire.header("Authorization")
    before, _, rest = value.partition("SignedHeaders=")
    return wire.with_header(
        "Authorization", f"{before}SignedHeaders={signed_headers},{rest.partition(',')[2]}"
    )


# --- I3: every x-amz-* header that arrived is signed ----------------------------------------------


@given(
    requests,
    st.booleans(),
    st.sampled_from(
        [
            "x-amz-copy-source",
            "X-Amz-Rename-Source",
            "x-amz-storage-class",
            "X-AMZ-META-EVIL",
            "x-amz-grant-full-control",
            "x-amz-security-token",
            "x-amz-bypass-governance-retention",
        ]
    ),
)
def test_request_is_refused_when_an_amz_header_was_added_after_signing(
    wire: Wire, presigned: bool, name: str
):
    """I3, CVE-2026-54330: our own signature would launder it."""
    signed = presigned_by_botocore(wire) if presigned else signed_by_botocore(wire)
    refusal = _refusal(signed.plus_header(name, "bucket/key"))
    assert ("AccessDenied", 403) == (refusal.code, refusal.status)
    assert name.lower() in refusal.members["HeadersNotSigned"]


def test_content_sha256_may_be_unsigned_when_the_header_is_signed():
    """It is bound as the canonical request's last line."""
    signed = _with_authorization(HEADER, "host;x-amz-acl;x-amz-date")
    assert HEADER.header("X-Amz-Content-SHA256") == _read(signed).canonical_payload


def test_content_sha256_may_not_be_unsigned_when_presigned():
    """There it is bound to nothing, and would change how the body is framed."""
    refusal = _refusal(
        QUERY.plus_header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    )
    assert {"HeadersNotSigned": "x-amz-content-sha256"} == refusal.members


@pytest.mark.parametrize("name", ["amz-sdk-request", "x-amzn-trace-id", "user-agent"])
def test_other_headers_may_be_unsigned_when_they_mean_nothing_to_s3(name: str):
    """SDKs leave these out on purpose."""
    assert _read(HEADER) == _without_line(_read(HEADER.plus_header(name, "x")), name)


def _without_line(claim: Claim, name: str) -> Claim:
    kept = tuple(line for line in claim.signable.headers if line[0] != name)
    signable = claim.signable
    return Claim(
        claim.mechanism,
        claim.access_key,
        claim.signature,
        claim.timestamp,
        claim.payload,
        claim.session_token,
        claim.expires,
        type(signable)(
            signable.method, signable.raw_path, signable.query, kept, signable.signed_headers
        ),
    )


def test_unsigned_names_are_listed_and_bounded_when_there_are_many():
    """S3's member, cut: the names are the sender's."""
    wire = HEADER
    for number in range(60):
        wire = wire.plus_header(f"x-amz-meta-{number:03}", "x")
    listed = _refusal(wire).members["HeadersNotSigned"]
    assert (500, True) == (len(listed), listed.startswith("x-amz-meta-000, x-amz-meta-001"))


# --- presigned ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", sorted(PRESIGN_PARAMETERS - {"X-Amz-Security-Token", "X-Amz-Content-Sha256"})
)
def test_presigned_url_is_refused_when_a_parameter_is_missing_or_twice(name: str):
    """Each of the six, once."""
    tokens = QUERY.query.split("&")
    own = [token for token in tokens if token.startswith(f"{name}=")]
    missing = _refusal(_with_query(QUERY, "&".join(token for token in tokens if token not in own)))
    twice = _refusal(_with_query(QUERY, "&".join(tokens + own)))
    assert "AuthorizationQueryParametersError" == missing.code
    assert "InvalidArgument" == twice.code


@pytest.mark.parametrize("name", ["x-amz-signature", "X-AMZ-EXPIRES", "x-amz-credential"])
def test_presigned_url_is_refused_when_a_parameter_is_in_another_case(name: str):
    """S3 reads one spelling; two spellings are two readers."""
    refusal = _refusal(_with_query(QUERY, QUERY.query + f"&{name}=1"))
    assert "AuthorizationQueryParametersError" == refusal.code


@pytest.mark.parametrize("expires", ["", "-1", "1.5", "60s", " 60", "0x10", "12345678901", "६"])
def test_presigned_url_is_refused_when_its_life_is_no_number(expires: str):
    """ASCII digits alone."""
    query = QUERY.query.replace("X-Amz-Expires=3600", f"X-Amz-Expires={encode(expires)}")
    assert "AuthorizationQueryParametersError" == _refusal(_with_query(QUERY, query)).code


def test_payload_is_the_declared_one_when_a_presigned_url_hoists_it():
    """The JavaScript SDK writes X-Amz-Content-Sha256 into the query."""
    plain = Wire("PUT", "/bucket/key", "X-Amz-Content-Sha256=" + "0" * 64, ())
    assert SignedPayload("0" * 64) == _read(presigned_by_botocore(plain)).payload


def test_presigned_url_is_refused_when_the_payload_is_declared_twice_differently():
    """Row 92: header and query may not contradict each other."""
    plain = Wire(
        "PUT",
        "/bucket/key",
        "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD",
        (("x-amz-content-sha256", "0" * 64),),
    )
    assert "InvalidArgument" == _refusal(presigned_by_botocore(plain)).code


@given(
    st.text(st.characters(max_codepoint=0xFF), max_size=80), st.text("AS4abc=;&%2-", max_size=40)
)
def test_nothing_but_a_gateway_error_is_raised_when_the_claim_is_arbitrary(header: str, query: str):
    """I26: whatever stands in the header or the query."""
    for value in (header, f"AWS4-HMAC-SHA256 {header}", f"AWS4-HMAC-SHA256 Credential={header}"):
        wire = _with_query(HEADER, query).with_header("Authorization", value)
        assert _refusal(wire).status in {400, 403}
    assert _refusal(_with_query(HEADER.minus_header("Authorization"), query)).status in {400, 403}
