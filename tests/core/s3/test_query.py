"""The query splitter: one reading, strict about what two readers could read differently."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import RequestError
from gateway.core.s3.query import Parameter, Query, decode, encode, parse_query
from tests.support.strategies import queries, texts


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("inventory&id=1", [("inventory", ""), ("id", "1")], id="valueless"),
        pytest.param("inventory=", [("inventory", "")], id="row-7-empty-value"),
        pytest.param("%69nventory", [("inventory", "")], id="row-9-escaped-name"),
        pytest.param("id=a&id=b", [("id", "a"), ("id", "b")], id="row-11-duplicates-in-order"),
        pytest.param("inventory;id=x", [("inventory;id", "x")], id="row-23-semicolon-is-text"),
        pytest.param("inventory%26id=x", [("inventory&id", "x")], id="row-23-escaped-ampersand"),
        pytest.param("inventory%3D", [("inventory=", "")], id="row-23-escaped-equals"),
        pytest.param("id=a+b", [("id", "a+b")], id="row-24-plus-is-a-plus"),
        pytest.param("id=a+b%20c", [("id", "a+b c")], id="row-24-plus-beside-an-escape"),
        pytest.param("id=a%2Bb", [("id", "a+b")], id="row-24-escaped-plus"),
        pytest.param("id=a%20b", [("id", "a b")], id="row-24-space"),
        pytest.param("id=%2541", [("id", "%41")], id="decoded-once"),
        pytest.param(
            "id=%00", [("id", "\x00")], id="row-25-nul-in-a-value-is-the-readers-business"
        ),
        pytest.param("&a&&b&", [("a", ""), ("b", "")], id="empty-tokens-are-nothing"),
        pytest.param("=x", [("", "x")], id="empty-name"),
        pytest.param("a=b=c", [("a", "b=c")], id="first-equals-sign-splits"),
        pytest.param("a?b", [("a?b", "")], id="question-mark-is-text"),
    ],
)
def test_query_is_split_as_s3_does_when_parsed(raw: str, expected: list[tuple[str, str]]):
    """`&` alone separates, `+` is a plus, escapes are read once."""
    assert expected == [(item.name, item.value) for item in parse_query(raw).parameters]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("id=%zz", id="row-25-no-hex"),
        pytest.param("id=%u0041", id="row-25-percent-u"),
        pytest.param("id=%c0%af", id="row-25-overlong"),
        pytest.param("id=%", id="bare-percent"),
        pytest.param("id=%4", id="half-an-escape"),
        pytest.param("%ff=1", id="not-utf-8-in-a-name"),
        pytest.param("id=%ed%a0%80", id="surrogate"),
        pytest.param("i%00d=1", id="nul-in-a-name"),
        pytest.param("id%0a=1", id="new-line-in-a-name"),
        pytest.param("i\x7fd=1", id="raw-control-in-a-name"),
    ],
)
def test_query_is_refused_when_an_escape_is_broken_or_a_name_has_controls(raw: str):
    """Row 25: another reader would read something else."""
    with pytest.raises(RequestError) as caught:
        parse_query(raw)
    assert "InvalidURI" == caught.value.code


@given(st.text(max_size=40))
def test_nothing_but_a_request_error_is_raised_when_the_query_is_arbitrary(raw: str):
    """I26; and where it parses, what is kept raw is what came, less empty tokens."""
    with suppress(RequestError):
        assert "&".join(filter(None, raw.split("&"))) == parse_query(raw).raw


@given(queries)
def test_raw_text_is_preserved_when_parsed(raw: str):
    """What goes upstream is what arrived."""
    assert raw == parse_query(raw).raw


@given(texts)
def test_text_is_itself_again_when_encoded_and_decoded(text: str):
    """decode(encode(x)) == x."""
    assert text == decode(encode(text))


@given(texts)
def test_nothing_but_unreserved_characters_is_left_when_encoded(text: str):
    """AWS's UriEncode."""
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%")
    assert set(encode(text)) <= allowed
    assert encode(text) == encode(decode(encode(text)))


@given(queries)
def test_query_reads_the_same_when_every_byte_is_escaped(raw: str):
    """An escape is another spelling, not another name."""
    plain = parse_query(raw)
    escaped = "&".join(f"{_escape(item.name)}={_escape(item.value)}" for item in plain.parameters)
    assert [(item.name, item.value) for item in plain.parameters] == [
        (item.name, item.value) for item in parse_query(escaped).parameters
    ]


def _escape(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def test_values_are_found_in_order_when_a_name_occurs_often():
    """All of them, so that a caller can refuse."""
    query = parse_query("id=b&x&id=a")
    assert (("b", "a"), (), frozenset({"id", "x"})) == (
        query.all("id"),
        query.all("ID"),
        query.names,
    )


def test_one_value_is_refused_when_the_name_occurs_twice():
    """Rows 11 and 95: SigV4 does not bind the order, and S3 uses the first."""
    with pytest.raises(RequestError) as caught:
        parse_query("id=a&%69d=b").one("id")
    expected = {"ArgumentName": "id", "ArgumentValue": "a"}
    assert ("InvalidArgument", expected) == (caught.value.code, caught.value.members)


@pytest.mark.parametrize(("name", "expected"), [("id", "1"), ("inventory", ""), ("ID", None)])
def test_one_value_is_found_when_the_name_occurs_at_most_once(name: str, expected: str | None):
    """Case matters; an empty value is a value."""
    assert expected == parse_query("inventory&id=1").one(name)


def test_parameters_are_gone_when_left_out_by_name():
    """The rest keeps its spelling and order."""
    query = parse_query("b=%2f&X-Amz-Signature=1&a")
    assert "b=%2f&a" == query.without(frozenset({"X-Amz-Signature"})).raw
    assert query.without(frozenset({"absent"})) is query


@pytest.mark.parametrize(
    ("raw", "expected"), [("%69d=1", True), ("id=%31", False), ("id", False), ("id%3D", True)]
)
def test_escaped_name_is_told_when_it_was_spelled_so(raw: str, expected: bool):
    """The value's escapes do not count."""
    (parameter,) = parse_query(raw).parameters
    assert expected == parameter.name_was_encoded


def test_query_is_empty_when_nothing_is_given():
    """The default is the empty query."""
    assert Query() == parse_query("")
    assert Query((Parameter("a", "", "a"),)) == parse_query("a")
