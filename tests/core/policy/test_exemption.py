"""Which exemptions run, end soon, or have ended."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.policy.exemption import NOTICE, Exemption, State, UsedExemption
from gateway.core.policy.instant import nanoseconds

EXPIRES = datetime(2027, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ENTRY = {
    "id": "EX-7",
    "rules": ["INV001", "INV015"],
    "buckets": ["legacy-*"],
    "principals": ["*"],
    "configuration_ids": ["daily"],
    "reason": "until the migration",
    "ticket": "GOV-1",
    "approved_by": "governance",
    "expires": "2027-01-01T00:00:00Z",
    "expires_ns": nanoseconds(EXPIRES),
}


def test_an_exemption_is_taken_over_whole() -> None:
    """Every member of the entry."""
    assert Exemption.from_data(ENTRY) == Exemption(
        id="EX-7",
        rules=("INV001", "INV015"),
        buckets=("legacy-*",),
        principals=("*",),
        configuration_ids=("daily",),
        reason="until the migration",
        ticket="GOV-1",
        approved_by="governance",
        expires=EXPIRES,
    )


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (EXPIRES - NOTICE - SECOND, State.RUNNING),
        (EXPIRES - NOTICE, State.EXPIRING),
        (EXPIRES - SECOND, State.EXPIRING),
        (EXPIRES, State.EXPIRED),
        (EXPIRES + SECOND, State.EXPIRED),
    ],
)
def test_an_exemption_ends_with_notice(now: datetime, expected: State) -> None:
    """Fourteen days before, and at its very second, as the policy has it."""
    assert Exemption.from_data(ENTRY).state(now) is expected
    assert timedelta(days=14) == NOTICE


def test_a_used_exemption_is_plain_data_when_recorded() -> None:
    """For the journal and the decision log."""
    expected = {"id": "EX-7", "ticket": "GOV-1", "expires_ns": 1}
    assert UsedExemption("EX-7", "GOV-1", 1).as_record() == expected
