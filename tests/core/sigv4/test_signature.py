"""The signature, held against AWS's vectors, real clients' requests, and botocore's signer."""

import json
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import GatewayError
from gateway.core.s3.address import Hosts
from gateway.core.s3.query import parse_query
from gateway.core.s3.request import read_request
from gateway.core.sigv4.canonical import Signable, canonical_request
from gateway.core.sigv4.claim import Claim, read_claim
from gateway.core.sigv4.credential import Credential, CredentialScope
from gateway.core.sigv4.payload import UndeclaredPayload
from gateway.core.sigv4.signature import (
    authorization,
    sign,
    signature_holds,
    signing_key,
    string_to_sign,
)
from gateway.core.sigv4.validity import check_validity
from tests.support.captures import Capture, load_captures
from tests.support.strategies import (
    SECRET,
    Wire,
    presigned_by_botocore,
    requests,
    signed_by_botocore,
)

VECTORS: Final[list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "sigv4.json").read_text()
)["vectors"]
#: The suite's own service normalises and re-encodes paths, hence this one differs from S3's rules.
_OTHER_PATH_RULES = {"normalize-path/get-special-character"}
HEADER_VECTORS = [
    vector
    for vector in VECTORS
    if vector.get("same_under_s3_path_rules")
    and not vector.get("not_sendable_verbatim")
    and not vector.get("presigned")
    and vector["name"] not in _OTHER_PATH_RULES
]
PRESIGNED_VECTORS = [vector for vector in VECTORS if vector.get("presigned")]
EMPTY = sha256(b"").hexdigest()


