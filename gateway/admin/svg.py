"""Pieces of markup: elements in, text out. Nothing is ever put into the text unescaped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape


@dataclass(frozen=True, slots=True)
class Element:
    """One element, of a drawing mostly.

    Colours are the style sheet's, by class: the page's policy lets no `style` attribute in, and
    dark mode changes them.

    Args:
        name: of the element.
        attributes: (name, value); numbers are written shortly.
        children: in order; a text is a text.
    """

    name: str
    attributes: Sequence[tuple[str, str | float]] = ()
    children: Sequence["Element | str"] = field(default=())

    def __html__(self) -> str:
        """What a template takes as it is."""
        return "".join(self._pieces())

    def _pieces(self) -> Iterator[str]:
        yield f"<{self.name}"
        for name, value in self.attributes:
            text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
            yield f' {name}="{escape(str(text))}"'
        yield ">"
        for child in self.children:
            yield escape(child) if isinstance(child, str) else child.__html__()
        yield f"</{self.name}>"


def drawing(
    kind: str,
    width: int,
    height: int,
    title: str,
    description: str,
    children: Sequence[Element],
    *,
    stretched: bool = False,
) -> Element:
    """A whole drawing, which a screen reader names by its title and describes in one sentence.

    Args:
        kind: a class for the style sheet.
        width: of its own units; it scales with the page.
        height: likewise.
        title: what it shows.
        description: what there is to see; the figures are in a table beside it.
        children: what is drawn.
        stretched: it fills its place, whatever the shape of that; for drawings without words.
    """
    attributes = (
        ("class", f"chart {kind}"),
        ("viewBox", f"0 0 {width} {height}"),
        ("preserveAspectRatio", "none" if stretched else "xMidYMid"),
        ("role", "img"),
        ("aria-label", f"{title}. {description}"),
    )
    return Element("svg", attributes, (Element("title", (), (title,)), *children))
