"""JSON with places: what it says is what the standard library reads, and edits keep the rest."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.inventory.json_text import JsonText, JsonTextError

TEXT = '{\n\t"a/b": [1, {"c~d": "x"}],\n\t"e": {"f": true},\n\t"g": {}\n}\n'
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_it_reads_what_the_standard_library_reads(value: Any, indent: Any, ascii_only: bool):
    """However the text is laid out; and every value is found where it stands."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    found = JsonText(text)
    assert found.value == value
    for start, end in found._spans.values():
        json.loads(text[start:end])


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("", (1, 1)),
        ("/a~1b", (2, 9)),
        ("/a~1b/0", (2, 10)),
        ("/a~1b/1/c~0d", (2, 21)),
        ("/e/f", (3, 13)),
        ("/e/missing/more", (3, 7)),
        ("/missing", (1, 1)),
    ],
)
def test_a_member_is_found_or_the_nearest_one_around_it(pointer: str, place: tuple[int, int]):
    """By line and column, both from 1."""
    assert JsonText(TEXT).position(pointer) == place


def test_pointers_count_from_the_root():
    """A configuration may be a part of the text."""
    whole = JsonText(TEXT)
    found = whole.below("/a~1b/1")
    assert found.at("/c~0d") == JsonText(TEXT, "/a~1b/1").at("/c~0d") == "x"
    assert (found.at(""), whole.at("/a~1b/1")) == ({"c~d": "x"}, {"c~d": "x"})
    assert found.position("/c~0d") == (2, 21)
    assert '{"c~d": "y"}' in found.with_member("/c~0d", "y")


@pytest.mark.parametrize(
    ("pointer", "value", "before", "after"),
    [
        ("/e/f", "é", "true", '"é"'),
        ("/e/h", {"i": {}}, "true", 'true, "h": {"i": {}}'),
        ("/j", "k", '"g": {}', '"g": {},\n\t"j": "k"'),
    ],
    ids=["replaced", "added", "added on a line of its own"],
)
def test_a_member_is_set_and_nothing_else_changes(pointer, value, before, after):
    """What is added stands like its neighbours."""
    assert JsonText(TEXT).with_member(pointer, value) == TEXT.replace(before, after, 1)


def test_a_member_joins_others_that_stand_without_space():
    """Text that a program wrote stays on its line."""
    assert JsonText('{"a":{"b":1}}').with_member("/a/c", 2) == '{"a":{"b":1, "c": 2}}'


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "Expecting value"),
        ("\n{", 2, "the name of a member is missing"),
        ('{\n"a": 1,\n}', 3, "a comma before the end"),
        ("[1,\n]", 2, "a comma before the end"),
        ('{"a": 1,\n"a": 2}', 2, "'a' is given twice"),
        ("[\nNaN]", 2, "Expecting value"),
        ("[1\n2]", 2, "',' is missing"),
        ('{"a"\n1}', 2, "':' is missing"),
        ("{1: 2}", 1, "the name of a member is missing"),
        ('\n"a', 2, "Unterminated string"),
        ('["\\x"]', 1, "Invalid \\escape"),
        ("1\n2", 2, "something follows its end"),
        ("[", 1, "Expecting value"),
        ('{"a": tru}', 1, "Expecting value"),
        ('{"a": "\n"}', 1, "Invalid control character"),
        ("[" * 100, 1, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused_by_its_line(text: str, line: int, what: str):
    """Nothing is guessed, and what readers take in two ways is not taken."""
    with pytest.raises(JsonTextError) as refused:
        JsonText(text)
    assert (refused.value.line, what in refused.value.what) == (line, True), refused.value.what
    assert str(refused.value).startswith(f"line {line}: ")


@pytest.mark.parametrize("text", ["Infinity", "-Infinity", "NaN", "1e999"])
def test_no_number_is_infinite(text: str):
    """JSON knows no such words; of a number that is too large it is for others to say."""
    try:
        value = JsonText(text).value
    except JsonTextError:
        return
    assert math.isinf(value)
    assert text == "1e999"
