"""An XML document that knows where each member stands, for findings and for patches.

Only what `read_configuration` has taken is to be given here: it holds no comment, no CDATA section
and no document type, so that expat sees in it what the strict reader saw.
"""

from typing import Final
from xml.parsers import expat

from gateway.core.inventory.shape import WIRE_NAMES, wire_element

_MEMBERS: Final = {wire: name for name, wire in WIRE_NAMES.items()}
_LIST: Final = "OptionalFields"


class XmlText:
    """A document, read once.

    Args:
        data: as `read_configuration` took it.
    """

    def __init__(self, data: bytes) -> None:
        self.text = data.decode("utf-8")
        self._data = data
        self._positions: dict[str, tuple[int, int]] = {}
        self._spans: dict[str, tuple[int, int]] = {}
        self._first: dict[str, int] = {}  # where the first child begins
        self._last: dict[str, int] = {}  # where the last one ends
        self._prefix = ""
        self._open: list[str] = []
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.Parse(data, True)  # noqa: FBT003 - takes no keywords

    def position(self, pointer: str) -> tuple[int, int]:
        """Line and column, from 1, of a member in boto3's shape, or of the nearest around it."""
        while pointer not in self._positions:
            pointer = pointer.rpartition("/")[0]
        return self._positions[pointer]

    def with_member(self, pointer: str, value: object) -> str:
        """The text with one member set, all else as it was written.

        Args:
            pointer: in boto3's shape, to a member of an element that has children.
            value: in boto3's shape.
        """
        around, _, name = pointer.rpartition("/")
        element = wire_element(name, value, self._prefix).encode()
        if pointer in self._spans:
            start, end = self._spans[pointer]
        else:
            start = end = self._last[around]
            opened = self._data.index(b">", self._spans[around][0]) + 1
            element = self._data[opened : self._first[around]] + element
        return (self._data[:start] + element + self._data[end:]).decode("utf-8")

    def _start(self, tag: str, _attributes: dict[str, str]) -> None:
        prefix, colon, local = tag.rpartition(":")
        start = self._parser.CurrentByteIndex
        if self._open:
            around = self._open[-1]
            name = _MEMBERS.get(local, local)
            if around == f"/{_LIST}":
                name = str(sum(known.startswith(f"{around}/") for known in self._spans))
            pointer = f"{around}/{name}"
            self._first.setdefault(around, start)
        else:
            pointer, self._prefix = "", prefix + colon
        self._open.append(pointer)
        line, column = self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber
        self._positions[pointer] = line, column + 1
        self._spans[pointer] = start, start

    def _end(self, _tag: str) -> None:
        pointer = self._open.pop()
        start, end = self._spans[pointer][0], self._parser.CurrentByteIndex
        # At `</tag>` or, of an element that closes itself, at its beginning; no attribute but S3's
        # xmlns, so that the first `>` from there is the element's last character.
        end = self._data.index(b">", end) + 1
        self._spans[pointer] = start, end
        if self._open:
            self._last[self._open[-1]] = end
