"""Write a batch of entries at the end of the chain, within the transaction of the connection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import sqlalchemy as sa

from gateway.adapters.journal.chain import decision_hash, outcome_hash
from gateway.adapters.journal.prepared import Prepared
from gateway.adapters.journal.row import outcome_values, values_of
from gateway.adapters.journal.schema import CHAIN, DECISION, DECISION_RULE
from gateway.core.journal import FoundRule, rules_of
from gateway.core.ports import DecisionRecord, Outcome

# SQLite knows no FOR UPDATE and needs none: the transaction began by taking the write lock.
_LOCK: Final = Prepared(sa.select(CHAIN.c.position, CHAIN.c.hash).with_for_update())
_ADVANCE: Final = Prepared(
    sa.update(CHAIN).values(
        position=sa.bindparam("end"),
        hash=sa.bindparam("last"),
        commits=CHAIN.c.commits + sa.literal_column("1"),
    )
)
_OUTCOME: Final = (
    "outcome s3_status upstream_request_id outcome_metrics outcome_position outcome_writer "
    "outcome_previous_hash outcome_hash"
).split()
_INSERT: Final = Prepared(
    sa.insert(DECISION).values(
        {it.name: sa.bindparam(it.name) for it in DECISION.c if it.name not in _OUTCOME}
    )
)
_INSERT_RULE: Final = Prepared(sa.insert(DECISION_RULE))
_TAKE_BACK: Final = tuple(
    sa.delete(table).where(table.c.position == sa.bindparam("at"))
    for table in (DECISION_RULE, DECISION)
)
_OPEN: Final = sa.select(DECISION.c.decision_id, DECISION.c.position).where(
    DECISION.c.outcome.is_(None)
)
_OPEN_ONE: Final = Prepared(_OPEN.where(DECISION.c.decision_id == sa.bindparam("decision_id")))
_OPEN_SOME: Final = _OPEN.where(DECISION.c.decision_id.in_(sa.bindparam("ids", expanding=True)))
_CONCLUDE: Final = Prepared(
    sa.update(DECISION)
    .where(DECISION.c.position == sa.bindparam("at"))
    .values({name: sa.bindparam(f"new_{name}") for name in _OUTCOME})
)


@dataclass(frozen=True, slots=True)
class Addition:
    """A decision to store: the columns of its row, and what it is to be found by."""

    values: Mapping[str, Any]
    rules: Sequence[FoundRule]

    @classmethod
    def of(cls, record: DecisionRecord) -> Self:
        """Of a record.

        Raises:
            TypeError, UnicodeEncodeError: it cannot be stored; see `values_of`.
        """
        return cls(values_of(record), rules_of(record.result))


@dataclass(frozen=True, slots=True)
class Conclusion:
    """An outcome to add to a decision that has none: the columns that it fills."""

    decision_id: str
    values: Mapping[str, Any]

    @classmethod
    def of(cls, decision_id: str, outcome: Outcome) -> Self:
        """Of an outcome.

        Raises:
            TypeError, UnicodeEncodeError: it cannot be stored; see `outcome_values`.
        """
        decision_id.encode()
        return cls(decision_id, outcome_values(outcome))


@dataclass(frozen=True, slots=True)
class Probe:
    """Nothing to store: only prove that a commit reaches the disk.

    Args:
        like: a decision that could not be stored. A commit that takes less room than it does would
            prove nothing: on a disk that is nearly full the end of the chain may still be written.
    """

    like: Addition | None = None


Work = Addition | Conclusion | Probe


def append(connection: sa.Connection, writer: str, batch: Sequence[Work]) -> list[str]:
    """Write decisions, then outcomes, and move the end of the chain; the caller commits.

    Args:
        connection: within a transaction, or it begins here; in it the write lock is taken.
        writer: the process that writes.
        batch: what to write, outcomes after their decisions.

    Returns:
        The ids whose outcome was not written, as there is no such decision without one.

    Raises:
        IntegrityError: a `decision_id` that is there already.
    """
    if not connection.in_transaction():
        connection.begin()
    ((position, last),) = _LOCK.fetch(connection)
    for work in batch:
        if isinstance(work, Probe) and work.like is not None:
            _rehearse(connection, work.like, position + 1, writer)
    rows: list[dict[str, Any]] = []
    fired: list[dict[str, Any]] = []
    for work in batch:
        if isinstance(work, Addition):
            position += 1
            row = {**work.values, "position": position, "writer": writer}
            row["previous_hash"], row["hash"] = last, decision_hash(last, row)
            last = row["hash"]
            rows.append(row)
            fired += [
                {"rule": found.rule, "position": position, "mode": found.mode}
                for found in work.rules
            ]
    _INSERT.execute(connection, rows)
    _INSERT_RULE.execute(connection, fired)
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
    _CONCLUDE.execute(connection, outcomes)
    # Where nothing was added, too: it is a commit with its sync all the same.
    _ADVANCE.execute(connection, [{"end": position, "last": last}])
    return lost


def _rehearse(connection: sa.Connection, like: Addition, position: int, writer: str) -> None:
    """Write a decision and take it back: the commit writes every page that it would have.

    It is as large and says nothing: that decision may be stored after all, and what a database
    may have against its contents is no fault of the disk.
    """
    row = {name: _as_large(value) for name, value in like.values.items()}
    row |= {"position": position, "writer": writer, "previous_hash": "", "hash": ""}
    _INSERT.execute(connection, [row])
    rules = [{"rule": f"{n}", "position": position, "mode": ""} for n in range(len(like.rules))]
    _INSERT_RULE.execute(connection, rules)
    for statement in _TAKE_BACK:
        connection.execute(statement, {"at": position})


def _as_large(value: object) -> object:
    match value:
        case str():
            return "-" * len(value.encode())
        case bytes():
            return bytes(len(value))
        case _:
            return value


def _open_decisions(connection: sa.Connection, conclusions: Sequence[Conclusion]) -> dict[str, int]:
    """Where the decisions are that have no outcome yet, by their id."""
    match [work.decision_id for work in conclusions]:
        case []:
            return {}
        case [decision_id]:  # of a client that waits for each answer
            return dict(_OPEN_ONE.fetch(connection, decision_id=decision_id))
        case ids:
            found = connection.execute(_OPEN_SOME, {"ids": ids})
            return {row.decision_id: row.position for row in found}


def _outcome_row(work: Conclusion, position: int, last: str, writer: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "decision_id": work.decision_id,
        **work.values,
        "outcome_position": position,
        "outcome_writer": writer,
        "outcome_previous_hash": last,
    }
    return {**row, "outcome_hash": outcome_hash(last, row)}
