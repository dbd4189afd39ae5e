"""A small body, read whole under a cap and held against what was signed."""

from hashlib import sha256

import pytest

from gateway.core.errors import RequestError
from gateway.core.s3.address import Bucket
from gateway.core.s3.query import parse_query
from gateway.core.s3.request import S3Request
from gateway.core.sigv4.payload import (
    SIGNED_CHUNKS,
    ChunkedPayload,
    PayloadMode,
    SignedPayload,
    UndeclaredPayload,
    UnsignedPayload,
)
from gateway.pipeline.payload import check_whole_payload, read_small_body
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
        pytest.param(UnsignedPayload(), {"remote": "127.0.0.1"}, id="unsigned-from-loopback"),
        pytest.param(UnsignedPayload(), {"remote": "::1"}, id="unsigned-from-ipv6-loopback"),
        pytest.param(UndeclaredPayload(), {"secure": True}, id="undeclared-over-tls"),
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
            {},
            "XAmzContentSHA256Mismatch",
            id="other-hash",
        ),
        pytest.param(ChunkedPayload(SIGNED_CHUNKS), {}, "InvalidRequest", id="chunked"),
        pytest.param(UnsignedPayload(), {}, "InvalidRequest", id="unsigned-in-the-clear"),
        pytest.param(
            UnsignedPayload(), {"remote": "::1f"}, "InvalidRequest", id="not-quite-loopback"
        ),
        pytest.param(UndeclaredPayload(), {}, "InvalidRequest", id="undeclared-in-the-clear"),
    ],
)
def test_an_unprotected_body_is_refused(payload: PayloadMode, where: dict, code: str) -> None:
    """I12: what was signed must be what arrived; unsigned only where nobody could change it."""
    with pytest.raises(RequestError) as caught:
        check_whole_payload(request(**where), payload, BODY)
    assert caught.value.code == code


def test_the_mismatch_names_both_hashes() -> None:
    """As S3 does."""
    claimed = sha256(b"x").hexdigest().upper()
    with pytest.raises(RequestError) as caught:
        check_whole_payload(request(), SignedPayload(claimed), BODY)
    assert dict(caught.value.members) == {
        "ClientComputedContentSHA256": claimed,
        "S3ComputedContentSHA256": HASH,
    }
