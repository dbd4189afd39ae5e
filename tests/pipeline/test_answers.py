"""What may be passed back of an upstream's answer."""

import pytest

from gateway.core.errors import CredentialsUnavailable, GatewayError, UpstreamUnavailable
from gateway.pipeline.answers import (
    MAX_SMALL_ANSWER,
    SmallAnswer,
    error_code,
    fault_of,
    is_error,
    is_redirect,
    read_small_answer,
)
from tests.support.fake_upstream import FakeResponse


@pytest.mark.parametrize(
    ("status", "redirect", "error"),
    [
        (200, False, False),
        (204, False, False),
        (206, False, False),
        (300, True, False),
        (301, True, False),
        (304, False, False),
        (307, True, False),
        (308, True, False),
        (399, True, False),
        (400, False, True),
        (404, False, True),
        (503, False, True),
    ],
)
def test_statuses_are_told_apart(status: int, redirect: bool, error: bool) -> None:
    """I8: all of 3xx would send the client somewhere, but for 304."""
    assert (is_redirect(status), is_error(status)) == (redirect, error)


def document(code: str) -> bytes:
    """An error document of S3."""
    return f"<Error><Code>{code}</Code><Message>words</Message></Error>".encode()


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        *(
            pytest.param(
                403,
                document(code),
                CredentialsUnavailable,
                "upstream_refused_credentials",
                id=code,
            )
            for code in (
                "ExpiredToken",
                "InvalidAccessKeyId",
                "InvalidSecurity",
                "InvalidToken",
                "RequestTimeTooSkewed",
                "SignatureDoesNotMatch",
                "TokenRefreshRequired",
            )
        ),
        *(
            pytest.param(400, document(code), UpstreamUnavailable, "upstream_redirect", id=code)
            for code in ("AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect")
        ),
        pytest.param(301, b"", UpstreamUnavailable, "upstream_redirect", id="301-without-document"),
        pytest.param(307, b"", UpstreamUnavailable, "upstream_redirect", id="307-without-document"),
    ],
)
def test_answers_about_the_gateway_itself_become_its_own_error(
    status: int, body: bytes, kind: type[GatewayError], reason: str
) -> None:
    """I5, I8: those documents quote its key id and token, or would send the client elsewhere."""
    fault = fault_of(status, body)
    assert isinstance(fault, kind)
    assert getattr(fault, "reason", None) == reason


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(404, document("NoSuchKey"), id="NoSuchKey"),
        pytest.param(403, document("AccessDenied"), id="AccessDenied"),
        pytest.param(404, b"", id="head"),
        pytest.param(503, document("SlowDown"), id="SlowDown"),
        pytest.param(304, b"", id="not-modified"),
        pytest.param(502, b"<html>Bad gateway", id="page-of-a-proxy"),
        pytest.param(404, document("No<b/>"), id="no-code"),
    ],
)
def test_answers_about_the_request_are_the_clients(status: int, body: bytes) -> None:
    """They pass as they are."""
    assert fault_of(status, body) is None


@pytest.mark.parametrize(
    ("method", "status", "body", "expected"),
    [
        pytest.param("GET", 301, document("PermanentRedirect"), True, id="301"),
        pytest.param("PUT", 301, b"", True, id="301-without-document"),
        pytest.param("HEAD", 301, b"", True, id="head-301"),
        pytest.param("PUT", 307, document("TemporaryRedirect"), True, id="307"),
        pytest.param("PUT", 400, document("AuthorizationHeaderMalformed"), True, id="scope"),
        pytest.param("PUT", 400, document("PermanentRedirect"), True, id="400-redirect"),
        pytest.param("HEAD", 400, b"", True, id="head-400"),
        pytest.param("HEAD", 404, b"", False, id="head-404"),
        pytest.param("GET", 400, b"", False, id="400-without-document"),
        pytest.param("PUT", 400, document("MalformedXML"), False, id="another-400"),
        pytest.param("GET", 403, document("AccessDenied"), False, id="403"),
        pytest.param("PUT", 500, document("PermanentRedirect"), False, id="may-have-acted"),
        pytest.param("GET", 302, document("Found"), False, id="302"),
        pytest.param("GET", 308, b"", False, id="308"),
    ],
)
def test_an_answer_doubts_the_region_only_where_s3_has_not_acted(
    method: str, status: int, body: bytes, *, expected: bool
) -> None:
    """Routing and the signature's scope come before the operation; HEAD shows no more than 400."""
    assert SmallAnswer(status, (), body).doubts_region(method) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [(document("NoSuchKey"), "NoSuchKey"), (b"", ""), (document("x" * 65), "")],
    ids=["code", "nothing", "too-long"],
)
def test_the_code_of_a_document_is_read(body: bytes, expected: str) -> None:
    """Or nothing, where there is none."""
    assert error_code(body) == expected


async def test_a_small_answer_is_read_whole() -> None:
    """Up to its limit."""
    pieces = [b"a" * (MAX_SMALL_ANSWER - 1), b"b"]
    response = FakeResponse(200, (("etag", "e"),), pieces)
    expected = SmallAnswer(200, (("etag", "e"),), b"".join(pieces))
    assert await read_small_answer(response, "GET") == expected


async def test_nothing_is_awaited_after_head() -> None:
    """It has no body, whatever its Content-Length says."""
    response = FakeResponse(404, (("content-length", "5"),), [b"never"])
    assert (await read_small_answer(response, "HEAD")).body == b""


async def test_an_answer_that_is_not_small_is_refused() -> None:
    """I25: it is not held in memory."""
    with pytest.raises(UpstreamUnavailable) as caught:
        await read_small_answer(FakeResponse(200, (), [b"a" * MAX_SMALL_ANSWER, b"b"]), "GET")
    assert caught.value.reason == "answer_too_large"


async def test_an_answer_that_breaks_off_is_none() -> None:
    """I22: half of it is not passed on."""
    fault = UpstreamUnavailable("body_broke_off")
    with pytest.raises(UpstreamUnavailable) as caught:
        await read_small_answer(FakeResponse(200, (), [b"half"], fault), "GET")
    assert caught.value is fault
