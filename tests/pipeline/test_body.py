"""The body on its way upstream: announced, verified, unframed, framed anew."""

import asyncio
import hmac
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.checksums_crt import CHECKSUMS
from gateway.core.errors import GatewayError, RequestError
from gateway.core.s3.address import Hosts
from gateway.core.s3.request import read_request
from gateway.core.sigv4.chunked import CHUNK_SIZE
from gateway.core.sigv4.claim import read_claim
from gateway.core.sigv4.credential import CredentialScope
from gateway.core.sigv4.outgoing import Signed
from gateway.core.sigv4.payload import EMPTY_SHA256
from gateway.emulator.chunked import decode
from gateway.emulator.signature import Claim
from gateway.emulator.signature import Signed as Witness
from gateway.pipeline.body import OutgoingBody, outgoing_body
from tests.support.fake_exchange import FakeExchange, broke_off
from tests.support.fake_time import NOW
from tests.support.fake_upstream_credentials import UPSTREAM
from tests.support.stage import ANA, known
from tests.support.wire import (
    SIGNED_CHUNKS,
    SIGNED_CHUNKS_TRAILER,
    UNSIGNED,
    UNSIGNED_TRAILER,
    Message,
    chunked_upload,
    message,
    presigned,
    signed,
)

SEED = "5eed" * 16
HEAD = Signed("https://s3/b/k", (), "20261120T123058Z", CredentialScope("20261120", "eu-1"), SEED)


def plan(
    wire: Message,
    pieces: Sequence[bytes | Exception] = (),
    held: bytes | None = None,
    *,
    check: bool = False,
) -> OutgoingBody:
    """The body that would go upstream for a request of ana."""
    request = read_request(wire.method, wire.target, wire.headers, Hosts(("localhost",)))
    exchange = FakeExchange(pieces)
    client = known().credential
    claim = read_claim(request)
    return outgoing_body(request, claim, client, UPSTREAM, exchange, CHECKSUMS, held, check=check)


async def collect(body: OutgoingBody) -> bytes:
    """Everything that would be sent."""
    pieces = body.pieces(HEAD)
    if pieces is None or isinstance(pieces, bytes):
        return pieces or b""
    return b"".join([piece async for piece in pieces])


async def collect_until_refused(body: OutgoingBody) -> tuple[bytes, str]:
    """What would be sent of a body that is refused, and the code of the refusal."""
    sent = b""
    pieces = body.pieces(HEAD)
    assert pieces is not None
    assert not isinstance(pieces, bytes)
    with pytest.raises(GatewayError) as caught:  # noqa: PT012 - what was sent until then counts
        async for piece in pieces:
            sent += piece
    assert body.fault is caught.value
    return sent, caught.value.code


def test_a_signed_hash_is_kept() -> None:
    """The client's own hash goes up, so that S3 itself refuses a tampered body."""
    body = plan(signed(message("PUT", "/acme-a/k", b"data"), ANA, at=NOW))
    assert (body.payload, body.headers) == (
        sha256(b"data").hexdigest(),
        (("content-length", "4"),),
    )


async def test_a_plain_body_goes_up_as_it_comes() -> None:
    """I24: byte for byte."""
    wire = signed(message("PUT", "/acme-a/k", b"ab\x00cd"), ANA, at=NOW)
    assert await collect(plan(wire, [b"ab", b"\x00c", b"d"])) == b"ab\x00cd"


@pytest.mark.parametrize(
    ("wire", "payload", "headers"),
    [
        pytest.param(
            signed(message("PUT", "/acme-a/k"), ANA, at=NOW),
            EMPTY_SHA256,
            (("content-length", "0"),),
            id="empty-put",
        ),
        pytest.param(
            signed(message("POST", "/acme-a/k?uploads"), ANA, at=NOW),
            EMPTY_SHA256,
            (("content-length", "0"),),
            id="empty-post",
        ),
        pytest.param(signed(message("GET", "/acme-a/k"), ANA, at=NOW), EMPTY_SHA256, (), id="get"),
        pytest.param(
            presigned(message("GET", "/acme-a/k"), ANA, at=NOW), UNSIGNED, (), id="presigned-get"
        ),
        pytest.param(
            presigned(message("DELETE", "/acme-a/k"), ANA, at=NOW), UNSIGNED, (), id="delete"
        ),
    ],
)
async def test_no_body_is_announced_as_none(
    wire: Message, payload: str, headers: tuple[tuple[str, str], ...]
) -> None:
    """I20: Content-Length is generated: also for an empty PUT, which S3 would answer with 411."""
    body = plan(wire)
    assert (body.payload, body.headers, body.pieces(HEAD)) == (payload, headers, None)


@pytest.mark.parametrize("held", [b"data", b""], ids=["body", "empty"])
async def test_a_body_that_had_to_be_read_is_sent_under_its_hash(held: bytes) -> None:
    """What older curl sends without x-amz-content-sha256."""
    wire = signed(message("PUT", "/acme-a/k", held), ANA, at=NOW, declare=False)
    body = plan(wire, held=held)
    assert body.payload == sha256(held).hexdigest()
    assert body.headers == (("content-length", str(len(held))),)
    assert await collect(body) == held


