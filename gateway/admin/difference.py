"""The difference of two documents, line by line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from typing import Final

#: No tag holds a `<`: looking for its end from each of a row of them would be quadratic.
_TAG: Final = re.compile(r"(<[^<>]*>)")
_INDENT: Final = "  "
#: The comparison is quadratic in the worst case, and documents are their clients' own.
_MOST_LINES: Final = 600
_DEEPEST: Final = 12


class Change(Enum):
    """What became of a line."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a difference."""

    change: Change
    text: str

    @property
    def mark(self) -> str:
        """As in a unified diff; colour alone would not do."""
        return {Change.SAME: " ", Change.ADDED: "+", Change.REMOVED: "-"}[self.change]


def difference(before: str, after: str) -> tuple[Line, ...]:
    """Compare two texts, line by line; see `compared`."""
    return compared(before.splitlines(), after.splitlines())


def compared(old: Sequence[str], new: Sequence[str]) -> tuple[Line, ...]:
    """Compare lines; where they are too many to be compared, all of both are shown."""
    if len(old) + len(new) > _MOST_LINES:
        return (*_lines(Change.REMOVED, old), *_lines(Change.ADDED, new))
    found: list[Line] = []
    for what, low, high, new_low, new_high in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if what == "equal":
            found += _lines(Change.SAME, old[low:high])
        else:
            found += _lines(Change.REMOVED, old[low:high])
            found += _lines(Change.ADDED, new[new_low:new_high])
    return tuple(found)


def laid_out(document: str) -> str:
    """An XML document with a line for each element, to be looked at and never to be parsed.

    What a client has sent may be anything: it is cut at its tags, without being understood.
    """
    lines: list[str] = []
    depth, leaf = 0, False
    for piece in _TAG.split(document.strip()):
        text = piece.strip()
        if text.startswith("</"):
            depth = max(depth - 1, 0)
            if leaf:
                lines[-1] += text
            else:
                lines.append(_INDENT * min(depth, _DEEPEST) + text)
            leaf = False
        elif text.startswith("<"):
            lines.append(_INDENT * min(depth, _DEEPEST) + text)
            leaf = not (text.endswith("/>") or text.startswith(("<?", "<!")))
            depth += leaf
        elif text and leaf:
            lines[-1] += text
        elif text:
            lines += [_INDENT * min(depth, _DEEPEST) + line for line in text.splitlines()]
    return "\n".join(lines)


def _lines(change: Change, texts: Sequence[str]) -> tuple[Line, ...]:
    return tuple(Line(change, text) for text in texts)
