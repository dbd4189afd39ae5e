"""Counts as an overview."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.admin.overview import (
    SPANS,
    Latency,
    Ranked,
    Span,
    ending,
    hits,
    latencies,
    top_principals,
    top_rules,
)
from gateway.core.journal import FoundRule, JournalCounts, Verdict
from tests.support.admin_page import EXEMPTION
from tests.support.decisions import NOW

HOUR = timedelta(hours=1)


def counts(**values: object) -> JournalCounts:
    """Nothing but these."""
    empty = JournalCounts(hours={}, rules={}, principals={}, open=0)
    return replace(empty, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("span", SPANS, ids=[span.name for span in SPANS])
def test_a_span_has_columns_without_gaps_up_to_now(span: Span) -> None:
    """The current one is the last; all are whole steps."""
    made = span.columns(counts(), NOW)
    assert len(made) == span.length // span.step
    assert span.since(NOW) + span.length > NOW
    assert span.since(NOW) + span.length - span.step <= NOW


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        pytest.param(SPANS[0], ("Nov 21, 15:00", "15:00"), id="hour"),
        pytest.param(SPANS[1], ("Nov 21, 12:00", "Nov 21"), id="six hours"),
        pytest.param(SPANS[2], ("Nov 21", "Nov 21"), id="day"),
    ],
)
def test_hours_are_summed_into_their_column(span: Span, labels: tuple[str, str]) -> None:
    """By verdict; what is too old for the span is left out."""
    hour = NOW.replace(minute=0)
    hours: dict[tuple[datetime, Verdict], int] = {
        (hour, Verdict.ALLOW): 3,
        (hour, Verdict.DENY): 2,
        (hour - timedelta(days=90), Verdict.DENY): 100,
    }
    *_, last = span.columns(counts(hours=hours), NOW)
    assert (last.label, last.tick) == labels
    assert last.values == (3, 0, 2, 0)


def test_rules_are_ranked_over_all_modes() -> None:
    """Ten at most; the order of equals is by name."""
    rules = {FoundRule(f"INV{number:03}", "deny"): 1 for number in range(12)}
    rules |= {FoundRule("INV007", "warn"): 5}
    ranked = top_rules(counts(rules=rules))
    assert ranked[:2] == (Ranked("INV007", (6,)), Ranked("INV000", (1,)))
    assert len(ranked) == 10


def test_hits_are_by_rule_and_mode() -> None:
    """For the catalogue."""
    rules = {FoundRule("INV001", "deny"): 2, FoundRule("INV001", "exempted"): 1}
    assert hits(counts(rules=rules)) == {"INV001": {"deny": 2, "exempted": 1}}


def test_principals_are_ranked_by_what_they_asked() -> None:
    """With what became of it."""
    principals = {("ana", Verdict.DENY): 2, ("tom", Verdict.ALLOW): 1, ("ana", Verdict.ERROR): 1}
    ranked = top_principals(counts(principals=principals))
    assert ranked == (Ranked("ana", (0, 0, 2, 1)), Ranked("tom", (1, 0, 0, 0)))


def test_latencies_are_values_that_were_measured() -> None:
    """The middle one, and one that few were slower than; who measured nothing is not there."""
    timings = [{"timer_policy_ns": value, "timer_facts_ns": "x"} for value in range(1, 101)]
    assert latencies(timings) == (Latency("policy", 51, 96, 100),)  # type: ignore[arg-type]
    assert latencies(()) == ()


def test_exemptions_that_end_are_named_the_next_first() -> None:
    """Those that have ended come before; those that run for long are not news."""
    late = replace(EXEMPTION, id="EX-8", expires=NOW - HOUR)
    long = replace(EXEMPTION, id="EX-9", expires=NOW + timedelta(days=90))
    assert [item.id for item in ending((EXEMPTION, long, late), NOW)] == ["EX-8", "EX-7"]