def test_a_body_of_unknown_length_is_refused() -> None:
    """S3 takes no upload without Content-Length."""
    wire = signed(Message("PUT", "/acme-a/k", (("host", "localhost"),)), ANA, at=NOW)
    with pytest.raises(RequestError) as caught:
        plan(wire.plus(("transfer-encoding", "chunked")))
    assert caught.value.code == "MissingContentLength"


async def test_a_client_that_leaves_is_remembered() -> None:
    """The upstream sees that the pieces ended early; the reason is kept aside."""
    wire = signed(message("PUT", "/acme-a/k", b"abcd"), ANA, at=NOW)
    body = plan(wire, [b"ab", broke_off()])
    with pytest.raises(RequestError):
        await collect(body)
    assert body.fault is not None
    assert body.fault.code == "IncompleteBody"


# --- payload_check: gateway -----------------------------------------------------------------------


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=8))
def test_a_checked_body_goes_up_as_it_comes(pieces: list[bytes]) -> None:
    """I24: the same bytes for every split, under the client's own hash."""
    wire = signed(message("PUT", "/acme-a/k", b"".join(pieces)), ANA, at=NOW)
    body = plan(wire, pieces, check=True)
    assert asyncio.run(collect(body)) == b"".join(pieces)
    assert body.payload == sha256(b"".join(pieces)).hexdigest()


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=8), st.data())
def test_a_checked_body_is_never_completed_when_any_byte_was_changed(
    pieces: list[bytes], data: st.DataObject
) -> None:
    """I21: however it is split, the last block never goes up."""
    whole = b"".join(pieces)
    wire = signed(message("PUT", "/acme-a/k", whole), ANA, at=NOW)
    place = data.draw(st.integers(0, len(pieces) - 1))
    at = data.draw(st.integers(0, len(pieces[place]) - 1))
    changed = [*pieces]
    changed[place] = flip(pieces[place], at, 1 << data.draw(st.integers(0, 7)))
    sent, code = asyncio.run(collect_until_refused(plan(wire, changed, check=True)))
    assert (code, sent) == ("XAmzContentSHA256Mismatch", b"".join(changed[:-1]))


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_no_body_under_the_hash_of_one_is_refused_when_checked(method: str) -> None:
    """Somebody cut it off; nothing is sent."""
    plain = message(method, "/acme-a/k")
    with pytest.raises(RequestError) as caught:
        plan(signed(plain, ANA, at=NOW, payload=sha256(b"data").hexdigest()), check=True)
    assert caught.value.code == "XAmzContentSHA256Mismatch"
    assert plan(signed(plain, ANA, at=NOW), check=True).payload == EMPTY_SHA256


async def test_an_unsigned_body_has_nothing_to_be_checked_against() -> None:
    """It goes up as such."""
    wire = signed(message("PUT", "/acme-a/k", b"data"), ANA, at=NOW, payload=UNSIGNED)
    assert await collect(plan(wire, [b"da", b"ta"], check=True)) == b"data"


DATA = bytes(range(256)) * 800  # 204,800 bytes: three chunks of our own and a rest
CRC32 = b64encode(crc32(DATA).to_bytes(4, "big")).decode()
TRAILER = ("x-amz-checksum-crc32", CRC32)
MODES = [
    pytest.param(SIGNED_CHUNKS, None, id="signed"),
    pytest.param(SIGNED_CHUNKS_TRAILER, TRAILER, id="signed-trailer"),
    pytest.param(UNSIGNED_TRAILER, TRAILER, id="unsigned-trailer"),
]


def upload(
    mode: str = SIGNED_CHUNKS, trailer: tuple[str, str] | None = None, data: bytes = DATA
) -> Message:
    """An aws-chunked upload by ana."""
    return chunked_upload("/acme-a/k", data, ANA, mode=mode, trailer=trailer, at=NOW)


def split(body: bytes, size: int) -> list[bytes]:
    """As it may arrive."""
    return [body[start : start + size] for start in range(0, len(body), size)]


def witness(mode: str) -> Witness:
    """The emulator's verifier, for what the gateway signed."""
    scope = HEAD.scope
    claim = Claim(
        UPSTREAM.access_key_id, scope.date, scope.region, (), SEED, HEAD.timestamp, mode, None
    )
    key = f"AWS4{UPSTREAM.secret_access_key}".encode()
    for part in str(scope).split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return Witness(claim, lambda text: hmac.digest(key, text.encode(), "sha256").hex())


@pytest.mark.parametrize(("mode", "trailer"), MODES)
@pytest.mark.parametrize("size", [1 << 20, 60_000, 997])
async def test_chunks_are_framed_anew_in_the_clients_own_mode(
    mode: str, trailer: tuple[str, str] | None, size: int
) -> None:
    """I20, I24: the emulator verifies our chain and finds the same bytes and the same trailer."""
    wire = upload(mode, trailer)
    body = plan(wire, split(wire.body, size))
    framed = await collect(body)
    headers = dict(body.headers)
    decoded = decode(framed, witness(mode))
    assert (decoded.body, decoded.trailers) == (DATA, (trailer,) if trailer else ())
    assert (body.payload, int(headers.pop("content-length"))) == (mode, len(framed))
    expected = {"x-amz-decoded-content-length": str(len(DATA))}
    assert headers == expected | ({"x-amz-trailer": trailer[0]} if trailer else {})


