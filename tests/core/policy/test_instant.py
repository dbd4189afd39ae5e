"""Times with their zone, to the nanosecond."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.policy.instant import nanoseconds, read_instant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2027-01-01T00:00:00Z", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01t00:00:00z", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01 01:30:00+01:30", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2026-12-31T19:00:00.5-05:00", datetime(2027, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_when_it_has_a_zone(text: str, expected: datetime) -> None:
    """RFC 3339 section 5.6."""
    assert read_instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2027-01-01T00:00:00", id="no-zone"),
        pytest.param("2027-01-01", id="a-date"),
        pytest.param("tomorrow", id="a-word"),
        pytest.param("", id="nothing"),
        pytest.param("2027-02-30T00:00:00Z", id="no-such-day"),
        pytest.param("2027-01-01T24:00:01Z", id="no-such-hour"),
        pytest.param("2027-01-01T00:00:60Z", id="leap-second"),
        pytest.param("0001-01-01T00:00:00+01:00", id="before-the-year-1"),
        pytest.param("9999-12-31T23:59:59-01:00", id="after-the-year-9999"),
        pytest.param("1969-12-31T23:59:59Z", id="before-1970"),
        pytest.param("2200-01-01T00:00:00Z", id="beyond-63-bits-soon"),
        pytest.param("2027-01-01T00:00:00Z\n", id="line-end"),
        pytest.param("٢٠٢٧-01-01T00:00:00Z", id="other-digits"),
        pytest.param("2027-W01-1T00:00:00Z", id="week"),
    ],
)
def test_what_is_no_time_with_a_zone_is_none(text: str) -> None:
    """Without a zone it would be another moment on every machine."""
    assert read_instant(text) is None


@given(st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_nanoseconds_are_exact(instant: datetime) -> None:
    """What is written is read, to the microsecond."""
    whole, fraction = divmod(nanoseconds(instant), 10**9)
    assert (whole, fraction) == (int(instant.timestamp() // 1), instant.microsecond * 1000)
    assert read_instant(instant.isoformat()) == instant
