"""Every link from one page to another leads somewhere, and to a heading that is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: Where pages stand; what tools bring along is elsewhere.
FOLDERS = ("docs", "deploy", "policies")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def pages() -> list[Path]:
    """Every page of Markdown."""
    below = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))
    return sorted([*ROOT.glob("*.md"), *below])


def links(page: Path) -> Iterator[str]:
    """Where a page leads to, but for other sites."""
    for target in _LINK.findall(_CODE.sub("", page.read_text())):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """What its headings are called in a link, as GitHub makes it."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#{1,6} +(.*?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


ALL = [(page, target) for page in pages() for target in links(page)]


def test_there_are_links() -> None:
    """In the README, on pages, and to headings: else the others would say nothing."""
    assert len({page for page, _ in ALL}) > 20
    assert any("#" in target for _, target in ALL)


@pytest.mark.parametrize(
    ("page", "target"),
    [
        pytest.param(page, target, id=f"{page.relative_to(ROOT)} to {target}")
        for page, target in dict.fromkeys(ALL)
    ],
)
def test_every_link_leads_somewhere(page: Path, target: str) -> None:
    """A file or a folder of this tree, and a heading in it where it names one."""
    name, _, anchor = target.partition("#")
    found = (page.parent / name).resolve() if name else page
    assert found.exists()
    assert found.is_relative_to(ROOT)
    if anchor:
        assert anchor in anchors(found)


def test_the_readme_is_a_guide() -> None:
    """What is long belongs on a page of its own."""
    assert len((ROOT / "README.md").read_text().splitlines()) < 300


def test_decisions_are_numbered_and_listed() -> None:
    """One after the other, each by its number and title in the index, and nothing else there."""
    folder = ROOT / "docs/decisions"
    pages = sorted(folder.glob("0*.md"))
    titles = [page.read_text().partition("\n")[0] for page in pages]
    assert [int(page.name[:4]) for page in pages] == [*range(1, len(pages) + 1)]
    listed = re.findall(
        r"^\| (\d+) \| \[(.*)\]\((.*)\) \|$", (folder / "README.md").read_text(), re.MULTILINE
    )
    assert [f"# {number}. {title}" for number, title, _ in listed] == titles
    assert [name for _, _, name in listed] == [page.name for page in pages]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_page_is_found_from_the_readme(page: Path) -> None:
    """Else nobody reads it."""
    targets = {target.partition("#")[0] for target in links(ROOT / "README.md")}
    assert f"docs/{page.name}" in targets
