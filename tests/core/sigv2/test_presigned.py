"""URLs presigned with SigV2, held against botocore's signer, real clients' URLs, and tampering."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from botocore.auth import HmacV1QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import GatewayError
from gateway.core.s3.address import Hosts
from gateway.core.s3.query import encode
from gateway.core.s3.request import read_request
from gateway.core.sigv2.presigned import MAX_EXPIRES, PresignedV2, read_presigned
from gateway.core.sigv4.claim import Claim, read_claim
from tests.support.captures import Capture, load_captures
from tests.support.strategies import ACCESS_KEY, HOST, SECRET, Wire, encode_path, keys

HOSTS = Hosts(names=("gateway.example",), suffixes=(".gateway.example",))
METHODS = ["GET", "PUT", "DELETE", "HEAD"]
#: What may stand in a covered value: SigV2 escapes neither `&` nor line breaks.
_values = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="&"), min_size=1, max_size=20
).map(lambda text: f"({text})")
_ascii = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
_headers = st.dictionaries(
    st.sampled_from(["Content-Type", "Content-MD5", "x-amz-acl", "X-Amz-Meta-One", "x-amz-meta-b"]),
    _ascii,
    max_size=5,
)
_queries = st.dictionaries(
    st.sampled_from(
        ["versionId", "response-content-type", "response-content-disposition", "response-expires"]
    ),
    _values,
    max_size=3,
).map(lambda items: "&".join(f"{name}={encode(value)}" for name, value in items.items()))
wires = st.builds(
    Wire,
    method=st.sampled_from(METHODS),
    path=keys.filter(bool).map(lambda key: "/" + encode_path("bucket/" + key)),
    query=_queries,
    headers=_headers.map(lambda items: tuple(items.items())),
)
PLAIN = Wire("GET", "/bucket/key", "versionId=7&response-content-type=a%2Fb", ())


class _Signer(HmacV1QueryAuth):  # type: ignore[misc] # botocore has no types
    """botocore's, with the clock stopped."""

    def _get_date(self) -> str:
        return "1795172065"


def presigned(wire: Wire, *, token: str | None = None, auth_path: str | None = None) -> Wire:
    """The URL that botocore makes: it hoists `x-amz-*`; the two standard headers are sent, too."""
    url = f"http://{HOST}{wire.target}"
    request = AWSRequest(method=wire.method, url=url, auth_path=auth_path)
    for name, value in wire.headers:
        request.headers.add_header(name, value)
    _Signer(Credentials(ACCESS_KEY, SECRET, token)).add_auth(request)
    sent = [item for item in wire.headers if not item[0].lower().startswith("x-amz-")]
    return replace(wire, query=urlsplit(request.url).query, headers=(("Host", HOST), *sent))


def claim_of(wire: Wire) -> Claim:
    """What the gateway reads where the setting is on."""
    request = read_request(wire.method, wire.target, wire.headers, HOSTS)
    return read_claim(request, sigv2_presigned=True)


def holds(wire: Wire, secret: str = SECRET) -> bool:
    """Whether the signature verifies."""
    claim = claim_of(wire)
    assert claim.presigned_v2 is not None
    known = claim.access_key.access_key_id == ACCESS_KEY
    return known and claim.presigned_v2.holds(secret, claim.signature)


def refusal(wire: Wire) -> GatewayError:
    """Why it is not even read."""
    with pytest.raises(GatewayError) as caught:
        claim_of(wire)
    return caught.value


def is_refused(wire: Wire) -> bool:
    """Whether it is not read, or does not verify."""
    try:
        return not holds(wire)
    except GatewayError:
        return True


# --- botocore as the oracle -----------------------------------------------------------------------


@given(wires, st.none() | st.text("ABCabc019+/=", min_size=1, max_size=20))
def test_signature_holds_when_botocore_presigned(wire: Wire, token: str | None):
    """Any method, key, parameters of the resource, headers and token."""
    signed = presigned(wire, token=token)
    claim = claim_of(signed)
    assert holds(signed)
    assert (ACCESS_KEY, token) == (claim.access_key.access_key_id, claim.session_token)
    assert not holds(signed, SECRET + "x")


@given(wires)
def test_signature_holds_when_amz_headers_are_sent_as_such(wire: Wire):
    """Other signers leave them where they were; the string to sign is the same."""
    signed = presigned(wire)
    kept = [item for item in signed.query.split("&") if not item.lower().startswith("x-amz-")]
    amz = [item for item in wire.headers if item[0].lower().startswith("x-amz-")]
    assert holds(replace(signed, query="&".join(kept), headers=(*signed.headers, *amz)))


