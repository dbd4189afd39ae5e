"""How many decisions fell into each hour, counted once and kept: an overview reads no others.

The tally counts every decision up to a position, and none behind it. Decisions are only ever added
behind the last one, and never change in what is counted, so that none has to be looked at twice,
whatever the clocks say. Position and numbers move in one transaction: whoever is killed has counted
nothing, and of several gateways one goes on where another has stopped.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from gateway.adapters.journal.row import text_of
from gateway.adapters.journal.schema import CHAIN, DECISION, DECISION_RULE, TALLIED, TALLY

VERDICT: Final = "verdict"
PRINCIPAL: Final = "principal"
RULE: Final = "rule"
#: Decisions at a time: a few milliseconds in which nobody else writes to a file.
_AT_ONCE: Final = 500
#: So many decisions are read faster in their order than found by their time.
_FEW: Final = 50_000
#: Positions that are counted anew at a time: a database ends statements that take long.
_SPAN: Final = 50_000
_HOUR: Final = timedelta(hours=1)
#: Of an instant as it is stored: as far as its hour.
_HOUR_LENGTH: Final = 13

_POSITION: Final = DECISION.c.position
_TIME: Final = DECISION.c.timestamp
_FIRED: Final = DECISION_RULE.c.position
_NUMBER: Final = sa.func.count().label("number")
_END: Final = sa.select(TALLIED.c.position)
_ADD: Final = sa.text(
    "INSERT INTO tally (subject, hour, name, word, number) "
    "VALUES (:subject, :hour, :name, :word, :number) "
    "ON CONFLICT (subject, hour, name, word) DO UPDATE SET number = tally.number + excluded.number"
)


@dataclass(frozen=True, slots=True)
class Kind:
    """Of what there are so many.

    Args:
        subject: `VERDICT`, `PRINCIPAL` or `RULE`.
        hour: as it is stored, such as `2026-11-20T12`; empty where it is not asked for.
        name: of the principal or the rule; empty for verdicts.
        word: the verdict of the decision; of a rule, its mode.
    """

    subject: str
    hour: str
    name: str
    word: str


def advance(connection: sa.Connection) -> int:
    """Count some decisions more; the caller commits, and comes again until it is 0.

    Returns:
        How many; 0 where there are so few that readers may count them.
    """
    end: int = connection.execute(_END.with_for_update()).scalar_one()
    coming = sa.select(_POSITION).where(_POSITION > end).order_by(_POSITION).limit(_AT_ONCE)
    positions = connection.execute(coming).scalars().all()
    if len(positions) < _AT_ONCE:
        return 0
    _add(connection, _between(connection, end, positions[-1]), 1)
    connection.execute(sa.update(TALLIED).values(position=positions[-1]))
    return len(positions)


def take_out(connection: sa.Connection, last: int) -> None:
    """Count no more what is up to a position; it is deleted in the same transaction."""
    end: int = connection.execute(_END.with_for_update()).scalar_one()
    gone = _between(connection, 0, min(last, end))
    if gone:
        _add(connection, gone, -1)
        hours = {kind.hour for kind in gone}
        touched = (TALLY.c.hour >= min(hours), TALLY.c.hour <= max(hours))
        connection.execute(sa.delete(TALLY).where(*touched, TALLY.c.number == 0))


def counted(connection: sa.Connection, since: datetime, until: datetime) -> Counter[Kind]:
    """How many there are in a span of time; of what is no verdict, without its hour.

    Whole hours come from the tally. What is behind it, and hours that the span cuts in two, are
    counted anew.
    """
    end: int = connection.execute(_END).scalar_one()
    first, last = _hour_of(since + _HOUR - datetime.resolution), _hour_of(until)
    parts = [(since, until)]
    found: Counter[Kind] = Counter()
    if first < last:
        parts = [(since, first), (last, until)]
        found.update(_kept(connection, first, last))
    for start, stop in parts:
        if start < stop:
            within = (text_of(start) <= _TIME, text_of(stop) > _TIME)
            found.update(_without_hours(_count(connection, *within, _POSITION <= end)))
    behind = connection.execute(sa.select(CHAIN.c.position)).scalar_one() - end
    # An expression has no index, so that the order of positions is what is left.
    time = _TIME if behind > _FEW else _TIME.concat("")
    within = (text_of(since) <= time, text_of(until) > time)
    found.update(_without_hours(_count(connection, *within, _POSITION > end, rules=_FIRED > end)))
    return found


def differences(connection: sa.Connection) -> Iterator[str]:
    """Where the tally does not say what the decisions say that it counts; one line each hour."""
    end: int = connection.execute(_END).scalar_one()
    first: int = connection.execute(sa.select(sa.func.min(_POSITION))).scalar() or end
    right: Counter[Kind] = Counter()
    for after in range(first - 1, end, _SPAN):
        right.update(_between(connection, after, min(after + _SPAN, end)))
    said = {Kind(*row[:-1]): row.number for row in connection.execute(sa.select(TALLY))}
    wrong = {kind.hour for kind in right.keys() | said.keys() if right[kind] != said.get(kind, 0)}
    for hour in sorted(wrong):
        yield f"the tally of {hour} does not count its decisions"


def _between(connection: sa.Connection, after: int, last: int) -> Counter[Kind]:
    """What is behind a position, up to another."""
    decisions = (_POSITION > after, _POSITION <= last)
    return _count(connection, *decisions, rules=sa.and_(after < _FIRED, last >= _FIRED))


def _count(
    connection: sa.Connection,
    *decisions: sa.ColumnElement[bool],
    rules: sa.ColumnElement[bool] | None = None,
) -> Counter[Kind]:
    """Count anew.

    Args:
        connection: of the journal.
        decisions: which.
        rules: the same of the table of rules, where it can be said.
    """
    found: Counter[Kind] = Counter()
    hour = sa.func.substr(_TIME, 1, _HOUR_LENGTH).label("hour")
    who, said = DECISION.c.principal, DECISION.c.verdict
    asked = sa.select(hour, who, said, _NUMBER).where(*decisions)
    for at, name, verdict, number in connection.execute(asked.group_by(sa.text("hour"), who, said)):
        found[Kind(PRINCIPAL, at, name, verdict)] += number
        found[Kind(VERDICT, at, "", verdict)] += number
    rule, mode = DECISION_RULE.c.rule, DECISION_RULE.c.mode
    fired = sa.select(hour, rule, mode, _NUMBER).join(DECISION, _POSITION == _FIRED)
    fired = fired.where(*decisions) if rules is None else fired.where(*decisions, rules)
    for at, name, word, number in connection.execute(fired.group_by(sa.text("hour"), rule, mode)):
        found[Kind(RULE, at, name, word)] += number
    return found


def _kept(connection: sa.Connection, first: datetime, last: datetime) -> Counter[Kind]:
    """What the tally says of whole hours."""
    subject, name, word = TALLY.c.subject, TALLY.c.name, TALLY.c.word
    within = (TALLY.c.hour >= _name_of(first), TALLY.c.hour < _name_of(last))
    found: Counter[Kind] = Counter()
    verdicts = sa.select(TALLY).where(subject == VERDICT, *within)
    for row in connection.execute(verdicts):
        found[Kind(*row[:-1])] += row.number
    number = sa.func.sum(TALLY.c.number)
    for of in (PRINCIPAL, RULE):
        sums = sa.select(name, word, number).where(subject == of, *within).group_by(name, word)
        for who, said, many in connection.execute(sums):
            found[Kind(of, "", who, said)] += int(many)  # PostgreSQL adds up to a Decimal
    return found


def _without_hours(counted: Counter[Kind]) -> Counter[Kind]:
    found: Counter[Kind] = Counter()
    for kind, number in counted.items():
        hour = kind.hour if kind.subject == VERDICT else ""
        found[Kind(kind.subject, hour, kind.name, kind.word)] += number
    return found


def _add(connection: sa.Connection, counted: Counter[Kind], sign: int) -> None:
    rows = [
        {
            "subject": kind.subject,
            "hour": kind.hour,
            "name": kind.name,
            "word": kind.word,
            "number": sign * number,
        }
        for kind, number in counted.items()
    ]
    connection.execute(_ADD, rows)


def _hour_of(instant: datetime) -> datetime:
    """Where its hour begins."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _name_of(hour: datetime) -> str:
    return text_of(hour)[:_HOUR_LENGTH]
