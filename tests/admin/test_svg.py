"""Pieces of SVG: whatever is put into them stays text."""

from gateway.admin.svg import Element, drawing
from tests.support.hostile import HOSTILE


def test_an_element_is_written_with_its_attributes_and_children() -> None:
    """Numbers shortly, texts as they are."""
    inner = Element("title", (), ("three",))
    shape = Element("rect", (("x", 1.5), ("y", 2.0), ("width", 3), ("class", "deny")), (inner,))
    expected = '<rect x="1.5" y="2" width="3" class="deny"><title>three</title></rect>'
    assert shape.__html__() == expected


def test_hostile_text_is_escaped_in_attributes_and_children() -> None:
    """Nothing that a stranger wrote ends an attribute or begins an element."""
    text = Element("text", (("class", HOSTILE),), (HOSTILE,)).__html__()
    assert text.count("<") == 2
    assert text.count('"') == 2


def test_a_drawing_has_a_name_and_a_description() -> None:
    """Screen readers get one sentence; the pointer gets a title."""
    text = drawing("columns", 10, 5, "Decisions", "None yet", ()).__html__()
    assert 'role="img" aria-label="Decisions. None yet"' in text
    assert "<title>Decisions</title>" in text
    assert 'viewBox="0 0 10 5"' in text
