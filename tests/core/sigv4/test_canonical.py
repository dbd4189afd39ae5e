"""The canonical request: S3's rules, and the four spellings of real clients."""

import pytest
from hypothesis import given

from gateway.core.s3.query import parse_query
from gateway.core.sigv4.canonical import (
    Signable,
    Spelling,
    canonical_query,
    canonical_request,
    split_signed_headers,
)
from tests.support.strategies import Wire, requests


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("inventory&id=1", "id=1&inventory=", id="valueless-name-gets-its-equals-sign"),
        pytest.param("b=2&a=1", "a=1&b=2", id="sorted-by-name"),
        pytest.param("a=2&a=1", "a=1&a=2", id="duplicates-sorted-by-value"),
        pytest.param("a-=1&a=2", "a=2&a-=1", id="name-before-longer-name"),
        pytest.param("a=b+c", "a=b%2Bc", id="plus-is-a-plus"),
        pytest.param("a=%2f", "a=%2F", id="escapes-in-upper-case"),
        pytest.param("a=/~", "a=%2F~", id="slash-is-escaped-in-queries"),
        pytest.param("a=1&&b", "a=1&b=", id="empty-token-is-nothing"),
        pytest.param("%C3%A9=%20", "%C3%A9=%20", id="utf-8-and-space"),
        pytest.param("a=b=c", "a=b%3Dc", id="only-the-first-equals-sign-splits"),
    ],
)
def test_query_is_sorted_and_encoded_anew_when_made_canonical(raw: str, expected: str):
    """However the client wrote it."""
    assert expected == canonical_query(parse_query(raw))


@given(requests)
def test_canonical_query_is_a_fixed_point_when_made_canonical_again(wire: Wire):
    """Canonical of canonical is canonical."""
    once = canonical_query(parse_query(wire.query))
    assert once == canonical_query(parse_query(once))


def _request(*headers: tuple[str, str], signed: str, query: str = "") -> Signable:
    names = split_signed_headers(signed)
    assert names is not None
    return Signable("GET", "/b//k/../%7e", parse_query(query), headers, names)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param([("a", "  x   y  ")], "x y", id="trimmed-and-collapsed"),
        pytest.param([("a", "\tx\ty\t")], "x\ty", id="tabs-only-trimmed"),
        pytest.param([("a", "2"), ("host", "h"), ("a", "1")], "2,1", id="all-lines-in-order"),
        pytest.param([("a", ""), ("a", "")], ",", id="empty-lines-count"),
        pytest.param([("a", "")], "", id="empty-is-a-line"),
        pytest.param([("a", "\xe9")], "\xe9", id="a-byte-stays-a-byte"),
    ],
)
def test_header_is_joined_over_all_its_lines_when_signed(
    headers: list[tuple[str, str]], expected: str
):
    """A verifier that read the first line only would let a second one through."""
    canonical = canonical_request(_request(*headers, signed="a"), "UNSIGNED-PAYLOAD")
    lines = canonical.decode("latin-1").split("\n")
    assert f"a:{expected}" == lines[3]


def test_header_has_no_line_when_it_did_not_arrive():
    """I4: whoever signed it signed a line, be it an empty one; it cannot be taken away or added."""
    absent = canonical_request(_request(("host", "h"), signed="a;host"), "P")
    empty = canonical_request(_request(("host", "h"), ("a", ""), signed="a;host"), "P")
    assert [b"host:h", b"", b"a;host", b"P"] == absent.split(b"\n")[3:]
    assert [b"a:", b"host:h", b"", b"a;host", b"P"] == empty.split(b"\n")[3:]


@pytest.mark.parametrize(
    "text", ["", ";a", "a;", "a;;b", "b;a", "a;a", "A;b"], ids=lambda text: text or "nothing"
)
def test_names_are_none_when_they_are_not_each_once_and_sorted(text: str):
    """One spelling of the list, so that it is read one way."""
    assert split_signed_headers(text) is None


def test_path_is_as_received_when_made_canonical():
    """No dot removed, no slash merged, nothing encoded twice."""
    canonical = canonical_request(_request(("host", "h"), signed="host"), "UNSIGNED-PAYLOAD")
    assert b"GET\n/b//k/../%7e\n\nhost:h\n\nhost\nUNSIGNED-PAYLOAD" == canonical


@pytest.mark.parametrize(
    ("spelling", "query", "value", "length"),
    [
        pytest.param(Spelling.STANDARD, "id=1&inventory=", "x y", "0", id="standard"),
        pytest.param(Spelling.QUERY_AS_SENT, "inventory&id=1", "x y", "0", id="curl"),
        pytest.param(Spelling.TRIM_ONLY, "id=1&inventory=", "x  y", "0", id="s3cmd-and-paws"),
        pytest.param(Spelling.EMPTY_CONTENT_LENGTH, "id=1&inventory=", "x y", "", id="new-paws"),
    ],
)
def test_one_rule_differs_when_a_spelling_is_chosen(
    spelling: Spelling, query: str, value: str, length: str
):
    """Each spelling bends one rule, and still holds every byte."""
    signable = _request(
        ("content-length", "0"),
        ("host", "x  y"),
        signed="content-length;host",
        query="inventory&id=1",
    )
    lines = canonical_request(signable, "P", spelling).decode().split("\n")
    assert [query, f"content-length:{length}", f"host:{value}"] == lines[2:5]


def test_content_length_is_bound_when_a_body_comes():
    """The lenient spelling speaks of body-less requests alone."""
    signable = _request(("content-length", "10"), signed="content-length")
    lines = canonical_request(signable, "P", Spelling.EMPTY_CONTENT_LENGTH).decode().split("\n")
    assert "content-length:10" == lines[3]
