"""Write a batch of entries at the end of the chain, within the transaction of the connection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import sqlalchemy as sa

from gateway.adapters.journal.chain import decision_hash, outcome_hash
from gateway.adapters.journal.schema import CHAIN, DECISION, DECISION_RULE
from gateway.core.journal import rules_of

# SQLite knows no FOR UPDATE and needs none: the transaction began by taking the write lock.
_LOCK: Final = sa.select(CHAIN.c.position, CHAIN.c.hash).with_for_update()
_ADVANCE: Final = sa.update(CHAIN).values(
    position=sa.bindparam("end"), hash=sa.bindparam("last"), commits=CHAIN.c.commits + 1
)
_INSERT: Final = sa.insert(DECISION)
_INSERT_RULE: Final = sa.insert(DECISION_RULE)
_OUTCOME: Final = (
    "outcome s3_status upstream_request_id outcome_metrics outcome_position outcome_writer "
    "outcome_previous_hash outcome_hash"
).split()
_CONCLUDE: Final = (
    sa.update(DECISION)
    .where(DECISION.c.position == sa.bindparam("at"))
    .values({name: sa.bindparam(f"new_{name}") for name in _OUTCOME})
)


@dataclass(frozen=True, slots=True)
class Addition:
    """A decision to store: the columns of its row."""

    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conclusion:
    """An outcome to add to a decision that has none: the columns that it fills."""

    decision_id: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Probe:
    """Nothing to store: only prove that a commit reaches the disk."""


Work = Addition | Conclusion | Probe


def append(connection: sa.Connection, writer: str, batch: Sequence[Work]) -> list[str]:
    """Write decisions, then outcomes, and move the end of the chain; the caller commits.

    Args:
        connection: within a transaction that has the write lock, or takes it here.
        writer: the process that writes.
        batch: what to write, outcomes after their decisions.

    Returns:
        The ids whose outcome was not written, as there is no such decision without one.

    Raises:
        IntegrityError: a `decision_id` that is there already.
    """
    position, last = connection.execute(_LOCK).one()
    rows: list[dict[str, Any]] = []
    for work in batch:
        if isinstance(work, Addition):
            position += 1
            row = {**work.values, "position": position, "writer": writer}
            row["previous_hash"], row["hash"] = last, decision_hash(last, row)
            last = row["hash"]
            rows.append(row)
    if rows:
        connection.execute(_INSERT, rows)
        rules = [rule for row in rows for rule in rule_rows(row)]
        if rules:
            connection.execute(_INSERT_RULE, rules)
    conclusions = [work for work in batch if isinstance(work, Conclusion)]
    waiting = _open_decisions(connection, conclusions)
    outcomes, lost = [], []
    for work in conclusions:
        at = waiting.pop(work.decision_id, None)
        if at is None:
            lost.append(work.decision_id)
            continue
        position += 1
        row = _outcome_row(work, position, last, writer)
        last = row["outcome_hash"]
        outcomes.append({"at": at, **{f"new_{name}": row[name] for name in _OUTCOME}})
    if outcomes:
        connection.execute(_CONCLUDE, outcomes)
    # Where nothing was added, too: it is a commit with its sync all the same.
    connection.execute(_ADVANCE, {"end": position, "last": last})
    return lost


def rule_rows(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What to find a decision by, from its row."""
    return [
        {"rule": found.rule, "position": row["position"], "mode": found.mode}
        for found in rules_of(orjson.loads(row["result"]))
    ]


def _open_decisions(connection: sa.Connection, conclusions: Sequence[Conclusion]) -> dict[str, int]:
    """Where the decisions are that have no outcome yet, by their id."""
    if not conclusions:
        return {}
    ids = [work.decision_id for work in conclusions]
    query = sa.select(DECISION.c.decision_id, DECISION.c.position).where(
        DECISION.c.decision_id.in_(ids), DECISION.c.outcome.is_(None)
    )
    return {row.decision_id: row.position for row in connection.execute(query)}


def _outcome_row(work: Conclusion, position: int, last: str, writer: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "decision_id": work.decision_id,
        **work.values,
        "outcome_position": position,
        "outcome_writer": writer,
        "outcome_previous_hash": last,
    }
    return {**row, "outcome_hash": outcome_hash(last, row)}
