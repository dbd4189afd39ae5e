"""Errors in S3's terms, and the document that says them."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import (
    STATUS,
    AccessDenied,
    AuthenticationError,
    CredentialsUnavailable,
    DependencyUnavailable,
    FactsUnavailable,
    GatewayError,
    JournalUnavailable,
    PolicyUnavailable,
    RequestError,
    UpstreamUnavailable,
    error_document,
)

anything = st.text(st.characters(), max_size=60)  # lone surrogates too


@given(anything, anything, anything)
def test_document_is_well_formed_when_its_text_is_arbitrary(message: str, name: str, host_id: str):
    """Row 103: an error about a hostile name is itself always XML."""
    document = error_document("NoSuchBucket", message, {"BucketName": name}, "ID", host_id)
    root = ET.fromstring(document)  # noqa: S314 - our own
    tags = ["Code", "Message", "BucketName", "RequestId", "HostId"]
    assert ("Error", tags) == (root.tag, [child.tag for child in root])
    assert [len(child) for child in root] == [0] * 5
    assert _kept(message) == (root.findtext("Message") or "")


def _kept(text: str) -> str:
    """What XML 1.0 carries of a text, with a parser's line ends."""
    allowed = "".join(
        char
        if char in "\t\n\r" or 0x20 <= ord(char) < 0xD800 or 0xE000 <= ord(char) < 0xFFFE
        else char
        if ord(char) > 0xFFFF
        else "\ufffd"
        for char in text
    )
    return allowed.replace("\r\n", "\n").replace("\r", "\n")


def test_document_is_s3s_when_written():
    """No declaration, no namespace, RequestId and HostId last."""
    expected = (
        "<Error><Code>IdMismatch</Code><Message>a &lt; b &amp; c “d”</Message><Id>x</Id>"
        "<RequestId>R</RequestId><HostId>H</HostId></Error>"
    )
    document = error_document("IdMismatch", "a < b & c “d”", {"Id": "x"}, "R", "H")
    assert expected == document.decode()


@pytest.mark.parametrize("code", sorted(STATUS))
def test_status_is_of_its_class_when_a_code_is_answered(code: str):
    """4xx is the client's business, 5xx the gateway's."""
    error = GatewayError(code, "m")
    server = {"InternalError", "NotImplemented", "ServiceUnavailable", "SlowDown"}
    server |= {"UpstreamTimeout", "UpstreamUnavailable"}
    assert STATUS[code] == error.status
    assert (code in server) == (error.status >= 500)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDenied", 403),
        ("SignatureDoesNotMatch", 403),
        ("RequestTimeTooSkewed", 403),
        ("AuthorizationHeaderMalformed", 400),
        ("MalformedXML", 400),
        ("IdMismatch", 400),
        ("NoSuchBucket", 404),
        ("MethodNotAllowed", 405),
        ("MissingContentLength", 411),
        ("NotImplemented", 501),
        ("ServiceUnavailable", 503),
    ],
)
def test_status_is_s3s_when_a_code_is_answered(code: str, status: int):
    """SDKs decide by status whether to retry."""
    assert status == STATUS[code]


def test_unknown_key_has_no_code_of_its_own_when_answered():
    """I6: it reads as a wrong signature does."""
    assert "InvalidAccessKeyId" not in STATUS


def test_error_keeps_its_parts_when_raised():
    """Members and headers are optional."""
    plain = GatewayError("BadRequest", "m")
    rich = RequestError("BadRequest", "m", members={"a": "b"}, headers={"Allow": "GET"})
    assert ("m", {}, {}, "info") == (str(plain), plain.members, plain.headers, plain.level)
    assert ({"a": "b"}, {"Allow": "GET"}) == (rich.members, rich.headers)
    assert "BadRequest" == plain.public_code


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (AccessDenied("m"), "AccessDenied", 403),
        (AccessDenied("m", code="NotImplemented"), "NotImplemented", 501),
        (AuthenticationError("SignatureDoesNotMatch", "m"), "SignatureDoesNotMatch", 403),
    ],
)
def test_error_is_one_root_when_caught(error: GatewayError, code: str, status: int):
    """Every answer of the gateway's own is a GatewayError."""
    assert isinstance(error, GatewayError)
    assert (code, status) == (error.code, error.status)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (DependencyUnavailable, "a part it depends on"),
        (PolicyUnavailable, "its policy engine"),
        (FactsUnavailable, "the look-up of bucket facts"),
        (CredentialsUnavailable, "its credential provider"),
        (JournalUnavailable, "its journal"),
    ],
)
def test_dependency_is_named_without_internals_when_unavailable(
    kind: type[DependencyUnavailable], what: str
):
    """503, to be tried again; the detail is for the log."""
    error = kind("engine_timeout", detail="secret path /etc/x")
    assert (503, {"Retry-After": "2"}, "error") == (error.status, error.headers, error.level)
    assert f"because {what} is unavailable (engine_timeout). Nothing was changed" in error.message
    assert "secret" not in error.message
    assert ("engine_timeout", "secret path /etc/x") == (error.reason, error.detail)


@pytest.mark.parametrize(
    ("timeout", "status", "words"),
    [(False, 502, "cannot be reached"), (True, 504, "did not answer in time")],
)
def test_upstream_fault_is_retried_by_sdks_when_told(timeout: bool, status: int, words: str):
    """502 and 504 with the code that SDKs know how to retry."""
    error = UpstreamUnavailable("connect_refused", timeout=timeout, detail="10.0.0.1", sent=False)
    assert (status, "ServiceUnavailable", False) == (error.status, error.public_code, error.sent)
    assert words in error.message
    assert "10.0.0.1" not in error.message + error.reason
