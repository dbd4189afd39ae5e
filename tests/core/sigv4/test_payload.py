"""`x-amz-content-sha256`: each of its values, and the ones refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import RequestError
from gateway.core.sigv4.payload import (
    ChunkedPayload,
    PayloadMode,
    SignedPayload,
    UndeclaredPayload,
    UnsignedPayload,
    read_payload_mode,
)

UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
SHA = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, UndeclaredPayload()),
        ("UNSIGNED-PAYLOAD", UnsignedPayload()),
        (SHA, SignedPayload(SHA)),
        (SHA.upper(), SignedPayload(SHA.upper())),
        (UNSIGNED_TRAILER, ChunkedPayload(UNSIGNED_TRAILER)),
        (SIGNED_CHUNKS, ChunkedPayload(SIGNED_CHUNKS)),
        (SIGNED_CHUNKS_TRAILER, ChunkedPayload(SIGNED_CHUNKS_TRAILER)),
    ],
)
def test_mode_is_read_when_it_is_one_of_s3s(value: str | None, expected: PayloadMode):
    """The text is kept as received: it is the last line of the canonical request."""
    mode = read_payload_mode(value)
    assert expected == mode
    assert (value or "") == mode.text


def test_hash_is_compared_in_lower_case_when_sent_in_upper_case():
    """Row 36: S3 takes either."""
    mode = read_payload_mode(SHA.upper())
    assert isinstance(mode, SignedPayload)
    assert mode.sha256 == SHA


@pytest.mark.parametrize(
    ("value", "signed", "trailer"),
    [
        (UNSIGNED_TRAILER, False, True),
        (SIGNED_CHUNKS, True, False),
        (SIGNED_CHUNKS_TRAILER, True, True),
    ],
)
def test_chunks_say_what_protects_them_when_streamed(value: str, signed: bool, trailer: bool):
    """Signatures, a trailer, or both."""
    mode = ChunkedPayload(value)
    assert (signed, trailer) == (mode.chunks_are_signed, mode.has_trailer)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "NotImplemented"),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER", "NotImplemented"),
        ("", "InvalidArgument"),
        ("unsigned-payload", "InvalidArgument"),
        (SHA[:-1], "InvalidArgument"),
        (SHA + "\n", "InvalidArgument"),
        (SHA[:-1] + "g", "InvalidArgument"),
        ("STREAMING-FOO", "InvalidArgument"),
    ],
)
def test_mode_is_refused_when_it_is_another(value: str, code: str):
    """With the values that would do."""
    with pytest.raises(RequestError) as caught:
        read_payload_mode(value)
    assert code == caught.value.code


@pytest.mark.parametrize("text", [SHA, SHA.upper()], ids=["lower-case", "upper-case"])
def test_hash_is_held_against_the_bodys_when_checked(text: str):
    """The mismatch names both, as S3 does."""
    SignedPayload(text).check(SHA)
    other = "0" * 64
    with pytest.raises(RequestError) as caught:
        SignedPayload(text).check(other)
    assert "XAmzContentSHA256Mismatch" == caught.value.code
    expected = {"ClientComputedContentSHA256": text, "S3ComputedContentSHA256": other}
    assert expected == dict(caught.value.members)


@given(st.text(max_size=70))
def test_nothing_but_a_request_error_is_raised_when_the_value_is_arbitrary(value: str):
    """The header is the sender's."""
    with suppress(RequestError):
        assert value == read_payload_mode(value).text
