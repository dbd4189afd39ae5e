"""The tables: what migrations build is what the queries are written for."""

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.adapters.journal import migrating
from gateway.adapters.journal.schema import METADATA, REVISION
from gateway.adapters.journal.sqlite import SqliteJournal


def test_last_revision_is_the_one_that_is_named():
    """The number that spares a start Alembic is the right one."""
    assert ScriptDirectory(str(migrating._SCRIPTS)).get_heads() == [REVISION]


async def test_migrated_tables_are_those_of_the_schema(tmp_path: Path):
    """Columns, keys and indexes."""
    path = tmp_path / "journal.db"
    await (await SqliteJournal.open(path, writer="w")).close()
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        built = sa.inspect(connection)
        for table in METADATA.tables.values():
            assert {
                index["name"]: index["column_names"] for index in built.get_indexes(table.name)
            } == {index.name: [column.name for column in index.columns] for index in table.indexes}
    engine.dispose()
