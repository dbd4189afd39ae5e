"""The README's table and picture: replaced from a run, so that both are of the same one."""

import re
from pathlib import Path

BEGIN, END = "<!-- benchmark: begin -->", "<!-- benchmark: end -->"


def replaced(page: str, block: str) -> str:
    """The page with another text between its two markers.

    Raises:
        ValueError: it has not exactly one pair of them.
    """
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if (page.count(BEGIN), page.count(END), len(pattern.findall(page))) != (1, 1, 1):
        raise ValueError(f"the page must hold {BEGIN} and then {END}, once each")
    return pattern.sub(lambda _: f"{BEGIN}\n{block.strip()}\n{END}", page)


def publish(readme: Path, block: str, picture: Path, drawn: Path) -> None:
    """Write the block into the README, and put the picture where it says."""
    page = replaced(readme.read_text(), block)
    picture.write_bytes(drawn.read_bytes())
    readme.write_text(page)
