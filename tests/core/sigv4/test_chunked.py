"""aws-chunked: the same output for every split, and nothing passes that was not promised."""

import json
import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import GatewayError
from gateway.core.sigv4.chunked import (
    CHUNK_SIZE,
    SMALLEST_CHUNK,
    ChunkChain,
    ChunkDecoder,
    ChunkEncoder,
    Trailer,
    framed_length,
)
from gateway.core.sigv4.credential import CredentialScope
from gateway.core.sigv4.signature import signing_key
from tests.support.captures import Capture, load_captures
from tests.support.strategies import CHECKSUMS, SECRET

VECTORS: Final[dict[str, dict[str, Any]]] = {
    vector["name"]: vector
    for vector in json.loads((Path(__file__).parents[2] / "vectors" / "sigv4.json").read_text())[
        "vectors"
    ]
}
SCOPE = CredentialScope("20261120", "us-east-1")


def _chain() -> ChunkChain:
    return ChunkChain(signing_key(SECRET, SCOPE), "20261120T100000Z", SCOPE, "0" * 64)


def _trailer(algorithm: str | None = "crc32") -> Trailer | None:
    return None if algorithm is None else Trailer(algorithm, CHECKSUMS[algorithm]())


def _checksum(body: bytes, algorithm: str = "crc32") -> str:
    hasher = CHECKSUMS[algorithm]()
    hasher.update(body)
    return b64encode(hasher.digest()).decode()


def _trailers(body: bytes, algorithm: str | None) -> dict[str, str]:
    return {} if algorithm is None else {f"x-amz-checksum-{algorithm}": _checksum(body, algorithm)}


def _framed(body: bytes, *, signed: bool, algorithm: str | None) -> bytes:
    encoder = ChunkEncoder(_chain() if signed else None)
    pieces = [*encoder.encode(body), *encoder.finish(_trailers(body, algorithm))]
    return b"".join(pieces)


def _decode(decoder: ChunkDecoder, pieces: Iterable[bytes]) -> bytes:
    data = b"".join(out for piece in pieces for out in decoder.feed(piece))
    decoder.close()
    return data


def _code(decoder: ChunkDecoder, wire: bytes) -> str:
    with pytest.raises(GatewayError) as caught:
        _decode(decoder, [wire])
    return caught.value.code


#: Without a trailer, and with a trailer of every checksum that S3 knows.
ALGORITHMS = [None, *sorted(CHECKSUMS)]
modes = pytest.mark.parametrize(
    ("signed", "algorithm"),
    [
        pytest.param(signed, algorithm, id=f"{'signed' if signed else 'unsigned'}-{algorithm}")
        for signed in (True, False)
        for algorithm in ALGORITHMS
    ],
)


@modes
@given(st.binary(max_size=50), st.lists(st.integers(0, 400), max_size=5))
def test_body_is_itself_again_when_framed_and_split_anywhere(
    signed: bool, algorithm: str | None, body: bytes, cuts: list[int]
):
    """Every split of the input gives the same output."""
    wire = _framed(body, signed=signed, algorithm=algorithm)
    places = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    pieces = [wire[start:end] for start, end in pairwise(places)]
    for split in (pieces, [wire[at : at + 1] for at in range(len(wire))]):
        decoder = ChunkDecoder(len(body), _chain() if signed else None, _trailer(algorithm))
        assert body == _decode(decoder, split)
        assert decoder.complete
        assert _trailers(body, algorithm) == decoder.trailers


@modes
@pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 200_000])
def test_length_is_the_declared_one_when_framed(signed: bool, algorithm: str | None, size: int):
    """Content-Length must be known before the body is."""
    wire = _framed(b"x" * size, signed=signed, algorithm=algorithm)
    assert len(wire) == framed_length(size, algorithm, signed=signed)


def test_last_block_is_held_back_when_encoded():
    """So that a tampered body is never completed upstream."""
    encoder = ChunkEncoder(None)
    assert [] == list(encoder.encode(b"x" * CHUNK_SIZE))
    assert 1 == len(list(encoder.encode(b"y")))
    assert b"1\r\ny\r\n0\r\n\r\n" == b"".join(encoder.finish({}))


