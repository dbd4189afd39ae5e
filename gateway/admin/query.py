"""What the address of a page asks for: filters, a cursor, a span of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self
from urllib.parse import urlencode

from gateway.core.journal import OPEN, JournalFilter, Verdict

OUTCOMES: Final = ("forwarded", "refused", "failed", "unknown", OPEN)
_MAX_TEXT: Final = 512
_MAX_POSITION: Final = 2**62
_MAX_DIGITS: Final = 19


class QueryError(ValueError):
    """An address that cannot be meant; the text says which member, and is shown."""


@dataclass(frozen=True, slots=True)
class DecisionQuery:
    """Which decisions a list shows.

    Args:
        wanted: the filter.
        before: the cursor; None for the newest.
        given: the members of the address that filter, as they were written, for forms and links.
    """

    wanted: JournalFilter
    before: int | None
    given: Mapping[str, str]

    @classmethod
    def read(cls, members: Mapping[str, str]) -> Self:
        """Read the members of an address; those that are not known are left alone.

        Raises:
            QueryError: a member holds what it cannot.
        """
        given = {
            name: text
            for name in ("verdict", "outcome", "rule", "principal", "bucket", "since", "until")
            if (text := members.get(name, "").strip())
        }
        for name, text in given.items():
            if len(text) > _MAX_TEXT:
                raise QueryError(f"{name} is too long")
        outcome = given.get("outcome", "")
        if outcome not in ("", *OUTCOMES):
            raise QueryError(f"outcome is none of {', '.join(OUTCOMES)}")
        wanted = JournalFilter(
            verdict=_verdict(given.get("verdict", "")),
            outcome=outcome,
            rule=given.get("rule", ""),
            principal=given.get("principal", ""),
            bucket=given.get("bucket", ""),
            since=_instant("since", given.get("since", "")),
            until=_instant("until", given.get("until", "")),
        )
        return cls(wanted, position("before", members.get("before", "")), given)

    def link(self, **others: object) -> str:
        """The query of another page with the same filters."""
        return urlencode({**self.given, **others}, encoding="utf-8", errors="replace")


def position(name: str, text: str) -> int | None:
    """A place in the journal; None for none.

    Raises:
        QueryError: it is no number that a place could have.
    """
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
        raise QueryError(f"{name} is no position in the journal")
    found = int(text)
    if found > _MAX_POSITION:
        raise QueryError(f"{name} is no position in the journal")
    return found


def _verdict(text: str) -> Verdict | None:
    try:
        return Verdict(text) if text else None
    except ValueError:
        raise QueryError(f"verdict is none of {', '.join(Verdict)}") from None


def _instant(name: str, text: str) -> datetime | None:
    """A time as `<input type="datetime-local">` writes it, in UTC as all times of the page.

    Raises:
        QueryError: it is none.
    """
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise QueryError(f"{name} is no time such as 2026-11-20T13:30") from None
