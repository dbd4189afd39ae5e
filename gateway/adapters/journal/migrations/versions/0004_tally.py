"""The tally of decisions; it is filled while the gateway runs."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

_TEXT: Final = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, with nothing counted yet."""
    op.create_table(
        "tally",
        *(sa.Column(name, _TEXT, primary_key=True) for name in ("subject", "hour", "name", "word")),
        sa.Column("number", _NUMBER, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    tallied = op.create_table(
        "tallied",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", _NUMBER, nullable=False),
        sqlite_strict=True,
    )
    op.bulk_insert(tallied, [{"id": 1, "position": 0}])