async def test_an_empty_upload_in_chunks_is_one() -> None:
    """Zero bytes are framed, too."""
    wire = upload(data=b"")
    framed = await collect(plan(wire, [wire.body]))
    assert decode(framed, witness(SIGNED_CHUNKS)).body == b""


def flip(framed: bytes, at: int, bit: int = 1) -> bytes:
    """One bit of it changed."""
    return framed[:at] + bytes([framed[at] ^ bit]) + framed[at + 1 :]


@pytest.mark.parametrize(
    ("mode", "trailer", "tamper", "code"),
    [
        pytest.param(
            SIGNED_CHUNKS, None, lambda b: flip(b, 20_000), "SignatureDoesNotMatch", id="data"
        ),
        pytest.param(
            SIGNED_CHUNKS, None, lambda b: flip(b, 40), "SignatureDoesNotMatch", id="signature"
        ),
        pytest.param(
            SIGNED_CHUNKS,
            None,
            lambda b: flip(b, len(b) - 8),
            "SignatureDoesNotMatch",
            id="final-signature",
        ),
        pytest.param(
            SIGNED_CHUNKS, None, lambda b: b[: b.rindex(b"0;chunk")], "IncompleteBody", id="no-end"
        ),
        pytest.param(SIGNED_CHUNKS, None, lambda b: b[: len(b) // 2], "IncompleteBody", id="half"),
        pytest.param(
            SIGNED_CHUNKS, None, lambda b: b + b"more", "InvalidRequest", id="bytes-after-the-end"
        ),
        pytest.param(
            SIGNED_CHUNKS_TRAILER,
            TRAILER,
            lambda b: flip(b, len(b) - 8),
            "SignatureDoesNotMatch",
            id="trailer-signature",
        ),
        pytest.param(
            UNSIGNED_TRAILER, TRAILER, lambda b: flip(b, 20_000), "BadDigest", id="unsigned-data"
        ),
        pytest.param(
            UNSIGNED_TRAILER,
            TRAILER,
            lambda b: b.replace(CRC32.encode(), b"AAAAAA=="),
            "BadDigest",
            id="unsigned-checksum",
        ),
    ],
)
@pytest.mark.parametrize("size", [1 << 20, 997])
async def test_a_tampered_upload_is_never_completed(
    mode: str, trailer: tuple[str, str] | None, tamper, code: str, size: int
) -> None:
    """I21: the last block is held back until all is verified, so that S3 gets too few bytes."""
    wire = upload(mode, trailer)
    body = plan(wire, split(tamper(wire.body), size))
    sent, answered = await collect_until_refused(body)
    assert answered == code
    announced = int(dict(body.headers)["content-length"])
    assert len(sent) + CHUNK_SIZE // 16 < announced  # a whole block and the end are missing


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        pytest.param(
            upload(SIGNED_CHUNKS, TRAILER), "InvalidRequest", id="trailer-in-a-mode-without"
        ),
        pytest.param(
            upload(UNSIGNED_TRAILER), "InvalidRequest", id="no-trailer-in-a-mode-with-one"
        ),
        pytest.param(
            upload(UNSIGNED_TRAILER, ("x-amz-checksum-md4", "")),
            "InvalidRequest",
            id="unknown-checksum",
        ),
        pytest.param(
            upload(UNSIGNED_TRAILER, ("x-amz-meta-crc32", "")),
            "InvalidRequest",
            id="no-checksum",
        ),
        pytest.param(
            upload(UNSIGNED_TRAILER, ("crc32", "")), "InvalidRequest", id="checksum-without-prefix"
        ),
        pytest.param(
            upload().less("x-amz-decoded-content-length"), "MissingContentLength", id="no-length"
        ),
        *(
            pytest.param(
                upload()
                .less("x-amz-decoded-content-length")
                .plus(("x-amz-decoded-content-length", text)),
                "InvalidArgument",
                id=f"length-{text!r}",
            )
            for text in ("", "-1", "+1", "1e3", "0x10", "\xc2\xb2", "1" * 16)
        ),
    ],
)
def test_announcements_that_make_no_sense_are_refused(wire: Message, code: str) -> None:
    """Before anything is sent. Whether they are signed is the claim's matter."""
    names = "SignedHeaders=" + ";".join(
        sorted({name for name, _ in wire.lines} - {"authorization", "content-length"})
    )
    header = dict(wire.lines)["authorization"].split(", ")
    wire = wire.less("authorization").plus(("authorization", f"{header[0]}, {names}, {header[2]}"))
    with pytest.raises(RequestError) as caught:
        plan(wire)
    assert caught.value.code == code
