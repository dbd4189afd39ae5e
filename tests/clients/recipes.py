"""The recipes of docs/clients.md, as they stand there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "clients.md"
#: What readers put in the place of: the endpoint, and the two halves of a key pair.
ENDPOINT: Final = "http://127.0.0.1:9000"
_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXPORT: Final = re.compile(r"^export (\w+)=(\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A chapter of the page.

    Args:
        title: its heading.
        text: below it.
    """

    title: str
    text: str

    @property
    def is_run(self) -> bool:
        """Whether the page says that it is run."""
        return self.text.startswith("Run in the tests")

    @property
    def reason(self) -> str:
        """Why it is not run; empty where the page does not say."""
        match = re.match(r"Not run in the tests(?::|,) ?(.+?)[.;]", self.text, re.DOTALL)
        return match[1] if match else ""

    def block(self, language: str, url: str) -> str:
        """Its one block of a language, with another endpoint."""
        (found,) = (match[2] for match in _BLOCK.finditer(self.text) if match[1] == language)
        return found.replace(ENDPOINT, url)


def recipes() -> Mapping[str, Recipe]:
    """Every chapter, by its heading."""
    _, *chapters = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    made = (chapter.partition("\n") for chapter in chapters)
    return {title: Recipe(title, text.strip()) for title, _, text in made}


def preamble() -> Recipe:
    """What comes before the first chapter."""
    return Recipe("", PAGE.read_text().partition("\n## ")[0])


def environment(url: str, access_key_id: str, secret_access_key: str) -> dict[str, str]:
    """The variables that the page exports, with values of one's own."""
    found = dict(_EXPORT.findall(preamble().block("sh", url)))
    found["AWS_ACCESS_KEY_ID"] = access_key_id
    found["AWS_SECRET_ACCESS_KEY"] = secret_access_key
    return found