signed_modes = pytest.mark.parametrize("algorithm", ALGORITHMS)


def _is_refused(changed: bytes, wire: bytes, body: bytes, algorithm: str | None) -> bool:
    """Whether a changed body is refused, or is the same promise in another case.

    A hexadecimal size and a trailer's name may be written in either.
    """
    decoder = ChunkDecoder(len(body), _chain(), _trailer(algorithm), smallest=1)
    try:
        same = body == _decode(decoder, [changed])
    except GatewayError:
        return True
    return same and changed.lower() == wire.lower()


@signed_modes
@given(st.binary(min_size=1, max_size=30), st.data())
def test_body_is_refused_when_any_byte_of_a_signed_one_was_changed(
    algorithm: str | None, body: bytes, data: st.DataObject
):
    """Data, sizes, signatures, trailers: all bound."""
    wire = _framed(body, signed=True, algorithm=algorithm)
    at = data.draw(st.integers(0, len(wire) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != wire[at]))
    assert _is_refused(wire[:at] + bytes([byte]) + wire[at + 1 :], wire, body, algorithm)


@signed_modes
def test_body_is_refused_when_any_bit_of_a_signed_one_was_flipped(algorithm: str | None):
    """Every bit there is, of two chunks and what follows."""
    encoder = ChunkEncoder(_chain())
    body = b"the first chunk, and the second"
    pieces = [encoder._chunk(body[:15]), encoder._chunk(body[15:])]
    wire = b"".join([*pieces, *encoder.finish(_trailers(body, algorithm))])
    accepted = [
        (at, bit)
        for at in range(len(wire))
        for bit in range(8)
        if not _is_refused(
            wire[:at] + bytes([wire[at] ^ 1 << bit]) + wire[at + 1 :], wire, body, algorithm
        )
    ]
    assert [] == accepted


@signed_modes
@given(st.binary(min_size=1, max_size=30), st.data())
def test_body_is_refused_when_a_byte_of_a_signed_one_is_gone_or_more(
    algorithm: str | None, body: bytes, data: st.DataObject
):
    """Shifted framings, too."""
    wire = _framed(body, signed=True, algorithm=algorithm)
    at = data.draw(st.integers(0, len(wire) - 1))
    added = bytes([data.draw(st.integers(0, 255))])
    for changed in (wire[:at] + wire[at + 1 :], wire[:at] + added + wire[at:], wire + added):
        decoder = ChunkDecoder(len(body), _chain(), _trailer(algorithm))
        try:
            decoded = _decode(decoder, [changed])
        except GatewayError:
            continue
        # a leading zero of a size, or a blank around a trailer's value, is the same promise
        assert body == decoded
        assert _squeezed(changed) == _squeezed(wire)


def _squeezed(wire: bytes) -> bytes:
    """Without what may be there or not."""
    return re.sub(rb"(^|\n)0+(?=[0-9a-f])|[ \t]", rb"\1", wire.lower())


def _in_chunks(*sizes: int, signed: bool) -> bytes:
    """A body of zeros in chunks of these sizes."""
    encoder = ChunkEncoder(_chain() if signed else None)
    return b"".join([*(encoder._chunk(bytes(size)) for size in sizes), *encoder.finish({})])


small_chunks = pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([1, 1], id="one-byte-each"),
        pytest.param([SMALLEST_CHUNK - 1, SMALLEST_CHUNK], id="first"),
        pytest.param([SMALLEST_CHUNK, SMALLEST_CHUNK - 1, 1], id="last-but-one"),
    ],
)


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@small_chunks
def test_chunk_is_refused_when_it_is_small_and_not_the_last(signed: bool, sizes: list[int]):
    """I25: each costs the same, so that tiny ones would hold the event loop."""
    wire = _in_chunks(*sizes, signed=signed)
    decoder = ChunkDecoder(sum(sizes), _chain() if signed else None, None)
    with pytest.raises(GatewayError) as caught:
        _decode(decoder, [wire])
    bad = next(size for size in sizes if size < SMALLEST_CHUNK)
    assert ("InvalidChunkSizeError", 403) == (caught.value.code, caught.value.status)
    assert {"BadChunkSize": str(bad)} == caught.value.members


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([1], id="only"),
        pytest.param([SMALLEST_CHUNK, 1], id="last"),
        pytest.param([SMALLEST_CHUNK, SMALLEST_CHUNK], id="none"),
    ],
)
def test_chunk_is_taken_when_it_is_small_and_the_last(signed: bool, sizes: list[int]):
    """Exactly 8 KiB is not small: JavaScript v3 sends that."""
    wire = _in_chunks(*sizes, signed=signed)
    decoder = ChunkDecoder(sum(sizes), _chain() if signed else None, None)
    assert bytes(sum(sizes)) == _decode(decoder, [wire])


