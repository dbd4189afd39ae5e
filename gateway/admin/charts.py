"""Charts: numbers in, drawings out. Each is shown beside a table of the same numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.admin.svg import Element, drawing

#: Units of a drawing are about its pixels: there is one for wide and one for narrow screens.
_WIDE: Final = 1100
_NARROW: Final = 320
_HEIGHT: Final = 200
_LEFT: Final = 48
_RIGHT: Final = 8
_TOP: Final = 12
_BOTTOM: Final = 24
_GAP: Final = 0.18
_BAR_HEIGHT: Final = 22
_LABEL: Final = 64  # that an axis has for each
_ROUND: Final = (1, 2, 3, 4, 5, 6, 8)
#: A segment that is there is seen.
_LEAST_WIDTH: Final = 1.5


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a chart: a stretch of time, and how many of each series fell into it.

    Args:
        label: for people.
        tick: the same, shortly, for the axis.
        values: by series.
    """

    label: str
    tick: str
    values: tuple[int, ...]

    @property
    def total(self) -> int:
        """All series together."""
        return sum(self.values)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a whole; `series` is its class in the style sheet."""

    series: str
    label: str
    value: float
    text: str


Series = Sequence[tuple[str, str]]


def columns(title: str, series: Series, data: Sequence[Column], *, narrow: bool = False) -> Element:
    """Stacked columns over time.

    Args:
        title: what is counted.
        series: class in the style sheet and name, from the bottom up.
        data: oldest first.
        narrow: for a screen of little width.
    """
    width = _NARROW if narrow else _WIDE
    top = scale(max((column.total for column in data), default=0))
    inner_width, inner_height = width - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    step = inner_width / max(len(data), 1)
    drawn: list[Element] = []
    for tick in ticks(top):
        y = _TOP + inner_height * (1 - tick / top)
        line = (("x1", _LEFT), ("x2", width - _RIGHT), ("y1", y), ("y2", y), ("class", "grid"))
        drawn += [
            Element("line", line),
            _text(_LEFT - 6, y + 4, "end", f"{tick:,}"),
        ]
    every = max(1, math.ceil(_LABEL / step))
    for index, column in enumerate(data):
        left = _LEFT + index * step
        drawn.append(_stack(column, series, left + step * _GAP / 2, step * (1 - _GAP), top))
        if index % every == 0:
            drawn.append(_text(left + step / 2, _HEIGHT - 6, "middle", column.tick))
    kind = "columns narrow" if narrow else "columns wide"
    return drawing(kind, width, _HEIGHT, title, _summary(series, data), drawn)


def strip(title: str, parts: Sequence[Part]) -> Element:
    """One bar, divided: where the time of a decision went."""
    whole = sum(part.value for part in parts)
    drawn: list[Element] = []
    x = 0.0
    for part in parts:
        if part.value <= 0:
            continue
        width = max(part.value / whole * _WIDE, _LEAST_WIDTH)
        words = f"{part.label}: {part.text}"
        box = (("x", x), ("y", 0), ("width", width), ("height", _BAR_HEIGHT))
        shape = Element("rect", (*box, ("class", part.series)), (Element("title", (), (words,)),))
        drawn.append(shape)
        x += width
    said = ", ".join(f"{part.label} {part.text}" for part in parts) or "nothing was measured"
    return drawing("strip", max(_WIDE, round(x)), _BAR_HEIGHT, title, said, drawn, stretched=True)


def bar(series: str, value: float, most: float) -> Element:
    """The length of a bar beside a figure in a table: decoration, as the figure is there."""
    share = value / most if most > 0 else 0.0
    width = max(share * 100, _LEAST_WIDTH) if value > 0 else 0.0
    shape = Element("rect", (("width", width), ("height", 8), ("class", series)))
    attributes = (
        ("class", "chart bar"),
        ("viewBox", "0 0 100 8"),
        ("preserveAspectRatio", "none"),
        ("aria-hidden", "true"),
    )
    return Element("svg", attributes, (shape,))


def scale(most: int) -> int:
    """The round number that a chart goes up to, at least as large as what it shows."""
    power = 1
    while True:
        for factor in _ROUND:
            if factor * power >= most:
                return factor * power
        power *= 10


def ticks(top: int) -> tuple[int, ...]:
    """Where the lines of a chart are: few, and whole numbers only."""
    parts = next(parts for parts in (4, 5, 3, 2, 1) if top % parts == 0)
    return tuple(top // parts * step for step in range(parts + 1))


def _stack(column: Column, series: Series, left: float, width: float, top: int) -> Element:
    inner_height = _HEIGHT - _TOP - _BOTTOM
    y = float(_HEIGHT - _BOTTOM)
    counted = ", ".join(
        f"{name} {value:,}" for (_, name), value in zip(series, column.values, strict=True) if value
    )
    pieces = [Element("title", (), (f"{column.label}: {counted or 'none'}",))]
    for (kind, _), value in zip(series, column.values, strict=True):
        if value == 0:
            continue
        height = max(value / top * inner_height, _LEAST_WIDTH)
        y -= height
        box = (("x", left), ("y", y), ("width", width), ("height", height))
        pieces.append(Element("rect", (*box, ("class", kind))))
    # Seen by the pointer only: an empty column answers, too.
    whole = (("x", left), ("y", _TOP), ("width", width), ("height", inner_height))
    pieces.append(Element("rect", (*whole, ("class", "sense"))))
    return Element("g", (), pieces)


def _summary(series: Series, data: Sequence[Column]) -> str:
    totals = [sum(column.values[index] for column in data) for index in range(len(series))]
    said = ", ".join(f"{name} {total:,}" for (_, name), total in zip(series, totals, strict=True))
    return f"From {data[0].label} to {data[-1].label}: {said}" if data else "No figures yet"


def _text(x: float, y: float, anchor: str, words: str) -> Element:
    return Element("text", (("x", x), ("y", y), ("text-anchor", anchor)), (words,))