def test_header_cannot_be_hidden_in_the_name_of_a_parameter():
    """`a: b:c` and a parameter `a:b` of value `c` make the same text to sign."""
    until = ("x-amz-object-lock-retain-until-date", "2026-11-20T12:00:00Z")
    wire = presigned(replace(PLAIN, method="PUT", query="", headers=(until,)))
    assert holds(wire)
    hidden = wire.query.replace("-date=2026-11-20T12%3A00%3A00Z", "-date:2026-11-20T12=00%3A00Z")
    assert hidden != wire.query
    assert is_refused(replace(wire, query=hidden))


def test_path_is_that_of_path_style_when_the_host_names_the_bucket():
    """And a key that begins with the bucket's name is no path-style path."""
    host = (("Host", "bucket.gateway.example"),)
    wire = presigned(replace(PLAIN, path="/bucket/key"), auth_path="/bucket/bucket/key")
    assert holds(replace(wire, headers=host))
    assert not holds(wire)
    path_style = presigned(PLAIN)
    assert not holds(replace(path_style, headers=host))


@given(wires, st.data())
def test_url_is_refused_when_anything_in_it_was_changed(wire: Wire, data: st.DataObject):
    """Method, key, each parameter, each header, and whatever is added."""
    signed = presigned(wire)
    items = signed.query.split("&")
    at = data.draw(st.integers(0, len(items) - 1))
    name, _, value = items[at].partition("=")
    tampered = data.draw(
        st.sampled_from(
            [
                *(replace(signed, method=method) for method in METHODS if method != wire.method),
                replace(signed, path=signed.path + "x"),
                replace(
                    signed, query="&".join([*items[:at], f"{name}={value}1", *items[at + 1 :]])
                ),
                replace(signed, query=f"{signed.query}&x-amz-acl2=private"),
                replace(signed, query=f"{signed.query}&response-cache-control=x"),
                replace(signed, query=f"{signed.query}&{items[at]}"),
                signed.plus_header("x-amz-server-side-encryption", "AES256"),
                *(signed.with_header(key, text + "x") for key, text in signed.headers[1:]),
                *(signed.minus_header(key) for key, _ in signed.headers[1:]),
            ]
        )
    )
    assert is_refused(tampered)


@given(wires, st.data())
def test_url_is_refused_when_its_signature_was_changed(wire: Wire, data: st.DataObject):
    """Compared as text, so that not even base64's unused bits may differ."""
    signed = presigned(wire)
    claim = claim_of(signed)
    at = data.draw(st.integers(0, len(claim.signature) - 1))
    forged = data.draw(st.characters(exclude_characters=claim.signature[at], codec="utf-8"))
    text = claim.signature[:at] + forged + claim.signature[at + 1 :]
    assert claim.presigned_v2 is not None
    assert not claim.presigned_v2.holds(SECRET, text)


@given(st.text(max_size=30))
def test_nothing_but_a_gateway_error_is_raised_when_the_url_is_arbitrary(text: str):
    """The URL is the sender's."""
    query = f"AWSAccessKeyId=A&Signature=s&Expires={encode(text)}&x-amz-meta-a={encode(text)}"
    with suppress(GatewayError):
        assert not holds(replace(PLAIN, query=query, headers=(("Host", HOST),)))


# --- what is not taken ----------------------------------------------------------------------------

SIGNED = "AWSAccessKeyId=A&Expires=1795172065&Signature=s"