@pytest.mark.parametrize("cut", range(1, 60))
def test_body_is_incomplete_when_it_ends_early(cut: int):
    """I21: never complete before the last line."""
    wire = _framed(b"body", signed=False, algorithm="crc32")
    decoder = ChunkDecoder(4, None, _trailer())
    shortened = wire[: max(0, len(wire) - cut)]
    assert "IncompleteBody" == _code(decoder, shortened)
    assert not decoder.complete


GOOD_TRAILER = f"x-amz-checksum-crc32:{_checksum(b'body')}\r\n".encode()


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        pytest.param(b"zz\r\n", "InvalidRequest", id="size-is-no-number"),
        pytest.param(b"-4\r\nbody\r\n0\r\n\r\n", "InvalidRequest", id="size-is-negative"),
        pytest.param(b"0x4\r\nbody\r\n0\r\n\r\n", "InvalidRequest", id="size-with-a-prefix"),
        pytest.param(b" 4\r\nbody\r\n0\r\n\r\n", "InvalidRequest", id="size-with-a-blank"),
        pytest.param(b"4;x=y\r\nbody\r\n0\r\n\r\n", "InvalidRequest", id="unknown-extension"),
        pytest.param(
            b"4;chunk-signature=" + b"0" * 64 + b"\r\nbody", "InvalidRequest", id="signed-unasked"
        ),
        pytest.param(b"4\nbody\n0\n\n" + b"x" * 600, "InvalidRequest", id="bare-line-feeds"),
        pytest.param(b"f" * 600, "InvalidRequest", id="endless-line"),
        pytest.param(b"4\r\nbodyXX0\r\n", "InvalidRequest", id="no-line-end-behind-data"),
        pytest.param(b"5\r\nbodyx\r\n", "IncompleteBody", id="longer-than-declared"),
        pytest.param(b"3\r\nbod\r\n0\r\n", "IncompleteBody", id="shorter-than-declared"),
        pytest.param(b"4\r\nbody\r\n0\r\n\r\n", "InvalidRequest", id="trailer-missing"),
        pytest.param(
            b"4\r\nbody\r\n0\r\n" + GOOD_TRAILER * 2, "InvalidRequest", id="trailer-twice"
        ),
        pytest.param(
            b"4\r\nbody\r\n0\r\nx-amz-checksum-sha1:x\r\n", "InvalidRequest", id="another-trailer"
        ),
        pytest.param(b"4\r\nbody\r\n0\r\nno colon\r\n", "InvalidRequest", id="trailer-malformed"),
        pytest.param(
            b"4\r\nbody\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "BadDigest", id="digest"
        ),
        pytest.param(
            b"4\r\nbody\r\n0\r\nx-amz-checksum-crc32:x\r\n\r\n", "InvalidRequest", id="no-digest"
        ),
        pytest.param(
            b"4\r\nbody\r\n0\r\n" + GOOD_TRAILER + b"\r\nx", "InvalidRequest", id="bytes-behind"
        ),
    ],
)
def test_framing_is_refused_when_malformed(wire: bytes, code: str):
    """One framing, byte for byte."""
    assert code == _code(ChunkDecoder(4, None, _trailer()), wire)


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        pytest.param(b"4\r\nbody", "InvalidRequest", id="signature-missing"),
        pytest.param(
            b"4;chunk-signature=" + b"0" * 64 + b"\r\nbody\r\n", "SignatureDoesNotMatch", id="wrong"
        ),
        pytest.param(
            b"0;chunk-signature=" + b"0" * 64 + b"\r\n", "SignatureDoesNotMatch", id="wrong-last"
        ),
        pytest.param(b"4;chunk-signature=" + b"0" * 63 + b"\r\n", "InvalidRequest", id="short"),
        pytest.param(b"4;chunk-signature=" + b"A" * 64 + b"\r\n", "InvalidRequest", id="case"),
    ],
)
def test_chunk_is_refused_when_its_signature_is_not_the_chains(wire: bytes, code: str):
    """The last chunk of no bytes counts too."""
    assert code == _code(ChunkDecoder(4, _chain(), None), wire)


