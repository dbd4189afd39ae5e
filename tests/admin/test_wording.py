"""How values are written."""

from datetime import datetime, timedelta, timezone
from types import MappingProxyType

import pytest

from gateway.admin.wording import age, as_json, cut, duration, moment, visible


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("acme-orders", "acme-orders", id="plain"),
        pytest.param("Überblick 概要", "Überblick 概要", id="letters"),
        pytest.param("a\tb\nc", "a\tb\nc", id="tab and line feed"),
        pytest.param("a\x00b", "a⟨U+0000⟩b", id="NUL"),
        pytest.param("a\x1b[31m", "a⟨U+001B⟩[31m", id="escape"),
        pytest.param("a\u202eb", "a⟨U+202E⟩b", id="right to left override"),
        pytest.param("a\u2066b\u200fc", "a⟨U+2066⟩b⟨U+200F⟩c", id="isolate and mark"),
        pytest.param("a\u200bb\ufeff", "a⟨U+200B⟩b⟨U+FEFF⟩", id="no width"),
        pytest.param("a\ud800b", "a⟨U+D800⟩b", id="half a surrogate"),
        pytest.param("a\u2028b\x85", "a⟨U+2028⟩b⟨U+0085⟩", id="line ends"),
        pytest.param("a\U000e0041", "a⟨U+E0041⟩", id="tags"),
    ],
)
def test_what_hides_is_made_visible(text: str, expected: str) -> None:
    """Two names that look alike must not be two names."""
    assert visible(text) == expected


@pytest.mark.parametrize(
    ("nanoseconds", "expected"),
    [(900, "1 µs"), (999_000, "999 µs"), (1_234_000, "1.2 ms"), (2_500_000_000, "2.5 s")],
)
def test_durations_have_the_unit_that_fits(nanoseconds: int, expected: str) -> None:
    """From microseconds to seconds."""
    assert duration(nanoseconds) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(0, "0 s"), (119, "119 s"), (300, "5 min")])
def test_ages_are_seconds_or_minutes(seconds: int, expected: str) -> None:
    """Facts are remembered for minutes."""
    assert age(seconds) == expected


def test_moments_are_in_utc_to_the_second() -> None:
    """Whatever the zone they came in."""
    zone = timezone(timedelta(hours=5, minutes=30))
    assert moment(datetime(2026, 11, 21, 5, 0, 1, 999, zone)) == "2026-11-20 23:30:01Z"


def test_long_texts_are_cut() -> None:
    """With a mark that something is missing."""
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdefg", 6) == "abcde…"


def test_json_is_written_as_people_write_it() -> None:
    """Letters as letters; read-only mappings as objects; what JSON has no word for as text."""
    value = MappingProxyType({"ü": [1, MappingProxyType({"b": None})], "a": {3}})
    assert as_json(value, indent=None) == '{"ü": [1, {"b": null}], "a": "{3}"}'
    assert as_json({"a": 1}) == '{\n  "a": 1\n}'