def _signable(vector: dict[str, Any]) -> Signable:
    path, _, query = vector["target"].partition("?")
    headers = [(name.lower(), value) for name, value in vector["headers"]]
    token = vector.get("session_token_added_by_signer")
    if token:
        headers.append(("x-amz-security-token", token))
    signed = vector["authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    parsed = parse_query(query)
    return Signable(vector["method"], path, parsed, tuple(headers), signed.split(";"))


def _payload(vector: dict[str, Any]) -> str:
    declared = [value for name, value in vector["headers"] if name.lower() == _SHA]
    return declared[0] if declared else sha256((vector["body"] or "").encode("latin-1")).hexdigest()


_SHA = "x-amz-content-sha256"


def _scope(vector: dict[str, Any]) -> CredentialScope:
    return CredentialScope(vector["date"][:8], vector["region"], vector["service"])


@pytest.mark.parametrize("vector", HEADER_VECTORS, ids=lambda vector: vector["name"])
def test_every_step_is_reproduced_when_aws_publishes_it(vector: dict[str, Any]):
    """Canonical request, string to sign, signature and header are AWS's own."""
    signable, scope = _signable(vector), _scope(vector)
    canonical = canonical_request(signable, _payload(vector))
    signature = sign(signable, _payload(vector), vector["date"], scope, vector["secret_key"])
    credential = Credential(vector["access_key"], vector["secret_key"])
    header = authorization(credential, scope, ";".join(signable.signed_headers), signature)
    assert vector["canonical_request"] == canonical.decode("latin-1")
    assert vector["string_to_sign"] == string_to_sign(vector["date"], scope, canonical).decode()
    assert vector["signature"] == signature
    assert vector["authorization"] == header


@pytest.mark.parametrize("vector", PRESIGNED_VECTORS, ids=lambda vector: vector["name"])
def test_presigned_url_verifies_when_it_is_a_published_one(vector: dict[str, Any]):
    """The worked example of the S3 reference, and what botocore makes of its own."""
    # any bucket will do: the one in the paths is too short, so it is read from the host's name
    hosts = Hosts(names=(), suffixes=(".s3.amazonaws.com", ".0.0.1"))
    target = vector["target"]
    if "X-Amz-Signature" not in target:
        target += "&X-Amz-Signature=" + vector["signature"]
    claim = read_claim(read_request(vector["method"], target, vector["headers"], hosts))
    assert vector["expires"] == claim.expires
    assert vector["date"] == claim.timestamp
    assert vector.get("session_token") == claim.session_token
    assert signature_holds(
        claim.signable,
        claim.canonical_payload,
        claim.timestamp,
        claim.access_key.scope,
        vector["secret_key"],
        claim.signature,
    )


def test_signing_key_is_the_documented_one_when_derived():
    """The example of the IAM user guide."""
    key = signing_key(
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", CredentialScope("20120215", "us-east-1", "iam")
    )
    expected = "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"
    assert expected == key.hex()


# --- what real clients send -----------------------------------------------------------------------

#: Sent twice: refused before anything is verified, whatever the signature.
_TWO_LENGTHS = {"rclone/presigned_put_internal.03.http"}


def _read(capture: Capture) -> Claim:
    suffix = capture.virtual_host_suffix
    hosts = Hosts(names=("*",)) if suffix is None else Hosts(names=(), suffixes=(suffix,))
    return read_claim(read_request(capture.method, capture.target, capture.headers, hosts))


def _verifies(capture: Capture) -> bool:
    claim = _read(capture)
    check_validity(claim, _clock(claim), ("*",))
    payload = claim.canonical_payload
    if isinstance(claim.payload, UndeclaredPayload):
        payload = sha256(capture.body).hexdigest()
    return signature_holds(
        claim.signable,
        payload,
        claim.timestamp,
        claim.access_key.scope,
        load_captures().secrets[claim.access_key.access_key_id],
        claim.signature,
    )


def _clock(claim: Claim) -> datetime:
    return datetime.strptime(f"{claim.timestamp}+0000", "%Y%m%dT%H%M%SZ%z")


def _outcome(capture: Capture) -> str:
    try:
        return "verified" if _verifies(capture) else "SignatureDoesNotMatch"
    except GatewayError as fault:
        return fault.code


def _expected(capture: Capture) -> str:
    """What the index says, in the gateway's words."""
    if capture.file in _TWO_LENGTHS:
        return "BadRequest"
    if capture.file == "curl/garbage_authorization.http":
        return "AuthorizationHeaderMalformed"
    match capture.auth:
        case "sigv4-header" | "sigv4-query":
            return "SignatureDoesNotMatch" if capture.signature_ok is False else "verified"
        case "sigv2-header" | "sigv2-query" | "bearer":
            return "InvalidRequest"
        case _:
            return "AccessDenied"


CLIENTS = sorted({capture.client for capture in load_captures().requests})


@pytest.mark.parametrize("client", CLIENTS)
def test_every_request_ends_as_indexed_when_a_real_client_sent_it(client: str):
    """2,008 requests: those that an independent checker verified verify here, no other does."""
    captures = [item for item in load_captures().requests if item.client == client]
    outcomes = {item.file: _outcome(item) for item in captures}
    assert {item.file: _expected(item) for item in captures} == outcomes


def test_all_requests_are_there_when_the_archive_is_read():
    """The loop above must not pass for want of captures."""
    captures = load_captures().requests
    verified = [item for item in captures if _expected(item) == "verified"]
    assert (2008, 1810) == (len(captures), len(verified))


@pytest.mark.parametrize(
    ("auth", "hint"),
    [
        ("sigv2-header", 'Config(signature_version="s3v4")'),
        ("sigv2-query", 'Config(signature_version="s3v4")'),
        ("bearer", "ibm_boto3.client(aws_access_key_id=…, aws_secret_access_key=…)"),
        ("none", "with an access key that the operator of this gateway gave you"),
    ],
)
def test_refusal_says_what_to_set_when_the_mechanism_is_another(auth: str, hint: str):
    """Every capture of that mechanism reads how to get on."""
    captures = [item for item in load_captures().requests if item.auth == auth]
    assert captures
    for capture in captures:
        with pytest.raises(GatewayError) as caught:
            _read(capture)
        assert hint in caught.value.message


def test_no_bit_of_any_capture_can_be_flipped_when_it_is_in_a_signed_header():
    """Of each client one request: another value of any signed header is another signature."""
    seen: set[str] = set()
    for capture in load_captures().requests:
        if capture.auth != "sigv4-header" or not capture.signature_ok or capture.client in seen:
            continue
        seen.add(capture.client)
        signed = set(capture.index["signed_headers"]) - {"x-amz-date", "content-length", "host"}
        for name in signed:
            headers = [
                (key, f"{value}0" if key.lower() == name else value)
                for key, value in capture.headers
            ]
            lines = [f"{capture.method} {capture.target} HTTP/1.1"]
            lines += [f"{key}: {value}" for key, value in headers]
            head = "\r\n".join(lines).encode("latin-1")
            forged = Capture(capture.file, head, capture.wire_body, capture.index)
            assert _outcome(forged) in {"SignatureDoesNotMatch", "InvalidArgument"}, (name, forged)
    assert len(seen) > 10


# --- botocore as the oracle -----------------------------------------------------------------------

_HOSTS = Hosts(names=("gateway.example",))


def _claim_of(wire: Wire) -> Claim:
    return read_claim(read_request(wire.method, wire.target, wire.headers, _HOSTS))


def _holds(wire: Wire, now: datetime) -> bool:
    claim = _claim_of(wire)
    check_validity(claim, now, ("*",))
    return signature_holds(
        claim.signable,
        claim.canonical_payload,
        claim.timestamp,
        claim.access_key.scope,
        SECRET,
        claim.signature,
    )


def _refused(wire: Wire, now: datetime) -> bool:
    try:
        return not _holds(wire, now)
    except GatewayError:
        return True


tokens = st.none() | st.text("ABCDEFabcdef0123456789+/=", min_size=1, max_size=40)


@given(requests, tokens)
def test_signature_holds_when_botocore_signed_the_headers(wire: Wire, token: str | None):
    """Any method, key, query and headers: what botocore signs verifies."""
    signed = signed_by_botocore(wire, token=token)
    assert token == _claim_of(signed).session_token
    assert _holds(signed, signed.moment)


@given(requests, tokens, st.integers(1, 604_800))
def test_signature_holds_when_botocore_presigned(wire: Wire, token: str | None, expires: int):
    """The same for presigned URLs."""
    signed = presigned_by_botocore(wire, expires=expires, token=token)
    assert (token, expires) == (_claim_of(signed).session_token, _claim_of(signed).expires)
    assert _holds(signed, signed.moment)


def _exchange(text: str, data: st.DataObject) -> str | None:
    """Exchange one character for another letter or digit; None where there is none to take."""
    if not text:
        return None
    at = data.draw(st.integers(0, len(text) - 1))
    char = data.draw(st.sampled_from("abcxyzABCXYZ0129"))
    if char.lower() == text[at].lower():  # %2f is %2F
        return None
    return text[:at] + char + text[at + 1 :]


def _tampered(wire: Wire, data: st.DataObject) -> Wire | None:  # noqa: PLR0911 - one a part
    """The request with one signed thing changed."""
    names = sorted({name for name, _ in wire.headers} - {"Authorization"})
    part = data.draw(st.sampled_from(["method", "path", "query", "header", "gone", "more"]))
    match part:
        case "method":
            other = data.draw(st.sampled_from(["GET", "PUT", "DELETE", "HEAD", "POST", "PATCH"]))
            return None if other == wire.method else _with(wire, method=other)
        case "path":
            path = _exchange(wire.path[1:], data)
            return None if path is None else _with(wire, path="/" + path)
        case "query":
            query = _exchange(wire.query, data)
            return None if query is None else _with(wire, query=query)
        case "more":
            addition = data.draw(st.sampled_from(["a", "inventory", "versionId=1"]))
            return _with(wire, query=f"{wire.query}&{addition}" if wire.query else addition)
        case "header":
            name = data.draw(st.sampled_from(names))
            value = _exchange(wire.header(name), data)
            changed_host = name == "Host"
            if value is None or (changed_host and not value.startswith("gateway.example:")):
                return None
            return wire.with_header(name, value)
        case _:
            return wire.minus_header(data.draw(st.sampled_from(names)))


def _with(wire: Wire, **changes: str) -> Wire:
    parts = {"method": wire.method, "path": wire.path, "query": wire.query, **changes}
    return Wire(headers=wire.headers, body=wire.body, **parts)


@given(requests, st.booleans(), st.data())
def test_request_is_refused_when_anything_signed_was_changed(
    wire: Wire, presigned: bool, data: st.DataObject
):
    """Method, path, each query parameter, each signed header: all are bound."""
    signed = presigned_by_botocore(wire) if presigned else signed_by_botocore(wire)
    tampered = _tampered(signed, data)
    if tampered is not None:
        assert _refused(tampered, signed.moment)


@given(requests, st.data())
def test_request_is_refused_when_the_signature_was_changed(wire: Wire, data: st.DataObject):
    """Not one digit of it may differ."""
    signed = signed_by_botocore(wire)
    value = signed.header("Authorization")
    at = data.draw(st.integers(len(value) - 64, len(value) - 1))
    digit = data.draw(st.sampled_from("0123456789abcdef").filter(lambda item: item != value[at]))
    forged = signed.with_header("Authorization", value[:at] + digit + value[at + 1 :])
    assert not _holds(forged, signed.moment)


@given(requests, st.text(min_size=1, max_size=20))
def test_signature_does_not_hold_when_the_secret_is_another(wire: Wire, secret: str):
    """An unknown key costs the same work, and answers the same."""
    claim = _claim_of(signed_by_botocore(wire))
    assert not signature_holds(
        claim.signable,
        claim.canonical_payload,
        claim.timestamp,
        claim.access_key.scope,
        "x" + secret.encode("utf-8", "replace").decode(),
        claim.signature,
    )


def test_claimed_signature_is_compared_and_no_more_when_it_is_not_ascii():
    """`hmac.compare_digest` raises on such text; a forger must read no traceback."""
    signable = Signable("GET", "/", parse_query(""), (("host", "h"),), ("host",))
    scope = CredentialScope("20260101", "us-east-1")
    assert not signature_holds(signable, EMPTY, "20260101T000000Z", scope, SECRET, "é\ud800" * 32)
