"""Bring the tables of a file or database to this release's revision: older ones with Alembic.

Nothing of Alembic is imported where the tables are up to date or not there yet, as at nearly every
start: a worker's memory matters. There is no env.py: nothing here reads an environment or sets up a
log.
"""

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from gateway.adapters.journal.chain import GENESIS
from gateway.adapters.journal.schema import CHAIN, METADATA, REVISION, TALLIED

_SCRIPTS: Final = Path(__file__).parent / "migrations"
#: As Alembic makes it.
_VERSION: Final = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


class SchemaError(Exception):
    """The tables are of no release that this one knows; the text says what was found."""


def migrate(connection: sa.Connection, *, unversioned: str = "") -> None:
    """Create the tables, or bring them up to date; the caller has locked and commits.

    Args:
        connection: in a transaction.
        unversioned: the revision of tables that were there before revisions were.

    Raises:
        SchemaError: a later release's, or somebody else's tables.
    """
    found = revision_of(connection)
    if found == REVISION:
        return
    if found or unversioned:
        _upgrade(connection, found, unversioned)
    elif sa.inspect(connection).get_table_names():
        raise SchemaError("not a journal: there are tables of somebody else in it")
    else:
        _create(connection)


def _create(connection: sa.Connection) -> None:
    """Make what all migrations, one after the other, would leave; a test holds the two together.

    https://alembic.sqlalchemy.org/en/latest/cookbook.html#building-an-up-to-date-database-from-scratch
    """
    METADATA.create_all(connection, checkfirst=False)
    connection.execute(sa.insert(CHAIN).values(id=1, position=0, hash=GENESIS, commits=0))
    connection.execute(sa.insert(TALLIED).values(id=1, position=0))
    _VERSION.create(connection)
    connection.execute(sa.insert(_VERSION).values(version_num=REVISION))


def _upgrade(connection: sa.Connection, found: str = "", unversioned: str = "") -> None:
    """Let the migrations after this revision run."""
    # A tenth of a second and 10 MiB that hardly any start should pay for.
    from alembic.config import Config  # noqa: PLC0415
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    scripts = ScriptDirectory(str(_SCRIPTS))
    if found and found not in {script.revision for script in scripts.walk_revisions()}:
        raise SchemaError(f"not a journal of revision {REVISION} (it says {found[:32]})")
    start = found or unversioned or None

    def steps(_heads: object, _context: object) -> object:
        return scripts._upgrade_revs(REVISION, start)  # type: ignore[arg-type]  # noqa: SLF001

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, transaction_per_migration=False)
        if unversioned and not found:
            context = environment.get_context()
            context.stamp(scripts, unversioned)
        environment.run_migrations()


def revision_of(connection: sa.Connection) -> str:
    """The revision of the tables; empty where there are none that have one."""
    if not sa.inspect(connection).has_table(_VERSION.name):
        return ""
    return connection.execute(sa.select(_VERSION)).scalar() or ""
