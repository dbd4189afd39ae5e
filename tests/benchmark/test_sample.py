"""Samples, and what several say together."""

import pytest

from tests.benchmark.figures import sample
from tests.benchmark.sample import Sample, Spread, paired, spread


def test_a_sample_says_what_a_request_and_a_byte_cost() -> None:
    """All that is derived, from figures that differ."""
    one = Sample(400, 2.0, 8 * 10**9, cpu_seconds=0.5, p50_ms=1, p99_ms=2, rss_mib=3)
    assert (one.per_second, one.mb_per_second) == (200, 4000)
    assert (one.cpu_us, one.cpu_ms_per_gb) == (1250, 62.5)


@pytest.mark.parametrize(
    ("values", "digits", "expected"),
    [
        pytest.param([3.0, 1.0, 10.0], 0, "3 (1 to 10)", id="odd"),
        pytest.param([1.0, 2.0], 2, "1.50 (1.00 to 2.00)", id="even"),
        pytest.param([1.24], 1, "1.2", id="one"),
        pytest.param([1.01, 1.04], 1, "1.0", id="alike as shown"),
    ],
)
def test_a_spread_is_shown_where_there_is_one(
    values: list[float], digits: int, expected: str
) -> None:
    """The median first, and the extremes only if a reader would see them differ."""
    assert spread(values).shown(digits) == expected


def test_ratios_are_paired_within_each_round() -> None:
    """A slow second round hits both, and the ratio stays what it is."""
    ours, theirs = [sample(2.0), sample(20.0)], [sample(1.0), sample(10.0)]
    assert paired(ours, theirs, lambda one: one.cpu_us) == Spread(2.0, 2.0, 2.0)


def test_rounds_of_different_number_are_refused() -> None:
    """A pair is of one round."""
    with pytest.raises(ValueError, match="zip"):
        paired([sample()], [sample(), sample()], lambda one: one.cpu_us)
