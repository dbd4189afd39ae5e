"""What readers ask of the tables, on a connection of whichever back end.

Pages go by position, and every filter has an index that ends in it: a page costs what it shows,
however long the journal is.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa

from gateway.adapters.journal import tally
from gateway.adapters.journal.row import entry_of, listed, text_of
from gateway.adapters.journal.schema import DECISION, DECISION_RULE
from gateway.core.journal import (
    OPEN,
    AmbiguousIdError,
    FoundRule,
    JournalCounts,
    JournalEntry,
    JournalFilter,
    JournalRow,
    Verdict,
)

_LISTED: Final = [
    DECISION.c[name]
    for name in (
        "position decision_id timestamp principal action bucket inventory_id verdict error "
        "outcome s3_status upstream_request_id outcome_metrics"
    ).split()
]
#: How far the order of positions may be from that of times. Whose clock is off by more signs what
#: S3 refuses (RequestTimeTooSkewed), and a record waits for seconds only.
_SKEW: Final = timedelta(minutes=15)
_MOST_PRINCIPALS: Final = 50
#: Decisions. To pass over so many rows takes SQLite some ten milliseconds, to count them one.
_COMMON: Final = 10_000
_AFTER_ANY_ID: Final = "\U0010ffff"


def page(
    connection: sa.Connection, wanted: JournalFilter, before: int | None, limit: int
) -> list[JournalRow]:
    """See `JournalReader.page`."""
    query, cursor = _wanted(connection, wanted)
    if before is not None:
        query = query.where(cursor < before)
    return _rows(connection, query.order_by(cursor.desc()).limit(limit))


def tail(
    connection: sa.Connection, wanted: JournalFilter, after: int, limit: int
) -> list[JournalRow]:
    """See `JournalReader.tail`."""
    query, cursor = _wanted(connection, wanted)
    return _rows(connection, query.where(cursor > after).order_by(cursor).limit(limit))


def get(connection: sa.Connection, decision_id: str) -> JournalEntry | None:
    """See `JournalReader.get`."""
    column = DECISION.c.decision_id
    begins_so = sa.and_(column >= decision_id, column < decision_id + _AFTER_ANY_ID)
    query = sa.select(DECISION).where(begins_so).order_by(column).limit(2)
    rows = connection.execute(query).mappings().all()
    if len(rows) > 1 and rows[0]["decision_id"] != decision_id:
        raise AmbiguousIdError(decision_id)
    return entry_of(rows[0]) if rows else None


def counts(connection: sa.Connection, since: datetime, until: datetime) -> JournalCounts:
    """See `JournalReader.counts`."""
    hours: Counter[tuple[datetime, Verdict]] = Counter()
    rules: Counter[FoundRule] = Counter()
    principals: Counter[tuple[str, Verdict]] = Counter()
    for kind, number in tally.counted(connection, since, until).items():
        match kind.subject:
            case tally.VERDICT:
                hour = datetime.fromisoformat(f"{kind.hour}:00").replace(tzinfo=UTC)
                hours[hour, Verdict(kind.word)] += number
            case tally.PRINCIPAL:
                principals[kind.name, Verdict(kind.word)] += number
            case _:
                rules[FoundRule(kind.name, kind.word)] += number
    within = (DECISION.c.timestamp >= text_of(since), DECISION.c.timestamp < text_of(until))
    still_open = sa.select(sa.func.count()).where(DECISION.c.outcome.is_(None), *within)
    return JournalCounts(
        hours=hours,
        rules=rules,
        principals=_busiest(principals),
        open=connection.execute(still_open).scalar_one(),
    )


def _busiest(counted: Mapping[tuple[str, Verdict], int]) -> dict[tuple[str, Verdict], int]:
    """Those who asked most. To choose them in SQL made SQLite read every row of theirs."""
    sums: Counter[str] = Counter()
    for (who, _), many in counted.items():
        sums[who] += many
    chosen = {who for who, _ in sums.most_common(_MOST_PRINCIPALS)}
    return {key: many for key, many in counted.items() if key[0] in chosen}


def entries(
    connection: sa.Connection, wanted: JournalFilter, after: int, limit: int
) -> list[JournalEntry]:
    """As `tail`, but whole."""
    query, cursor = _wanted(connection, wanted)
    query = query.with_only_columns(*DECISION.c, maintain_column_froms=True)
    rows = connection.execute(query.where(cursor > after).order_by(cursor).limit(limit)).mappings()
    return [entry_of(row) for row in rows]


def timings(connection: sa.Connection, limit: int) -> list[dict[str, int]]:
    """See `JournalReader.timings`."""
    columns = sa.select(DECISION.c.metrics, DECISION.c.outcome_metrics)
    newest = connection.execute(columns.order_by(DECISION.c.position.desc()).limit(limit))
    return [{**orjson.loads(metrics), **orjson.loads(later or "{}")} for metrics, later in newest]


def open_decisions(connection: sa.Connection, writers: Sequence[str]) -> list[JournalEntry]:
    """The decisions of some writers that have no outcome, oldest first."""
    query = sa.select(DECISION).where(DECISION.c.writer.in_(writers), DECISION.c.outcome.is_(None))
    rows = connection.execute(query.order_by(DECISION.c.position)).mappings()
    return [entry_of(row) for row in rows]


def writers_of_open_decisions(connection: sa.Connection) -> list[str]:
    """Who has decisions without outcome."""
    query = sa.select(DECISION.c.writer).where(DECISION.c.outcome.is_(None)).distinct()
    return list(connection.execute(query.order_by(DECISION.c.writer)).scalars())


def _wanted(
    connection: sa.Connection, wanted: JournalFilter
) -> tuple[sa.Select[Any], sa.ColumnElement[int]]:
    """The query, and the column whose order it is to be read in."""
    query, cursor = sa.select(*_LISTED), DECISION.c.position
    for column, value in (
        (DECISION.c.verdict, wanted.verdict),
        (DECISION.c.principal, wanted.principal),
        (DECISION.c.bucket, wanted.bucket),
    ):
        if value:
            query = query.where(column == str(value))
    if wanted.outcome == OPEN:
        query = query.where(DECISION.c.outcome.is_(None))
    elif wanted.outcome:
        query = query.where(DECISION.c.outcome == wanted.outcome)
    fired = DECISION_RULE
    if wanted.rule and (wanted.bucket or wanted.principal) and _is_common(connection, wanted.rule):
        # Read along the index of the bucket or principal: few rows have to be passed over.
        found = sa.exists().where(fired.c.rule == wanted.rule, fired.c.position == cursor)
        query = query.where(found)
    elif wanted.rule:
        # Read along the rule's own index, which is in order of positions; of the modes in which
        # the rule fired for one decision, the first stands for all.
        other = DECISION_RULE.alias("other")
        same = sa.and_(other.c.rule == fired.c.rule, other.c.position == fired.c.position)
        earlier = sa.exists().where(same, other.c.mode < fired.c.mode)
        query = query.join(fired, fired.c.position == DECISION.c.position)
        query, cursor = query.where(fired.c.rule == wanted.rule, ~earlier), fired.c.position
    if wanted.since is not None:
        query = query.where(DECISION.c.timestamp >= text_of(wanted.since))
    if wanted.until is not None:
        query = query.where(DECISION.c.timestamp < text_of(wanted.until))
    return query.where(*_bounds(connection, cursor, wanted.since, wanted.until)), cursor


def _is_common(connection: sa.Connection, rule: str) -> bool:
    """Whether a rule fired so often that along its own index it is far to what is rarer."""
    fired = sa.select(DECISION_RULE.c.position).where(DECISION_RULE.c.rule == rule)
    return connection.execute(fired.offset(_COMMON - 1).limit(1)).scalar() is not None


def _bounds(
    connection: sa.Connection,
    cursor: sa.ColumnElement[int],
    since: datetime | None,
    until: datetime | None,
) -> list[sa.ColumnElement[bool]]:
    """A span of time as one of positions, a little wider: pages then need not look beyond it."""
    position, time = DECISION.c.position, DECISION.c.timestamp
    bounds: list[sa.ColumnElement[bool]] = []
    if since is not None:
        before = sa.select(position).where(time < text_of(since - _SKEW))
        found = connection.execute(before.order_by(time.desc(), position.desc()).limit(1)).scalar()
        if found is not None:
            bounds.append(cursor > found)
    if until is not None:
        beyond = sa.select(position).where(time >= text_of(until + _SKEW))
        found = connection.execute(beyond.order_by(time, position).limit(1)).scalar()
        if found is not None:
            bounds.append(cursor < found)
    return bounds


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> list[JournalRow]:
    rows: Sequence[Any] = connection.execute(query).mappings().all()
    rules = defaultdict(list)
    of_these = DECISION_RULE.c.position.in_([row["position"] for row in rows])
    fired = sa.select(DECISION_RULE).where(of_these)
    for rule, position, mode in connection.execute(fired) if rows else ():
        rules[position].append(FoundRule(rule, mode))
    return [listed(row, tuple(sorted(rules[row["position"]]))) for row in rows]
