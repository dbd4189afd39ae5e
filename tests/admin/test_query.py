"""What an address asks for."""

from datetime import UTC, datetime

import pytest

from gateway.admin.query import DecisionQuery, QueryError, position
from gateway.core.journal import JournalFilter, Verdict


def test_filters_and_cursor_are_read() -> None:
    """Times are UTC where they name no zone."""
    query = DecisionQuery.read(
        {
            "verdict": "deny",
            "outcome": "refused",
            "rule": " INV001 ",
            "principal": "ana",
            "bucket": "acme-orders",
            "since": "2026-11-20T13:30",
            "until": "2026-11-20T15:30+01:00",
            "before": "77",
            "unknown": "x",
        }
    )
    assert query.wanted == JournalFilter(
        verdict=Verdict.DENY,
        outcome="refused",
        rule="INV001",
        principal="ana",
        bucket="acme-orders",
        since=datetime(2026, 11, 20, 13, 30, tzinfo=UTC),
        until=datetime(2026, 11, 20, 14, 30, tzinfo=UTC),
    )
    assert query.before == 77


def test_without_members_everything_is_wanted() -> None:
    """Empty fields of a form are no filters."""
    query = DecisionQuery.read({"verdict": "", "principal": "  ", "before": ""})
    assert query == DecisionQuery(JournalFilter(), None, {})
    assert query.link() == ""


def test_links_keep_the_filters_and_escape_them() -> None:
    """A principal's name cannot add a member."""
    query = DecisionQuery.read({"principal": "a&b=c\ud800", "before": "9"})
    assert query.link(before=3) == "principal=a%26b%3Dc%3F&before=3"


@pytest.mark.parametrize(
    ("members", "named"),
    [
        pytest.param({"verdict": "maybe"}, "verdict", id="verdict"),
        pytest.param({"outcome": "maybe"}, "outcome", id="outcome"),
        pytest.param({"since": "yesterday"}, "since", id="no time"),
        pytest.param({"until": "0001-01-01T00:00+23:59"}, "until", id="before all times"),
        pytest.param({"before": "-1"}, "before", id="negative"),
        pytest.param({"before": "\u0661"}, "before", id="another script's digit"),
        pytest.param({"before": "9" * 19}, "before", id="beyond 63 bits"),
        pytest.param({"before": "9" * 5000}, "before", id="many digits"),
        pytest.param({"bucket": "b" * 513}, "bucket", id="long"),
    ],
)
def test_what_cannot_be_meant_is_refused(members: dict[str, str], named: str) -> None:
    """By the name of the member."""
    with pytest.raises(QueryError, match=named):
        DecisionQuery.read(members)


def test_a_position_may_be_missing() -> None:
    """Then there is no cursor."""
    assert position("after", "") is None
    assert position("after", "12") == 12