@pytest.mark.parametrize(
    ("method", "target", "headers", "words"),
    [
        pytest.param("PUT", "/bucket?inventory&id=a", (), "and nothing else", id="inventory"),
        pytest.param("PUT", "/bucket/?inventory&id=a", (), "and nothing else", id="slash"),
        pytest.param(
            "PUT", "/bucket/k?inventory&id=a", (), "and nothing else", id="inventory-at-a-key"
        ),
        pytest.param("DELETE", "/bucket/k?inventory&id=a", (), "and nothing else", id="delete"),
        pytest.param("PUT", "/bucket/k?Inventory&id=a", (), "is not an operation", id="upper"),
        pytest.param("PUT", "/bucket/k?%69nventory&id=a", (), "is not an operation", id="escaped"),
        pytest.param("GET", "/?", (), "and nothing else", id="list-buckets"),
        pytest.param("GET", "/bucket?", (), "and nothing else", id="list"),
        pytest.param("GET", "/bucket?acl", (), "and nothing else", id="bucket-acl"),
        pytest.param("GET", "/bucket/k?acl", (), "and nothing else", id="object-acl"),
        pytest.param("GET", "/bucket/k?tagging", (), "and nothing else", id="tagging"),
        pytest.param("POST", "/bucket/k?uploads", (), "and nothing else", id="multipart"),
        pytest.param(
            "PUT", "/bucket/k?uploadId=u&partNumber=1", (), "and nothing else", id="part"
        ),
        pytest.param(
            "PUT", "/bucket/k?", (("x-amz-copy-source", "/b/k"),), "and nothing else", id="copy"
        ),
        pytest.param(
            "PUT", "/bucket/k?x-amz-copy-source=b%2Fk", (), "and nothing else", id="hoisted-copy"
        ),
        pytest.param("GET", "/bucket/k?logging", (), "'logging' is not one", id="ignored-by-s3"),
        pytest.param("GET", "/bucket/k?partNumber=1", (), "'partNumber' is not", id="part-number"),
        pytest.param("GET", "/bucket/k?x-id=GetObject", (), "'x-id' is not one", id="not-covered"),
        pytest.param("GET", "/bucket/k?VersionId=1", (), "does not know", id="case"),
        pytest.param(
            "GET", "/bucket/k?X-Amz-Security-Token=t", (), "is not one that its", id="token-case"
        ),
        pytest.param("GET", "/bucket/k?%76ersionId=1", (), "written in a way", id="escaped-name"),
        pytest.param("GET", "/bucket/k?versionId=1%262", (), "written in a way", id="ampersand"),
        pytest.param("PUT", "/bucket/k?x-amz-meta-a=1%0A2", (), "written in a way", id="newline"),
        pytest.param("PUT", "/bucket/k?x-amz-meta-a:b=c", (), "is not one that its", id="colon"),
        pytest.param("GET", "/bucket/k?versionId=1&versionId=1", (), "2 times", id="twice"),
        pytest.param(
            "PUT", "/bucket/k?content-type=a%2Fb", (), "'content-type' is not one", id="repeated"
        ),
        pytest.param(
            "PUT",
            "/bucket/k?content-type=a%2Fb",
            (("content-type", "c/d"),),
            "'content-type' is not one",
            id="repeated-with-another-value",
        ),
        pytest.param(
            "PUT",
            "/bucket/k?x-amz-acl=private",
            (("x-amz-acl", "private"),),
            "given twice",
            id="header-and-query",
        ),
        pytest.param(
            "PUT",
            "/bucket/k?",
            (("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),),
            "belongs to SigV4",
            id="payload-of-sigv4",
        ),
        pytest.param(
            "PUT", "/bucket/k?x-amz-trailer=x", (), "'x-amz-trailer' is not", id="hoisted-trailer"
        ),
    ],
)  # fmt: skip
def test_url_is_refused_when_it_is_for_more_than_its_signature_covers(
    method: str, target: str, headers: tuple[tuple[str, str], ...], words: str
):
    """I3, I14: plain objects only, and nothing that somebody could add to the URL."""
    path, _, query = target.partition("?")
    added = f"{query}&{SIGNED}" if query else SIGNED
    error = refusal(Wire(method, path, added, (("Host", HOST), *headers)))
    assert error.status in {400, 501}
    assert words in error.message


@pytest.mark.parametrize(
    "query",
    [
        "AWSAccessKeyId=A&Signature=s",
        "AWSAccessKeyId=A&Signature=s&Expires=",
        "AWSAccessKeyId=A&Signature=s&Expires=-1",
        "AWSAccessKeyId=A&Signature=s&Expires=1.5",
        "AWSAccessKeyId=A&Signature=s&Expires=17951720650",
        "AWSAccessKeyId=A&Signature=s&Expires=%D9%A1",
        "AWSAccessKeyId=A&Signature=s&Expires=1&Expires=2",
        "AWSAccessKeyId=A&AWSAccessKeyId=B&Signature=s&Expires=1",
        "AWSAccessKeyId=A&Signature=s&Signature=t&Expires=1",
    ],
)
def test_url_is_refused_when_its_parts_are_malformed(query: str):
    """Each of them once, and a date that is a number."""
    assert refusal(replace(PLAIN, query=query, headers=(("Host", HOST),))).status == 400


@pytest.mark.parametrize("query", ["AWSAccessKeyId=A&Expires=1", "Signature=s&Expires=1"])
def test_signature_does_not_hold_when_half_of_it_is_missing(query: str):
    """An empty one is nobody's."""
    assert not holds(replace(PLAIN, query=query, headers=(("Host", HOST),)))


def test_sigv2_is_refused_in_words_when_nothing_says_that_it_is_taken():
    """The default: a good signature is none."""
    wire = presigned(PLAIN)
    request = read_request(wire.method, wire.target, wire.headers, HOSTS)
    with pytest.raises(GatewayError) as caught:
        read_claim(request)
    assert "InvalidRequest" == caught.value.code
    assert 'Config(signature_version="s3v4")' in caught.value.message


def test_header_form_is_refused_when_sigv2_is_taken():
    """It is for URLs; clients that sign each request can do SigV4."""
    wire = replace(PLAIN, headers=(("Host", HOST), ("Authorization", "AWS AKID:c2ln")))
    assert "signed with SigV2" in refusal(wire).message


@pytest.mark.parametrize("more", ["X-Amz-Signature=0", "X-Amz-Algorithm=AWS4-HMAC-SHA256"])
def test_two_mechanisms_are_refused_when_sigv2_is_taken(more: str):
    """I2: exactly one."""
    wire = presigned(PLAIN)
    assert refusal(replace(wire, query=f"{wire.query}&{more}")).code == "InvalidArgument"
    both = wire.plus_header("Authorization", "AWS4-HMAC-SHA256 Credential=a")
    assert refusal(both).code == "InvalidArgument"


def test_claim_says_that_no_signature_covers_the_body():
    """The payload is an unsigned one, and there is no Region but a guess."""
    claim = claim_of(presigned(replace(PLAIN, method="PUT", query="")))
    assert ("sigv2-query", "UNSIGNED-PAYLOAD") == (claim.mechanism, claim.canonical_payload)
    assert ("us-east-1", None) == (claim.access_key.scope.region, claim.expires)
    assert claim.signature not in repr(claim)
    assert "string_to_sign" not in repr(claim)


# --- time -----------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 20, 12, 30, 58, 900_000, tzinfo=UTC)
SECOND = int(NOW.timestamp())


@pytest.mark.parametrize("ahead", [1, 3600, MAX_EXPIRES])
def test_url_is_good_when_it_expires_within_a_week(ahead: int):
    """To the second."""
    PresignedV2(b"", SECOND + ahead).check_expiry(NOW)


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (0, "Request has expired"),
        (-1, "Request has expired"),
        (-SECOND, "Request has expired"),
        (MAX_EXPIRES + 1, "a week"),
        (9_999_999_999 - SECOND, "a week"),
    ],
)
def test_url_is_refused_when_it_has_expired_or_hardly_ever_does(ahead: int, words: str):
    """S3 knows no bound; a URL that is good for years is a secret that nobody can take back."""
    with pytest.raises(GatewayError) as caught:
        PresignedV2(b"", SECOND + ahead).check_expiry(NOW)
    assert ("AccessDenied", True) == (caught.value.code, words in caught.value.message)


