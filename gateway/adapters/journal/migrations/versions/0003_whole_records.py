"""The client's own document, and what journal and S3 took; older decisions know neither."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; what is empty is not hashed, so that the chain stays as it is."""
    op.add_column("decision", sa.Column("received", sa.LargeBinary))
    text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    op.add_column("decision", sa.Column("outcome_metrics", text))
