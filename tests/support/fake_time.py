"""Time and ids that tests can foretell."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

NOW = datetime(2026, 11, 20, 12, 30, 58, tzinfo=UTC)


def clock() -> datetime:
    """Always the same moment."""
    return NOW


def stopwatch() -> Callable[[], float]:
    """A clock that goes on by half a second whenever it is read."""
    ticks = count()
    return lambda: next(ticks) * 0.5


def ids(prefix: str) -> Callable[[], str]:
    """`prefix-1`, `prefix-2`, ..."""
    numbers = count(1)
    return lambda: f"{prefix}-{next(numbers)}"
