"""The overview: counts in, what its page shows out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.admin.charts import Column
from gateway.core.journal import JournalCounts, Verdict
from gateway.core.policy.exemption import Exemption, State

#: From the bottom of a column up: what passed, what would not have, what did not.
SERIES: Final = tuple(Verdict)
LABELS: Final[Mapping[Verdict, str]] = {
    Verdict.ALLOW: "allowed",
    Verdict.WOULD_DENY: "would be refused",
    Verdict.DENY: "refused",
    Verdict.ERROR: "not decided",
}
_TOP: Final = 10
_HOUR: Final = timedelta(hours=1)
#: In the order of a request.
_STAGES: Final = ("verification", "facts", "policy", "journal", "upstream")
_MEDIAN, _TAIL = 0.5, 0.95


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time that the overview offers.

    Args:
        name: in the address.
        label: for people.
        length: of it.
        step: of a column.
    """

    name: str
    label: str
    length: timedelta
    step: timedelta

    def since(self, now: datetime) -> datetime:
        """Where it begins: with a whole column, so that the first is as good as the others."""
        return self._floor(now) + self.step - self.length

    def columns(self, counts: JournalCounts, now: datetime) -> tuple[Column, ...]:
        """The counts, by column and verdict; columns in which nothing fell are there, too."""
        starts = [self.since(now) + self.step * index for index in range(self._number)]
        sums = {start: dict.fromkeys(SERIES, 0) for start in starts}
        for (hour, verdict), number in counts.hours.items():
            start = self._floor(hour)
            if start in sums:
                sums[start][verdict] += number
        return tuple(self._column(start, values.values()) for start, values in sums.items())

    @property
    def _number(self) -> int:
        return self.length // self.step

    def _floor(self, moment: datetime) -> datetime:
        epoch = datetime.min.replace(tzinfo=UTC)
        return epoch + (moment - epoch) // self.step * self.step

    def _column(self, start: datetime, values: Iterable[int]) -> Column:
        day = f"{start:%b} {start.day}"
        if self.step >= timedelta(days=1):
            return Column(day, day, tuple(values))
        hour = f"{start:%H:%M}"
        return Column(f"{day}, {hour}", day if self.step > _HOUR else hour, tuple(values))


SPANS: Final = (
    Span("day", "24 hours", timedelta(hours=24), _HOUR),
    Span("week", "7 days", timedelta(days=7), timedelta(hours=6)),
    Span("month", "30 days", timedelta(days=30), timedelta(days=1)),
)


@dataclass(frozen=True, slots=True)
class Ranked:
    """One line of a ranking: what counts for it, by series."""

    name: str
    values: tuple[int, ...]

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.values)


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a stage took: the middle one of all, and one that few were slower than."""

    stage: str
    median: float
    tail: float
    number: int


def top_rules(counts: JournalCounts) -> tuple[Ranked, ...]:
    """The rules that fired most, whatever came of it."""
    sums: dict[str, int] = {}
    for found, number in counts.rules.items():
        sums[found.rule] = sums.get(found.rule, 0) + number
    return _ranked((name, (number,)) for name, number in sums.items())


def hits(counts: JournalCounts) -> Mapping[str, Mapping[str, int]]:
    """How often a rule fired, by mode."""
    found: dict[str, dict[str, int]] = {}
    for rule, number in sorted(counts.rules.items()):
        found.setdefault(rule.rule, {})[rule.mode] = number
    return found


def top_principals(counts: JournalCounts) -> tuple[Ranked, ...]:
    """Who asked most, by verdict."""
    sums: dict[str, dict[Verdict, int]] = {}
    for (name, verdict), number in counts.principals.items():
        sums.setdefault(name, dict.fromkeys(SERIES, 0))[verdict] += number
    return _ranked((name, tuple(values.values())) for name, values in sums.items())


def latencies(timings: Sequence[Mapping[str, int]]) -> tuple[Latency, ...]:
    """By stage, over decisions' metrics; stages that nobody measured are left out."""
    found = []
    for stage in _STAGES:
        name = f"timer_{stage}_ns"
        values = sorted(value for timing in timings if type(value := timing.get(name)) is int)
        if values:
            middle, end = _quantile(values, _MEDIAN), _quantile(values, _TAIL)
            found.append(Latency(stage, middle, end, len(values)))
    return tuple(found)


def ending(exemptions: Iterable[Exemption], now: datetime) -> tuple[Exemption, ...]:
    """Exemptions that are about to end, the next one first; those that have ended come before."""
    soon = [item for item in exemptions if item.state(now) is not State.RUNNING]
    return tuple(sorted(soon, key=lambda item: item.expires))


def _ranked(lines: Iterable[tuple[str, tuple[int, ...]]]) -> tuple[Ranked, ...]:
    ranked = [Ranked(name, values) for name, values in lines]
    return tuple(sorted(ranked, key=lambda line: (-line.total, line.name))[:_TOP])


def _quantile(values: Sequence[int], share: float) -> int:
    """The nearest rank: a value that was really measured."""
    return values[min(int(share * len(values)), len(values) - 1)]
