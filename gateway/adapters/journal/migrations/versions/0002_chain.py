"""The chain of hashes, what to filter by, and what was found; older decisions are taken along.

The tables are written out here, as they were at this revision, whatever becomes of `schema`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gateway.adapters.journal.chain import GENESIS, decision_hash, outcome_hash

revision = "0002"
down_revision = "0001"

_TEXT: Final = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT_ONCE: Final = 500
#: Whoever wrote them had no name.
_WRITER: Final = "0001"
_MODES: Final = (
    ("violations", "deny"),
    ("warnings", "warn"),
    ("dryrun", "dryrun"),
    ("exempted", "exempted"),
)


def upgrade() -> None:
    """Create the tables anew, and copy row by row: the chain begins with the oldest decision."""
    op.rename_table("decision", "decision_0001")
    decision = op.create_table(
        "decision",
        sa.Column("position", _NUMBER, primary_key=True, autoincrement=False),
        *_texts("decision_id timestamp request_id principal action bucket inventory_id verdict"),
        sa.Column("allow", sa.Integer, nullable=False),
        *_texts("revision input result document_sha256 error metrics"),
        sa.Column("document", sa.LargeBinary),
        *_texts("writer previous_hash hash"),
        sa.Column("outcome", _TEXT),
        sa.Column("s3_status", sa.Integer),
        sa.Column("upstream_request_id", _TEXT),
        sa.Column("outcome_position", _NUMBER),
        sa.Column("outcome_writer", _TEXT),
        sa.Column("outcome_previous_hash", _TEXT),
        sa.Column("outcome_hash", _TEXT),
        sqlite_strict=True,
    )
    rule = op.create_table(
        "decision_rule",
        sa.Column("rule", _TEXT, primary_key=True),
        sa.Column("position", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("mode", _TEXT, primary_key=True),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    chain = op.create_table(
        "chain",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", _NUMBER, nullable=False),
        sa.Column("hash", _TEXT, nullable=False),
        sa.Column("commits", _NUMBER, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "anchor",
        sa.Column("position", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("hash", _TEXT, nullable=False),
        sqlite_strict=True,
    )
    last, end = _copy(op.get_bind(), decision, rule)
    op.drop_table("decision_0001")
    op.bulk_insert(chain, [{"id": 1, "position": end, "hash": last, "commits": 0}])
    op.create_index("decision_by_id", "decision", ["decision_id"], unique=True)
    by_time = ["timestamp", "position", "verdict", "principal"]
    op.create_index("decision_by_time", "decision", by_time)
    for name in ("principal", "bucket", "verdict", "outcome"):
        op.create_index(f"decision_by_{name}", "decision", [name, "position"])
    is_open = sa.text("outcome IS NULL")
    op.create_index(
        "decision_open",
        "decision",
        ["writer", "position"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index("decision_by_outcome_position", "decision", ["outcome_position"], unique=True)
    op.create_index("decision_rule_by_position", "decision_rule", ["position"])


def _texts(names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, _TEXT, nullable=False) for name in names.split()]


def _copy(connection: sa.Connection, decision: sa.Table, rule: sa.Table) -> tuple[str, int]:
    """Take the old rows along, each with its outcome behind it.

    Returns:
        The last hash and its position.
    """
    last, position, seen = GENESIS, 0, -1
    query = sa.text(
        "SELECT * FROM decision_0001 WHERE position > :seen ORDER BY position LIMIT :many"
    )
    while True:
        found = connection.execute(query, {"seen": seen, "many": _AT_ONCE}).mappings().all()
        if not found:
            return last, position
        rows = []
        for old in found:
            seen = old["position"]
            position += 1
            result = orjson.loads(old["result"])
            row: dict[str, Any] = {**old, "position": position, "writer": _WRITER}
            row["verdict"] = _verdict(old, result)
            row["previous_hash"], row["hash"] = last, decision_hash(last, row)
            last = row["hash"]
            outcome = dict.fromkeys(
                ("outcome_position", "outcome_writer", "outcome_previous_hash", "outcome_hash")
            )
            row |= outcome
            if old["outcome"] is not None:
                position += 1
                row |= {"outcome_position": position, "outcome_writer": _WRITER}
                row["outcome_previous_hash"], row["outcome_hash"] = last, outcome_hash(last, row)
                last = row["outcome_hash"]
            rows.append(row)
        connection.execute(sa.insert(decision), rows)
        fired = [
            {"rule": name, "position": row["position"], "mode": mode}
            for row in rows
            for name, mode in _rules(orjson.loads(row["result"]))
        ]
        if fired:
            connection.execute(sa.insert(rule), fired)


def _verdict(row: Mapping[Any, Any], result: Mapping[str, Any]) -> str:
    if row["error"]:
        return "error"
    if not row["allow"]:
        return "deny"
    return "would_deny" if result.get("would_refuse") is True else "allow"


def _rules(result: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    return sorted(
        {(finding["rule"], mode) for member, mode in _MODES for finding in result.get(member, ())}
    )
