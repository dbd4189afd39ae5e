"""Templates: values in, HTML out, and every value is text."""

import re
from importlib.resources import files

import pytest
from jinja2 import UndefinedError

from gateway.admin.svg import Element
from gateway.admin.templating import _environment, render
from tests.support.hostile import HOSTILE

TEMPLATES = sorted(path.name for path in files("gateway.admin").joinpath("templates").iterdir())


def filled(source: str, value: object) -> str:
    """A template of one expression."""
    return _environment().from_string(source).render(value=value)


def test_values_are_escaped_and_made_visible() -> None:
    """Markup, quotes, what hides and what turns text around."""
    text = filled('<a title="{{ value }}">{{ value | cut(4000) }}</a>', HOSTILE)
    assert "<script" not in text
    assert "<img" not in text
    assert text.count('"') == 2
    assert "\x00" not in text
    assert "\u202e" not in text
    assert text.count("⟨U+202E⟩") == 2
    assert "{{7*7}}" in text


def test_drawings_are_taken_as_they_are() -> None:
    """They escape what is in them by themselves."""
    assert filled("{{ value }}", Element("g", (), ("<",))) == "<g>&lt;</g>"


def test_a_value_that_is_missing_is_a_bug() -> None:
    """And not an empty place in a page that people rely on."""
    with pytest.raises(UndefinedError):
        render("problem", title="x")


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_switch_nothing_off(name: str) -> None:
    """No value is declared safe, no style or script is inline, nothing comes from elsewhere."""
    text = files("gateway.admin").joinpath("templates", name).read_text()
    forbidden = r"\|\s*safe|autoescape|Markup|\sstyle=|\son\w+=|<script(?! src=\"/static)|https?://"
    assert re.findall(forbidden, text) == []
