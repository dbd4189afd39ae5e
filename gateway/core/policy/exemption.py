"""Exemptions: who let what pass, until when, and which of them need a word."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final, Self

NOTICE: Final = timedelta(days=14)


class State(Enum):
    """Where an exemption stands."""

    RUNNING = "running"
    EXPIRING = "expiring"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Exemption:
    """One entry of the organisation's settings. All lists but `rules` are globs."""

    id: str
    rules: tuple[str, ...]
    buckets: tuple[str, ...]
    principals: tuple[str, ...]
    configuration_ids: tuple[str, ...]
    reason: str
    ticket: str
    approved_by: str
    expires: datetime

    @classmethod
    def from_data(cls, entry: Mapping[str, Any]) -> Self:
        """Take over an entry of `data.org.exemptions`, which has been checked."""
        return cls(
            id=entry["id"],
            rules=tuple(entry["rules"]),
            buckets=tuple(entry["buckets"]),
            principals=tuple(entry["principals"]),
            configuration_ids=tuple(entry["configuration_ids"]),
            reason=entry["reason"],
            ticket=entry["ticket"],
            approved_by=entry["approved_by"],
            expires=datetime.fromtimestamp(entry["expires_ns"] // 10**9, UTC),
        )

    def state(self, now: datetime) -> State:
        """Where it stands; at the second of its expiry it holds no longer, as in the policy."""
        if now >= self.expires:
            return State.EXPIRED
        return State.EXPIRING if now >= self.expires - NOTICE else State.RUNNING


@dataclass(frozen=True, slots=True)
class UsedExemption:
    """The exemption that kept a finding from refusing, as the policy names it."""

    id: str
    ticket: str
    expires_ns: int

    def as_record(self) -> dict[str, object]:
        """For the journal and the decision log."""
        return {"id": self.id, "ticket": self.ticket, "expires_ns": self.expires_ns}
