"""Records as rows."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.journal.row import outcome_of, outcome_values, record_of, text_of, values_of
from gateway.adapters.journal.schema import DECISION
from gateway.core.ports import Outcome
from tests.support.fakes import decision_record

_ZONES = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
_INSTANTS = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - Hypothesis wants them without a zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=_ZONES,
)


def test_record_and_back():
    """Nothing is lost, and every value has its column."""
    values = values_of(decision_record())
    assert record_of(values) == decision_record()
    assert set(values) <= {column.name for column in DECISION.columns}


@given(one=_INSTANTS, other=_INSTANTS)
def test_order_of_text_is_order_of_time(one: datetime, other: datetime):
    """Whatever the zones."""
    assert (text_of(one) < text_of(other)) == (one < other)
    assert datetime.fromisoformat(text_of(one)) == one
    assert datetime.fromisoformat(text_of(one)).tzinfo == UTC


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        pytest.param({"input": {"x": object()}}, TypeError, id="object"),
        pytest.param({"bucket": "\udc80"}, UnicodeEncodeError, id="lone surrogate"),
        pytest.param({"input": {"x": "\udc80"}}, TypeError, id="lone surrogate in JSON"),
    ],
)
def test_what_cannot_be_stored_is_found_early(changes, fault):
    """Before it meets the transaction of others."""
    with pytest.raises(fault):
        values_of(decision_record(**changes))


def test_no_outcome_is_none():
    """And S3's silence is one."""
    assert outcome_of({"outcome": None}) is None
    assert outcome_of(outcome_values(Outcome("unknown"))) == Outcome("unknown")


def test_outcome_and_back():
    """With what was measured; where that is nothing, nothing is stored."""
    outcome = Outcome("forwarded", 204, "UP1", {"timer_journal_ns": 7, "timer_upstream_ns": 9})
    assert outcome_of(outcome_values(outcome)) == outcome
    assert outcome_values(Outcome("unknown"))["outcome_metrics"] is None


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        pytest.param(Outcome("forwarded", 204, "\udc80"), UnicodeEncodeError, id="lone surrogate"),
        pytest.param(Outcome("failed", metrics={"timer_x_ns": 2**70}), TypeError, id="number"),
    ],
)
def test_outcome_that_cannot_be_stored_is_found_early(outcome: Outcome, fault: type[Exception]):
    """Before it meets the transaction of others."""
    with pytest.raises(fault):
        outcome_values(outcome)
