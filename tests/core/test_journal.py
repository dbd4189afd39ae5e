"""What readers of the journal are shown."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.core.journal import (
    FoundRule,
    JournalCounts,
    JournalEntry,
    Verdict,
    rules_of,
    verdict_of,
)
from tests.support.fakes import decision_record


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        pytest.param({}, Verdict.ALLOW, id="allowed"),
        pytest.param({"result": {"would_refuse": True}}, Verdict.WOULD_DENY, id="observed"),
        pytest.param({"result": {"would_refuse": "yes"}}, Verdict.ALLOW, id="not a yes"),
        pytest.param({"allow": False}, Verdict.DENY, id="denied"),
        pytest.param(
            {"allow": False, "result": {"would_refuse": True}}, Verdict.DENY, id="denied after all"
        ),
        pytest.param({"allow": False, "error": "engine_timeout"}, Verdict.ERROR, id="fault"),
    ],
)
def test_verdict_is_one_word(changes: dict[str, Any], verdict: Verdict):
    """For records and entries alike."""
    record = decision_record(**changes)
    assert verdict_of(record) is verdict
    assert JournalEntry(1, record, None, "w", "0").verdict is verdict


@pytest.mark.parametrize(
    ("result", "found"),
    [
        pytest.param({}, [], id="nothing was asked"),
        pytest.param(
            {
                "violations": [{"rule": "INV015"}, {"rule": "INV001"}, {"rule": "INV001"}],
                "warnings": [{"rule": "INV001"}],
                "dryrun": [{"rule": "INV033"}],
                "exempted": [{"rule": "INV010"}],
            },
            [
                ("INV001", "deny"),
                ("INV001", "warn"),
                ("INV010", "exempted"),
                ("INV015", "deny"),
                ("INV033", "dryrun"),
            ],
            id="each once for every mode",
        ),
        pytest.param({"violations": 7, "warnings": ["x", {"path": "/"}]}, [], id="odd"),
    ],
)
def test_rules_are_those_of_the_findings(result: dict[str, object], found: list[tuple[str, str]]):
    """Sorted; what is no finding is none."""
    assert rules_of(result) == tuple(FoundRule(*rule) for rule in found)


def test_verdicts_are_sums_over_hours():
    """Those of which there are none, too."""
    noon, one = datetime(2026, 11, 20, 12, tzinfo=UTC), datetime(2026, 11, 20, 13, tzinfo=UTC)
    hours = {(noon, Verdict.ALLOW): 2, (one, Verdict.ALLOW): 3, (one, Verdict.DENY): 1}
    counts = JournalCounts(hours, {}, {}, 0)
    assert counts.verdicts == {
        Verdict.ALLOW: 5,
        Verdict.WOULD_DENY: 0,
        Verdict.DENY: 1,
        Verdict.ERROR: 0,
    }