def test_trailer_is_refused_when_none_was_announced():
    """Nothing follows the last chunk then."""
    assert "InvalidRequest" == _code(ChunkDecoder(0, None, None), b"0\r\nx-a:b\r\n\r\n")


def test_trailer_is_refused_when_its_signature_is_missing():
    """Signed chunks sign their trailer."""
    wire = _framed(b"body", signed=True, algorithm="crc32")
    cut = wire.index(b"x-amz-trailer-signature")
    decoder = ChunkDecoder(4, _chain(), _trailer())
    assert "SignatureDoesNotMatch" == _code(decoder, wire[:cut] + b"\r\n")


# --- S3's worked examples and real clients --------------------------------------------------------


def _vector_chain(vector: dict[str, Any]) -> ChunkChain:
    scope = CredentialScope(vector["date"][:8], vector["region"])
    key = signing_key(vector["secret_key"], scope)
    return ChunkChain(key, vector["date"], scope, vector["signature"])


@pytest.mark.parametrize("name", ["s3doc-streaming-signed", "s3doc-streaming-signed-trailer"])
def test_worked_example_is_reproduced_when_framed(name: str):
    """The S3 reference: 65 KiB of the letter a."""
    vector = VECTORS[name]
    body = b"a" * 66_560
    trailers = dict([vector["trailer"]]) if "trailer" in vector else {}
    encoder = ChunkEncoder(_vector_chain(vector))
    wire = b"".join([*encoder.encode(body), *encoder.finish(trailers)])
    assert all(signature.encode() in wire for signature in vector["chunk_signatures"])
    assert (vector["wire_length"], vector["wire_sha256"]) == (len(wire), sha256(wire).hexdigest())
    trailer = _trailer("crc32c") if trailers else None
    decoder = ChunkDecoder(len(body), _vector_chain(vector), trailer)
    assert body == _decode(decoder, [wire])
    assert trailers == decoder.trailers


def _chunked_captures() -> list[Capture]:
    return [
        capture
        for capture in load_captures().requests
        if capture.index.get("aws_chunked") and capture.wire_body and not capture.is_truncated
    ]


def _decoded_length(capture: Capture) -> int:
    """The sum of the chunks: botocore declares no length for a stream that it cannot seek."""
    sizes = (str(size).partition("x") for size in capture.index["aws_chunk_sizes"])
    return sum(int(size) * int(count or 1) for size, _, count in sizes)


@pytest.mark.parametrize("client", sorted({item.client for item in _chunked_captures()}))
def test_body_is_decoded_when_a_real_client_framed_it(client: str):
    """Signed chunks of restic; trailers of botocore, JavaScript, CRT and C++."""
    for capture in _chunked_captures():
        if capture.client != client:
            continue
        headers = {name.lower(): value for name, value in capture.headers}
        chain, trailer = None, None
        if headers.get("x-amz-content-sha256") == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
            stamp = headers["x-amz-date"]
            scope = CredentialScope(stamp[:8], capture.index["region"])
            secret = load_captures().secrets[capture.index["access_key_id"]]
            seed = headers["authorization"].rpartition("=")[2]
            chain = ChunkChain(signing_key(secret, scope), stamp, scope, seed)
        if "x-amz-trailer" in headers:
            trailer = _trailer(headers["x-amz-trailer"].removeprefix("x-amz-checksum-"))
        length = _decoded_length(capture)
        assert str(length) == headers.get("x-amz-decoded-content-length", str(length))
        decoder = ChunkDecoder(length, chain, trailer)
        assert length == len(_decode(decoder, [capture.body]))
        assert dict(capture.index["trailers"] or []) == decoder.trailers
