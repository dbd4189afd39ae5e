"""The README's figures."""

from pathlib import Path

import pytest

from tests.benchmark.program import ROOT
from tests.benchmark.publish import BEGIN, END, publish, replaced


def test_only_what_is_between_the_markers_changes() -> None:
    """Whatever the block holds, also what would mean something to a pattern."""
    page = f"before\n{BEGIN}\nold\n\nold\n{END}\nafter\n"
    assert replaced(page, r"\1 new") == f"before\n{BEGIN}\n\\1 new\n{END}\nafter\n"


@pytest.mark.parametrize(
    "page",
    [
        pytest.param("nothing", id="none"),
        pytest.param(f"{BEGIN} only", id="no end"),
        pytest.param(f"{END} {BEGIN}", id="the wrong way round"),
        pytest.param(f"{BEGIN}{END}{BEGIN}{END}", id="twice"),
    ],
)
def test_a_page_without_its_markers_is_refused(page: str) -> None:
    """Rather than written to in a wrong place, or silently not at all."""
    with pytest.raises(ValueError, match="once each"):
        replaced(page, "block")


def test_nothing_is_published_by_halves(tmp_path: Path) -> None:
    """A picture beside an older table would show another run."""
    readme, picture, drawn = (tmp_path / name for name in ("README.md", "docs.svg", "drawn.svg"))
    readme.write_text("no markers")
    drawn.write_text("<svg/>")
    with pytest.raises(ValueError, match="once each"):
        publish(readme, "block", picture, drawn)
    assert not picture.exists()
    readme.write_text(f"{BEGIN}{END}")
    publish(readme, "block", picture, drawn)
    assert (readme.read_text(), picture.read_text()) == (f"{BEGIN}\nblock\n{END}", "<svg/>")


def test_the_readme_can_be_published_to() -> None:
    """It has its markers, and the picture that they hold is there."""
    page = (ROOT / "README.md").read_text()
    assert replaced(page, "block") != page
    assert "](docs/benchmark.svg)" in page
    assert (ROOT / "docs" / "benchmark.svg").exists()
