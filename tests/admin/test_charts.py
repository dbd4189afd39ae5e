"""Charts: figures in, drawings out."""

import re

import pytest

from gateway.admin.charts import Column, Part, bar, columns, scale, strip, ticks

SERIES = (("allow", "allowed"), ("deny", "refused"))
DATA = (Column("10:00", "10", (3, 1)), Column("11:00", "11", (0, 0)), Column("12:00", "12", (0, 4)))


def rectangles(text: str, kind: str) -> list[dict[str, float]]:
    """The rectangles of a class, their numbers by name."""
    found = re.findall(rf'<rect ([^>]*) class="{kind}">', text)
    return [
        {name: float(value) for name, value in re.findall(r'(\w+)="([^"]*)"', it)} for it in found
    ]


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_columns_are_as_high_as_their_figures(narrow: bool) -> None:
    """In proportion, stacked, and none for nothing."""
    text = columns("Decisions", SERIES, DATA, narrow=narrow).__html__()
    (allowed,) = rectangles(text, "allow")
    first, last = rectangles(text, "deny")
    assert allowed["height"] == pytest.approx(3 * first["height"], abs=0.05)
    assert last["height"] == pytest.approx(4 * first["height"], abs=0.05)
    assert first["y"] + first["height"] == pytest.approx(allowed["y"], abs=0.05)
    assert first["x"] == allowed["x"] < last["x"]


def test_columns_say_their_figures_in_words() -> None:
    """All together to screen readers, each to the pointer."""
    text = columns("Decisions", SERIES, DATA).__html__()
    assert 'aria-label="Decisions. From 10:00 to 12:00: allowed 3, refused 5"' in text
    assert "<title>10:00: allowed 3, refused 1</title>" in text
    assert "<title>11:00: none</title>" in text


def test_a_small_figure_beside_a_large_one_is_seen() -> None:
    """One refusal among a million is the one to look at."""
    text = columns("Decisions", SERIES, [Column("10:00", "10", (1_000_000, 1))]).__html__()
    assert rectangles(text, "deny")[0]["height"] >= 1


def test_columns_without_data_are_a_drawing_all_the_same() -> None:
    """An axis, and a word."""
    assert "No figures yet" in columns("Decisions", SERIES, ()).__html__()


def test_labels_of_a_crowded_axis_are_thinned_out() -> None:
    """They do not stand on each other."""
    data = [Column(f"{hour}:00", f"{hour}h", (1, 0)) for hour in range(24)]
    wide, narrow = (columns("D", SERIES, data, narrow=it).__html__() for it in (False, True))
    labels = [len(re.findall(r'middle">\d+h<', text)) for text in (wide, narrow)]
    assert 4 <= labels[1] < labels[0] <= 17


def test_a_strip_divides_its_length() -> None:
    """By the parts' shares; what took no time has none."""
    parts = [
        Part("facts", "facts", 3.0, "3 ms"),
        Part("policy", "policy", 1.0, "1 ms"),
        Part("journal", "journal", 0.0, "0 µs"),
    ]
    text = strip("Where the time went", parts).__html__()
    (facts,), (policy,) = rectangles(text, "facts"), rectangles(text, "policy")
    assert facts["width"] == 3 * policy["width"]
    assert policy["x"] == facts["width"]
    assert rectangles(text, "journal") == []
    assert "facts 3 ms, policy 1 ms, journal 0 µs" in text


def test_a_strip_of_nothing_is_empty() -> None:
    """Old records have no timings."""
    assert "nothing was measured" in strip("Where the time went", ()).__html__()


@pytest.mark.parametrize(
    ("value", "most", "expected"),
    [
        pytest.param(5, 10, 50.0, id="half"),
        pytest.param(10, 10, 100.0, id="whole"),
        pytest.param(1, 1_000_000, 1.5, id="seen"),
        pytest.param(0, 10, 0.0, id="nothing"),
        pytest.param(0, 0, 0.0, id="of nothing"),
    ],
)
def test_a_bar_is_as_long_as_its_share(value: float, most: float, expected: float) -> None:
    """The figure stands beside it, so that it is decoration."""
    text = bar("deny", value, most).__html__()
    assert f'width="{expected:g}"' in text
    assert 'aria-hidden="true"' in text


@pytest.mark.parametrize(
    ("most", "top", "lines"),
    [
        pytest.param(0, 1, (0, 1), id="nothing"),
        pytest.param(1, 1, (0, 1), id="one"),
        pytest.param(3, 3, (0, 1, 2, 3), id="three"),
        pytest.param(7, 8, (0, 2, 4, 6, 8), id="seven"),
        pytest.param(25, 30, (0, 6, 12, 18, 24, 30), id="tens"),
        pytest.param(100_001, 200_000, (0, 50_000, 100_000, 150_000, 200_000), id="many"),
    ],
)
def test_scale_is_round_and_its_lines_are_whole(most: int, top: int, lines: tuple) -> None:
    """Nobody reads half decisions off an axis."""
    assert scale(most) == top
    assert ticks(top) == lines