def test_expiry_is_told_when_it_has_passed():
    """As S3 does."""
    with pytest.raises(GatewayError) as caught:
        PresignedV2(b"", SECOND - 60).check_expiry(NOW)
    expected = {"Expires": "2026-11-20T12:29:58Z", "ServerTime": "2026-11-20T12:30:58Z"}
    assert expected == dict(caught.value.members)


# --- what real clients send -----------------------------------------------------------------------


def _urls() -> list[Capture]:
    return [item for item in load_captures().requests if item.auth == "sigv2-query"]


def _outcome(capture: Capture) -> str:
    request = read_request(capture.method, capture.target, capture.headers, Hosts(names=("*",)))
    try:
        claim = read_claim(request, sigv2_presigned=True)
    except GatewayError as error:
        return error.code
    assert claim.presigned_v2 is not None
    claim.presigned_v2.check_expiry(
        datetime.fromtimestamp(claim.presigned_v2.expires, UTC) - timedelta(minutes=5)
    )
    secret = load_captures().secrets[claim.access_key.access_key_id]
    good = claim.presigned_v2.holds(secret, claim.signature)
    return "verified" if good else "SignatureDoesNotMatch"


@pytest.mark.parametrize("capture", _urls(), ids=lambda capture: capture.file)
def test_url_ends_as_indexed_when_a_real_client_made_it(capture: Capture):
    """boto3, aiobotocore, IBM's, s3fs, AWS CLI v1, s3cmd, paws; never for an inventory."""
    sound = capture.signature_ok and "inventory" not in capture.target
    assert _outcome(capture) == ("verified" if sound else "InvalidRequest")


def test_urls_of_eight_clients_verify():
    """The loop above must not pass for want of captures."""
    verified = [item for item in _urls() if _outcome(item) == "verified"]
    assert (8, 17) == (len({item.client for item in verified}), len(verified))


def test_read_presigned_refuses_the_service_itself():
    """It has no object."""
    request = read_request("GET", f"/?{SIGNED}", [("host", HOST)], HOSTS)
    with pytest.raises(GatewayError):
        read_presigned(request)
