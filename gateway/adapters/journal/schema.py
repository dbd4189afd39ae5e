"""The tables, for every back end; how a file or a database comes by them is in `migrations`.

Position: every decision and every outcome takes the next one, under the lock of `chain`, so that
their order is the order of commits and a gap is something that was taken out.
"""

from typing import Any, Final

import sqlalchemy as sa

#: The last revision in `migrations/versions`; a test holds the two together.
REVISION: Final = "0004"

METADATA: Final = sa.MetaData()
#: Compared byte for byte everywhere: PostgreSQL's default order depends on the locale.
TEXT: Final = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
#: SQLite's strict tables know INTEGER alone, and only that makes the key the row id.
NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, TEXT, nullable=False) for name in names]


DECISION: Final = sa.Table(
    "decision",
    METADATA,
    sa.Column("position", NUMBER, primary_key=True, autoincrement=False),
    # ISO 8601 with microseconds in UTC, so that order of text is order of time.
    *_texts("decision_id", "timestamp", "request_id", "principal", "action", "bucket"),
    *_texts("inventory_id", "verdict"),
    sa.Column("allow", sa.Integer, nullable=False),
    *_texts("revision", "input", "result", "document_sha256", "error", "metrics"),
    sa.Column("document", sa.LargeBinary),
    *_texts("writer", "previous_hash", "hash"),
    # Empty until there is an outcome, which is an entry of its own in the chain.
    sa.Column("outcome", TEXT),
    sa.Column("s3_status", sa.Integer),
    sa.Column("upstream_request_id", TEXT),
    sa.Column("outcome_position", NUMBER),
    sa.Column("outcome_writer", TEXT),
    sa.Column("outcome_previous_hash", TEXT),
    sa.Column("outcome_hash", TEXT),
    # Packed, see `received`; empty where it was not kept yet, as is the other.
    sa.Column("received", sa.LargeBinary),
    sa.Column("outcome_metrics", TEXT),
    sqlite_strict=True,
)
sa.Index("decision_by_id", DECISION.c.decision_id, unique=True)
# Carries what an overview counts beside the tally, so that it reads no row.
sa.Index(
    "decision_by_time",
    *(DECISION.c[name] for name in ("timestamp", "position", "verdict", "principal")),
)
for _name in ("principal", "bucket", "verdict", "outcome"):
    sa.Index(f"decision_by_{_name}", DECISION.c[_name], DECISION.c.position)
#: Without outcome. The same holds in PostgreSQL, which says so: of an argument for a dialect
#: SQLAlchemy asks the dialect, which loads all its drivers, 3 MiB that SQLite has no use for.
IS_OPEN: Final = DECISION.c.outcome.is_(None)
OPEN_DECISIONS: Final = sa.Index(
    "decision_open", DECISION.c.writer, DECISION.c.position, sqlite_where=IS_OPEN
)
sa.Index("decision_by_outcome_position", DECISION.c.outcome_position, unique=True)

#: What fired, to find decisions by: it repeats what `result` says.
DECISION_RULE: Final = sa.Table(
    "decision_rule",
    METADATA,
    sa.Column("rule", TEXT, primary_key=True),
    sa.Column("position", NUMBER, primary_key=True, autoincrement=False),
    sa.Column("mode", TEXT, primary_key=True),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
sa.Index("decision_rule_by_position", DECISION_RULE.c.position)

#: One row: where the chain ends. Who writes locks it first.
CHAIN: Final = sa.Table(
    "chain",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", NUMBER, nullable=False),
    sa.Column("hash", TEXT, nullable=False),
    # Counted up so that every commit writes: SQLite writes no row that stays as it is.
    sa.Column("commits", NUMBER, nullable=False),
    sqlite_strict=True,
)

#: What is left of entries that were pruned, as far as the chain of the others needs it.
ANCHOR: Final = sa.Table(
    "anchor",
    METADATA,
    sa.Column("position", NUMBER, primary_key=True, autoincrement=False),
    sa.Column("hash", TEXT, nullable=False),
    sqlite_strict=True,
)

#: How many decisions there are of a kind and hour, among those up to `TALLIED`; see `tally`.
TALLY: Final = sa.Table(
    "tally",
    METADATA,
    sa.Column("subject", TEXT, primary_key=True),
    sa.Column("hour", TEXT, primary_key=True),
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("word", TEXT, primary_key=True),
    sa.Column("number", NUMBER, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
#: One row: up to where. Who counts or prunes locks it.
TALLIED: Final = sa.Table(
    "tallied",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", NUMBER, nullable=False),
    sqlite_strict=True,
)
