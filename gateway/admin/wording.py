"""How values are written on the pages: texts of strangers, times, durations, JSON."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

_ELLIPSIS: Final = "…"
_MICROSECOND: Final = 1_000
_MILLISECOND: Final = 1_000_000
_SECOND: Final = 1_000_000_000
#: What would not be seen, or would turn what stands beside it around (Unicode TR 36, 2.4): the
#: controls but tab and line feed, marks and overrides of direction, what has no width, halves of
#: surrogates, and the two line ends that are none in HTML.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """A text of a stranger as people are to see it: what hides or misleads is written out."""
    return _UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def cut(text: str, limit: int) -> str:
    """The beginning of a text that would be too long for its place."""
    return text if len(text) <= limit else text[: limit - 1] + _ELLIPSIS


def moment(when: datetime) -> str:
    """A time to the second, in UTC, as logs write it."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def duration(nanoseconds: float) -> str:
    """A duration in the unit that fits it."""
    if nanoseconds < _MILLISECOND:
        return f"{nanoseconds / _MICROSECOND:.0f} µs"
    if nanoseconds < _SECOND:
        return f"{nanoseconds / _MILLISECOND:.1f} ms"
    return f"{nanoseconds / _SECOND:.1f} s"


def age(seconds: float) -> str:
    """How old a fact is."""
    minutes = int(seconds) // 60
    return f"{int(seconds)} s" if minutes < 2 else f"{minutes} min"  # noqa: PLR2004


def as_json(value: object, *, indent: int | None = 2) -> str:
    """A value as JSON, in the order it came in."""
    return json.dumps(value, indent=indent, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)
