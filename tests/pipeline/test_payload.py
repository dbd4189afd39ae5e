"""What covers a body: the modes a principal may use, and a small body under a cap."""

from dataclasses import replace
from hashlib import sha256

import pytest

from gateway.core.errors import AccessDenied, RequestError
from gateway.core.ports import Principal
from gateway.core.s3.address import Bucket, Object
from gateway.core.s3.operations import DEFAULT_GROUPS
from gateway.core.s3.query import parse_query
from gateway.core.s3.request import S3Request
from gateway.core.sigv4.payload import (
    SIGNED_CHUNKS,
    SIGNED_CHUNKS_TRAILER,
    UNSIGNED_TRAILER,
    ChunkedPayload,
    PayloadMode,
    SignedPayload,
    UndeclaredPayload,
    UnsignedPayload,
)
from gateway.pipeline.payload import (
    check_payload_is_covered,
    check_whole_payload,
    read_small_body,
)
from tests.support.fake_exchange import FakeExchange, broke_off


def request(*, remote: str = "192.0.2.7", secure: bool = False) -> S3Request:
    """A gated PUT from somewhere."""
    return S3Request(
        "PUT", "/b", parse_query("inventory&id=a"), (), Bucket("bucket"), remote, secure
    )


@pytest.mark.parametrize("declared", [None, 6])
async def test_a_small_body_is_read_whole(declared: int | None) -> None:
    """Whether its length was declared or not."""
    exchange = FakeExchange([b"abc", b"def"])
    assert await read_small_body(exchange, 6, declared) == b"abcdef"


async def test_a_small_body_is_due_as_a_whole() -> None:
    """I25: a byte now and then would hold its memory for ever, and need no key for it."""
    exchange = FakeExchange([b"abc"])
    await read_small_body(exchange, 6, 3)
    assert exchange.hastened


async def test_a_body_declared_too_large_is_refused_before_it_is_read() -> None:
    """I25: nothing of it is taken in."""
    exchange = FakeExchange([b"abc"])
    with pytest.raises(RequestError) as caught:
        await read_small_body(exchange, 6, 7)
    assert (caught.value.code, dict(caught.value.members), exchange.reads) == (
        "EntityTooLarge",
        {"MaxSizeAllowed": "6"},
        0,
    )


async def test_a_body_that_grows_too_large_is_refused_at_once() -> None:
    """I25: reading stops with the piece that goes over the limit."""
    exchange = FakeExchange([b"abcd", b"efg", b"never read"])
    with pytest.raises(RequestError) as caught:
        await read_small_body(exchange, 6, None)
    assert (caught.value.code, exchange.reads) == ("EntityTooLarge", 2)


async def test_a_body_that_breaks_off_is_no_body() -> None:
    """The exchange's error passes."""
    with pytest.raises(RequestError) as caught:
        await read_small_body(FakeExchange([b"abc", broke_off()]), 6, 6)
    assert caught.value.code == "IncompleteBody"


BODY = b"<InventoryConfiguration/>"
HASH = sha256(BODY).hexdigest()


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        pytest.param(SignedPayload(HASH), {}, id="signed"),
        pytest.param(SignedPayload(HASH.upper()), {}, id="signed-upper-case"),
        pytest.param(UnsignedPayload(), {"secure": True}, id="unsigned-over-tls"),
        pytest.param(UndeclaredPayload(), {}, id="undeclared"),
    ],
)
def test_a_protected_body_is_taken(payload: PayloadMode, where: dict) -> None:
    """By its hash, or by the connection."""
    check_whole_payload(request(**where), payload, BODY)


@pytest.mark.parametrize(
    ("payload", "where", "code"),
    [
        pytest.param(
            SignedPayload(sha256(b"x").hexdigest()),
            {"secure": True},
            "XAmzContentSHA256Mismatch",
            id="other-hash",
        ),
        pytest.param(
            ChunkedPayload(SIGNED_CHUNKS), {"secure": True}, "InvalidRequest", id="chunked"
        ),
        pytest.param(UnsignedPayload(), {}, "InvalidRequest", id="unsigned-in-the-clear"),
        *(
            pytest.param(
                UnsignedPayload(), {"remote": remote}, "InvalidRequest", id=f"unsigned-{remote}"
            )
            for remote in ("127.0.0.1", "::1", "")
        ),
    ],
)
def test_an_unprotected_body_is_refused(payload: PayloadMode, where: dict, code: str) -> None:
    """I12: what was signed must be what arrived; unsigned only where nobody could change it."""
    with pytest.raises(RequestError) as caught:
        check_whole_payload(request(**where), payload, BODY)
    assert caught.value.code == code


STRICT = Principal("ana", ("*",), DEFAULT_GROUPS, unsigned_payload=False)


def sending(method: str, length: str | None) -> S3Request:
    """A request with a body of that length."""
    headers = () if length is None else (("content-length", length),)
    return S3Request(
        method, "/bucket/key", parse_query(""), headers, Object("bucket", "key", "key")
    )


@pytest.mark.parametrize(
    ("payload", "method", "length"),
    [
        pytest.param(UnsignedPayload(), "PUT", "4", id="unsigned"),
        pytest.param(UnsignedPayload(), "PUT", "0", id="unsigned-and-cut-off"),
        pytest.param(UnsignedPayload(), "POST", None, id="unsigned-post"),
        pytest.param(UnsignedPayload(), "DELETE", "4", id="unsigned-body-of-a-delete"),
        pytest.param(ChunkedPayload(UNSIGNED_TRAILER), "PUT", "90", id="unsigned-trailer"),
    ],
)
def test_a_body_that_is_not_covered_is_refused_where_it_must_be(
    payload: PayloadMode, method: str, length: str | None
) -> None:
    """A trailer's checksum has no key: whoever changes the body changes it, too."""
    with pytest.raises(AccessDenied) as caught:
        check_payload_is_covered(STRICT, sending(method, length), payload)
    assert f"({payload.text})" in caught.value.message
    assert '"payload_signing_enabled": True' in caught.value.message
    anybody = replace(STRICT, unsigned_payload=True)
    check_payload_is_covered(anybody, sending(method, length), payload)


@pytest.mark.parametrize(
    ("payload", "method"),
    [
        pytest.param(SignedPayload(HASH), "PUT", id="signed"),
        pytest.param(UndeclaredPayload(), "PUT", id="undeclared"),
        pytest.param(ChunkedPayload(SIGNED_CHUNKS), "PUT", id="signed-chunks"),
        pytest.param(ChunkedPayload(SIGNED_CHUNKS_TRAILER), "PUT", id="signed-chunks-and-trailer"),
        pytest.param(UnsignedPayload(), "GET", id="presigned-get"),
        pytest.param(UnsignedPayload(), "DELETE", id="presigned-delete"),
    ],
)
def test_what_is_covered_or_no_body_passes(payload: PayloadMode, method: str) -> None:
    """Also where bodies must be signed."""
    check_payload_is_covered(STRICT, sending(method, None), payload)
