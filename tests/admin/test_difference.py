"""The difference of two documents."""

import pytest

from gateway.admin.difference import Change, difference, laid_out

SAME, ADDED, REMOVED = Change.SAME, Change.ADDED, Change.REMOVED


def test_lines_are_kept_added_and_removed() -> None:
    """In the order of reading; what was before what is."""
    found = difference("a\nb\nc", "a\nx\nc\nd")
    expected = [(SAME, "a"), (REMOVED, "b"), (ADDED, "x"), (SAME, "c"), (ADDED, "d")]
    assert [(line.change, line.text) for line in found] == expected
    assert "".join(line.mark for line in found) == " -+ +"


def test_texts_that_are_too_long_to_compare_are_shown_whole() -> None:
    """The comparison would be quadratic; a document of a client can be anything."""
    before, after = "\n".join("ab" * 200), "\n".join("ba" * 200)
    found = difference(before, after)
    assert [line.change for line in found] == [REMOVED] * 400 + [ADDED] * 400


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param("<A><B>c</B><D/></A>", "<A>\n  <B>c</B>\n  <D/>\n</A>", id="elements"),
        pytest.param("<?xml version='1.0'?><A></A>", "<?xml version='1.0'?>\n<A></A>", id="head"),
        pytest.param("<A>\n   <B>c</B>\n</A>", "<A>\n  <B>c</B>\n</A>", id="laid out before"),
        pytest.param("not xml", "not xml", id="no XML"),
        pytest.param("</A></B>", "</A>\n</B>", id="only ends"),
        pytest.param("<A><B>", "<A>\n  <B>", id="no ends"),
        pytest.param("<A <B>c", "<A\n  <B>c", id="a tag in a tag"),
        pytest.param("", "", id="nothing"),
        pytest.param("<A>x<B>y</B>z</A>", "<A>x\n  <B>y</B>\n  z\n</A>", id="mixed"),
    ],
)
def test_a_document_is_laid_out_whatever_it_is(document: str, expected: str) -> None:
    """A line for each element; nothing is parsed and nothing lost."""
    assert laid_out(document) == expected
