"""From the client's own document to the one that was judged: pure, for people.

Nobody wants to compare white space. Both are laid out in the same way, by what S3 reads in them, so
that what is left of the difference has a meaning; the client's own bytes are there to be looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from gateway.admin.difference import Line, compared, laid_out
from gateway.core.s3.strict_xml import read_tree

_INDENT: Final = "  "
#: Never hold text; elsewhere a blank is a value.
_EMPTY: Final = frozenset({"SSE-S3", "SSES3"})


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What became of a client's document.

    Args:
        sentence: how far the two differ, in plain words.
        lines: the difference; empty where it is none but layout.
        received: the client's document, as it came; empty where that is the other, byte for byte.
        length: its bytes.
    """

    sentence: str
    lines: tuple[Line, ...]
    received: str
    length: int


def rewriting(
    received: bytes, document: bytes, *, filled_in: bool, replaced: bool = False
) -> Rewriting:
    """Compare the two.

    Args:
        received: the client's.
        document: that was judged.
        filled_in: whether policy has changed it in between.
        replaced: whether that went beyond what the client had left out.
    """
    if received == document:
        sentence = "The client wrote exactly the document that was judged, byte for byte."
        return Rewriting(sentence, (), "", len(received))
    before, after = _meaning(received), _meaning(document)
    if before == after:
        lines: tuple[Line, ...] = ()
        sentence = (
            "The client wrote the same but for layout: white space, order of elements, a namespace "
            "prefix or a declaration."
        )
    else:
        lines = compared(before, after)
        sentence = "The gateway writes anew what it has read, in the words of S3's own model."
        if filled_in:
            sentence = (
                "Policy has replaced what the client wrote."
                if replaced
                else "Policy has filled in what the client left out."
            )
    text = received.decode(errors="replace")
    return Rewriting(sentence, lines, text, len(received))


def _meaning(document: bytes) -> list[str]:
    """A line for each element, as S3 reads it: by local name, whatever the order of siblings.

    What cannot be read, as it was changed since or is of another release, is cut at its tags.
    """
    try:
        return list(_lines(read_tree(document), 0))
    except ValueError:
        return laid_out(document.decode(errors="replace")).split("\n")


def _lines(element: etree._Element, depth: int) -> Iterator[str]:
    name, indent = etree.QName(element).localname, _INDENT * depth
    if not len(element):
        text = element.text or ""
        if name in _EMPTY and not text.strip():
            text = ""
        # Escaped again: a text must not look like elements.
        yield f"{indent}<{name}>{escape(text)}</{name}>"
        return
    yield f"{indent}<{name}>"
    for child in sorted(element, key=lambda child: etree.QName(child).localname):
        yield from _lines(child, depth + 1)
    yield f"{indent}</{name}>"
