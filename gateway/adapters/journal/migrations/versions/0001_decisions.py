"""Decisions, as the first release kept them, in SQLite alone."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "decision",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("decision_id", sa.Text, nullable=False, unique=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("timestamp request_id principal action bucket inventory_id").split()
        ),
        sa.Column("allow", sa.Integer, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in "revision input result document_sha256 error metrics".split()
        ),
        sa.Column("document", sa.LargeBinary),
        sa.Column("outcome", sa.Text),
        sa.Column("s3_status", sa.Integer),
        sa.Column("upstream_request_id", sa.Text),
        sqlite_strict=True,
    )
