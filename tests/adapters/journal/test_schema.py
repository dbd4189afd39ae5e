"""The tables: what migrations build is what the queries are written for."""

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.adapters.journal import migrating
from gateway.adapters.journal.postgres import Database
from gateway.adapters.journal.schema import METADATA, REVISION
from gateway.adapters.journal.sqlite import SqliteJournal
from tests.support.postgres_process import PostgresProcess

#: What there is, in the words of each back end; a column that was added later stands at the end.
_SQLITE = (
    "SELECT name, type, ncol, wr, strict FROM pragma_table_list WHERE schema = 'main'",
    """SELECT t.name, c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden
       FROM sqlite_master t, pragma_table_xinfo(t.name) c WHERE t.type = 'table'""",
    "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index'",
)
_POSTGRES = (
    """SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name,
              character_maximum_length, is_identity
       FROM information_schema.columns WHERE table_schema = 'public'""",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace",
)


def described(connection: sa.Connection) -> Iterator[set[tuple[object, ...]]]:
    """Tables, columns, indexes and constraints; then the rows that every new journal has."""
    for query in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRES:
        # Migrations keep the first table until it is copied, and with it the name of its key.
        rows = connection.exec_driver_sql(query)
        yield {tuple(str(value).replace("_pkey1", "_pkey") for value in row) for row in rows}
    for table in (*METADATA.tables.values(), migrating._VERSION):
        columns = sorted(table.columns, key=lambda column: column.name)
        yield {tuple(row) for row in connection.execute(sa.select(*columns))}


def created(connection: sa.Connection) -> list[set[tuple[object, ...]]]:
    """What a first start makes."""
    migrating.migrate(connection)
    return list(described(connection))


def migrated(connection: sa.Connection) -> list[set[tuple[object, ...]]]:
    """What all migrations make, one after the other."""
    migrating._upgrade(connection)
    return list(described(connection))


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


def test_first_start_makes_what_migrations_leave(tmp_path: Path):
    """In a file: the same tables, and the same rows in them."""
    found = []
    for make in (created, migrated):
        engine = sa.create_engine(f"sqlite:///{tmp_path / make.__name__}")
        with engine.begin() as connection:
            found.append(make(connection))
        engine.dispose()
    assert found[0] == found[1]
    assert all(found[0][:3])


async def test_first_start_makes_what_migrations_leave_in_postgresql(postgres: PostgresProcess):
    """In a database: collations, too."""
    found = []
    for make in (created, migrated):
        engine = Database(postgres.database()).engine()
        async with engine.begin() as connection:
            found.append(await connection.run_sync(make))
        await engine.dispose()
    assert found[0] == found[1]
    assert any("C" in row for row in found[0][0])
