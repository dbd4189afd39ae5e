"""A point in time, as settings write it (RFC 3339, with its zone) and as policy reads it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

#: RFC 3339 section 5.6. A time without a zone means another moment on every machine.
_RFC3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Nanoseconds stay within 63 bits, which JSON readers and both policy engines take.
_END: Final = datetime(2200, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def read_instant(text: str) -> datetime | None:
    """Read a time with its zone; None where it is none, or not between 1970 and 2200."""
    if _RFC3339.fullmatch(text) is None:
        return None
    try:
        instant = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # 30 February; the year 0 or 10000 in UTC
        return None
    return instant if _EPOCH <= instant < _END else None


def nanoseconds(instant: datetime) -> int:
    """Since 1970, exactly: a float would be off by some hundred nanoseconds."""
    return (instant - _EPOCH) // _MICROSECOND * 1000
