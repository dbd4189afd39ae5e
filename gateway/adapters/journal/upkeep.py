"""Verify the chain, and prune its beginning so that the rest can still be verified."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import groupby, islice
from typing import Any, Final

import orjson
import sqlalchemy as sa

from gateway.adapters.journal import tally
from gateway.adapters.journal.chain import GENESIS, decision_hash, outcome_hash
from gateway.adapters.journal.row import text_of
from gateway.adapters.journal.schema import ANCHOR, CHAIN, DECISION, DECISION_RULE
from gateway.core.journal import rules_of

_AT_ONCE: Final = 1000
_MOST_PROBLEMS: Final = 100
#: What a row takes beside its texts, indexes included; measured, roughly.
_ROW_BYTES: Final = 1200
_SIZED: Final = ("input", "result", "metrics", "document", "received", "outcome_metrics")

#: Hears how many entries or rows are done.
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of it.

    Args:
        entries: decisions and outcomes that were looked at.
        position: of the last entry.
        hash: of the last entry: written down elsewhere, it vouches for all before it.
        problems: one line each; empty where the chain is whole.
    """

    entries: int
    position: int
    hash: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Link:
    """An entry as the chain sees it; of an anchor, only its hash is left."""

    position: int
    what: str
    hash: str
    previous: str | None = None
    computed: str | None = None
    problem: str = ""


def verify(
    connection: sa.Connection, progress: Progress, noted: Mapping[int, str] | None = None
) -> Verification:
    """Walk along the whole chain.

    It has no key: whoever may write to the tables may also write it anew, from any entry on. Only
    what was noted elsewhere tells.

    Args:
        connection: in a transaction that sees one state.
        progress: hears of every thousandth entry.
        noted: hashes that were read from this journal earlier, by position.
    """
    problems: list[str] = []
    expected = dict(noted or {})
    entries, position, last = 0, 0, GENESIS
    for link in _links(connection):
        entries += link.computed is not None
        problems += _problems_of(link, position, last)
        if expected.pop(link.position, link.hash) != link.hash:
            problems.append(f"{link.what} is not the entry that was noted")
        position, last = link.position, link.hash
        if entries % _AT_ONCE == 0:
            progress(entries)
        if len(problems) >= _MOST_PROBLEMS:
            return Verification(entries, position, last, tuple(problems))
    end = connection.execute(sa.select(CHAIN.c.position, CHAIN.c.hash)).one()
    if end.position > position:
        problems.append(_missing(position + 1, end.position))
    elif (end.position, end.hash) != (position, last):
        problems.append("the end of the chain is not where the journal says")
    for missing in sorted(expected):
        problems.append(f"position {missing} was noted and is not there; it may have been pruned")
    problems += islice(tally.differences(connection), _MOST_PROBLEMS)
    progress(entries)
    return Verification(entries, position, last, tuple(problems))


def _missing(first: int, last: int) -> str:
    return (
        f"position {first} is missing"
        if first == last
        else f"positions {first} to {last} are missing"
    )


def _problems_of(link: _Link, position: int, last: str) -> Iterator[str]:
    """What is wrong with an entry, behind the one at `position` whose hash is `last`."""
    if link.position == position:
        yield f"{link.what}: its position is taken twice"
    elif link.position > position + 1 and not (position == 0 and link.computed is None):
        yield _missing(position + 1, link.position - 1)
    elif link.previous is not None and link.previous != last:
        yield f"{link.what} does not follow the entry before it"
    if link.computed is not None and link.computed != link.hash:
        yield f"{link.what} was changed"
    if link.problem:
        yield link.problem


def older_than(connection: sa.Connection, instant: datetime) -> int:
    """The first position that is to be kept if only what is older than `instant` goes."""
    kept = sa.select(sa.func.min(DECISION.c.position)).where(
        DECISION.c.timestamp >= text_of(instant)
    )
    return connection.execute(kept).scalar() or _next_position(connection)


def beyond_size(connection: sa.Connection, size: int) -> int:
    """The first position that is to be kept if the newest decisions may take `size` bytes."""
    columns = (DECISION.c[name] for name in _SIZED)
    length: sa.ColumnElement[int] = sa.literal(_ROW_BYTES)
    for column in columns:
        length = length + sa.func.coalesce(sa.func.length(column), 0)
    position, taken = _next_position(connection), 0
    while True:
        page = sa.select(DECISION.c.position, length).where(DECISION.c.position < position)
        rows = connection.execute(page.order_by(DECISION.c.position.desc()).limit(_AT_ONCE)).all()
        for at, bytes_ in rows:
            taken += bytes_
            if taken > size:
                return position
            position = at
        if not rows:
            return position


