"""JSON text that knows where each of its values stands, for findings and for patches."""

import json
import re
from copy import copy
from typing import Any, Final, Self

_SPACE: Final = re.compile(r"[ \t\n\r]*")
#: Words that Python's reader takes and JSON has not.
_CONSTANTS: Final = ("NaN", "Infinity", "-Infinity")
_MAX_DEPTH: Final = 64


class JsonTextError(ValueError):
    """It is no JSON that every reader takes alike.

    Args:
        line: where, from 1.
        what: is wrong.
    """

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line = line
        self.what = what


class JsonText:
    """A text, read once.

    `value` is what it says. Of an object that names a member twice, readers keep one or the other:
    that is refused.

    Args:
        text: the JSON.
        root: pointer to what all other pointers count from.

    Raises:
        JsonTextError: it is not JSON, or ambiguous.
    """

    def __init__(self, text: str, root: str = "") -> None:
        self.text = text
        self.root = root
        self._spans: dict[str, tuple[int, int]] = {}
        self._firsts: dict[str, int] = {}  # where the first member of an object begins
        self._lasts: dict[str, int] = {}  # where the last one ends
        self._decoder = json.JSONDecoder()
        try:
            self.value, end = self._read(self._skip(0), "", 0)
        except json.JSONDecodeError as fault:
            raise JsonTextError(fault.lineno, f"not JSON: {fault.msg}") from None
        end = self._skip(end)
        if end != len(text):
            raise self._error("not JSON: something follows its end", end)

    def below(self, root: str) -> Self:
        """The same text, read no second time, with all pointers counted from another place."""
        found = copy(self)
        found.root = root
        return found

    def at(self, pointer: str) -> Any:
        """The value at a pointer, which is there."""
        value = self.value
        for token in (self.root + pointer).split("/")[1:]:
            value = value[int(token) if isinstance(value, list) else _member(token)]
        return value

    def position(self, pointer: str) -> tuple[int, int]:
        """Line and column, from 1, of a value or of the nearest one around it."""
        place = self.root + pointer
        while place not in self._spans:
            place = place.rpartition("/")[0]
        start = self._spans[place][0]
        line_start = self.text.rfind("\n", 0, start) + 1
        return self._line(start), start - line_start + 1

    def with_member(self, pointer: str, value: object) -> str:
        """The text with one member set, all else as it was written.

        Args:
            pointer: to a member of an object that has members.
            value: what stands there afterwards.
        """
        place = self.root + pointer
        written = json.dumps(value, ensure_ascii=False)
        if place in self._spans:
            start, end = self._spans[place]
            return self.text[:start] + written + self.text[end:]
        around, _, name = place.rpartition("/")
        indent = self.text[self._spans[around][0] + 1 : self._firsts[around]]
        end = self._lasts[around]
        member = f",{indent or ' '}{json.dumps(name)}: {written}"
        return self.text[:end] + member + self.text[end:]

    def _read(self, start: int, pointer: str, depth: int) -> tuple[Any, int]:
        if depth > _MAX_DEPTH:
            raise self._error("nested too deeply", start)
        value: Any
        match self.text[start : start + 1]:
            case "{":
                value, end = self._object(start, pointer, depth)
            case "[":
                value, end = self._array(start, pointer, depth)
            case _ if self.text.startswith(_CONSTANTS, start):
                raise self._error("not JSON: Expecting value", start)
            case _:
                value, end = self._decoder.raw_decode(self.text, start)
        self._spans[pointer] = start, end
        return value, end

    def _object(self, start: int, pointer: str, depth: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        at = self._skip(start + 1)
        self._firsts[pointer] = at
        while self.text[at : at + 1] != "}":
            if self.text[at : at + 1] != '"':
                raise self._error("not JSON: the name of a member is missing", at)
            name, end = self._decoder.raw_decode(self.text, at)
            if name in found:
                raise self._error(f"{name[:64]!r} is given twice", at)
            at = self._expect(":", end)
            place = f"{pointer}/{_token(name)}"
            found[name], end = self._read(at, place, depth + 1)
            self._lasts[pointer] = end
            at = self._next("}", end)
        return found, at + 1

    def _array(self, start: int, pointer: str, depth: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        at = self._skip(start + 1)
        while self.text[at : at + 1] != "]":
            value, end = self._read(at, f"{pointer}/{len(found)}", depth + 1)
            found.append(value)
            at = self._next("]", end)
        return found, at + 1

    def _next(self, closing: str, end: int) -> int:
        """Where the next item begins, or the closing bracket stands."""
        at = self._skip(end)
        if self.text[at : at + 1] == closing:
            return at
        following = self._expect(",", end)
        if self.text[following : following + 1] == closing:
            raise self._error("not JSON: a comma before the end", following)
        return following

    def _expect(self, mark: str, end: int) -> int:
        at = self._skip(end)
        if self.text[at : at + 1] != mark:
            raise self._error(f"not JSON: {mark!r} is missing", at)
        return self._skip(at + 1)

    def _skip(self, start: int) -> int:
        found = _SPACE.match(self.text, start)
        assert found is not None  # noqa: S101 - it matches nothing at all, too
        return found.end()

    def _error(self, what: str, at: int) -> JsonTextError:
        return JsonTextError(self._line(at), what)

    def _line(self, at: int) -> int:
        return self.text.count("\n", 0, at) + 1


def _token(name: str) -> str:
    """A member's name in a pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def _member(token: str) -> str:
    return token.replace("~1", "/").replace("~0", "~")