def count_before(connection: sa.Connection, position: int) -> int:
    """How many decisions are before a position."""
    query = sa.select(sa.func.count()).where(DECISION.c.position < position)
    return connection.execute(query).scalar_one()


def prune(connection: sa.Connection, keep_from: int) -> int:
    """Take out some of the oldest decisions; the caller commits, and comes again until it is 0.

    What the chain of the others needs stays as anchors: of an outcome whose decision is gone, and
    of the last entry before the first that is kept, position and hash.

    Args:
        connection: within a transaction.
        keep_from: the first position to keep.

    Returns:
        How many decisions went.
    """
    connection.execute(sa.select(CHAIN.c.id).with_for_update())
    columns = [DECISION.c[n] for n in ("position", "hash", "outcome_position", "outcome_hash")]
    query = sa.select(*columns).where(DECISION.c.position < keep_from)
    rows = connection.execute(query.order_by(DECISION.c.position).limit(_AT_ONCE)).all()
    if not rows:
        return 0
    last = rows[-1].position
    anchors = [{"position": row.position, "hash": row.hash} for row in rows] + [
        {"position": row.outcome_position, "hash": row.outcome_hash}
        for row in rows
        if row.outcome_position is not None
    ]
    tally.take_out(connection, last)
    for table in (DECISION_RULE, DECISION):
        connection.execute(sa.delete(table).where(table.c.position <= last))
    connection.execute(sa.insert(ANCHOR), anchors)
    firsts = sa.select(
        sa.func.min(DECISION.c.position).label("decision"),
        sa.func.min(DECISION.c.outcome_position).label("outcome"),
    )
    kept = [number for number in connection.execute(firsts).one() if number is not None]
    first = min(kept, default=_next_position(connection))
    before_it = sa.select(sa.func.max(ANCHOR.c.position)).where(ANCHOR.c.position < first)
    needed = connection.execute(before_it).scalar()
    if needed is not None:
        connection.execute(sa.delete(ANCHOR).where(ANCHOR.c.position < needed))
    return len(rows)


def _next_position(connection: sa.Connection) -> int:
    end: int = connection.execute(sa.select(CHAIN.c.position)).scalar_one()
    return end + 1


def _links(connection: sa.Connection) -> Iterator[_Link]:
    """All that is left of the chain, in its order."""
    return merge(
        _decisions(connection),
        _outcomes(connection),
        _anchors(connection),
        key=lambda link: link.position,
    )


def _decisions(connection: sa.Connection) -> Iterator[_Link]:
    for rows in _pages(connection, DECISION, DECISION.c.position):
        span = DECISION_RULE.c.position.between(rows[0]["position"], rows[-1]["position"])
        query = sa.select(DECISION_RULE).where(span).order_by(DECISION_RULE.c.position)
        fired = {
            position: sorted((row["rule"], row["mode"]) for row in group)
            for position, group in groupby(
                connection.execute(query).mappings().all(), key=lambda row: row["position"]
            )
        }
        for row in rows:
            what = f"decision {row['decision_id']} at {row['position']}"
            problem = ""
            named = [(found.rule, found.mode) for found in rules_of(orjson.loads(row["result"]))]
            if fired.get(row["position"], []) != named:
                problem = f"{what}: decision_rule does not name its rules"
            if (row["outcome"] is None) != (row["outcome_position"] is None):
                problem = f"{what}: its outcome has no place in the chain"
            computed = decision_hash(row["previous_hash"], row)
            yield _Link(row["position"], what, row["hash"], row["previous_hash"], computed, problem)


def _outcomes(connection: sa.Connection) -> Iterator[_Link]:
    for rows in _pages(connection, DECISION, DECISION.c.outcome_position):
        for row in rows:
            yield _Link(
                row["outcome_position"],
                f"the outcome of {row['decision_id']} at {row['outcome_position']}",
                row["outcome_hash"],
                row["outcome_previous_hash"],
                outcome_hash(row["outcome_previous_hash"], row),
            )


def _anchors(connection: sa.Connection) -> Iterator[_Link]:
    for rows in _pages(connection, ANCHOR, ANCHOR.c.position):
        for row in rows:
            yield _Link(row["position"], f"the anchor at {row['position']}", row["hash"])


def _pages(
    connection: sa.Connection, table: sa.Table, column: sa.Column[Any]
) -> Iterator[Sequence[Any]]:
    seen = -1
    while True:
        query = sa.select(table).where(column > seen).order_by(column).limit(_AT_ONCE)
        rows = connection.execute(query).mappings().all()
        if not rows:
            return
        yield rows
        seen = rows[-1][column.name]
