"""A statement whose text is made once for each kind of database, and goes to the driver as it is.

SQLAlchemy looks a statement and its types up at every execution. For the few that every batch
repeats, that takes several times as long as the database does.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler


class Prepared:
    """A statement that is executed often, within a transaction that has begun.

    Args:
        statement: its values are all bound by name; they, and what it gives, are of types that
            drivers take and give as they are: numbers, texts and bytes.
    """

    def __init__(self, statement: sa.Insert | sa.Update | sa.Select[Any]) -> None:
        self._statement = statement
        self._texts: dict[str, tuple[str, Sequence[str]]] = {}

    def execute(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it once for each row; for none, not at all.

        Args:
            connection: of the database.
            rows: each with the statement's names; what else it has is left alone.

        Raises:
            DBAPIError: as SQLAlchemy has it.
        """
        if not rows:
            return
        text, names = self._of(connection.dialect)
        with driver(connection) as cursor:
            cursor.executemany(text, [tuple(row[name] for name in names) for row in rows])

    def fetch(self, connection: sa.Connection, **values: Any) -> Sequence[Any]:
        """Execute it, and give all rows.

        Args:
            connection: of the database.
            values: by the statement's names.

        Raises:
            DBAPIError: as SQLAlchemy has it.
        """
        text, names = self._of(connection.dialect)
        with driver(connection) as cursor:
            cursor.execute(text, tuple(values[name] for name in names))
            return cursor.fetchall()

    def _of(self, dialect: sa.Dialect) -> tuple[str, Sequence[str]]:
        """Its text, and the names in the order of the text."""
        if dialect.name not in self._texts:
            compiled = self._statement.compile(dialect=dialect)
            assert isinstance(compiled, SQLCompiler)  # noqa: S101 - narrows the type
            self._texts[dialect.name] = (str(compiled), tuple(compiled.positiontup or ()))
        return self._texts[dialect.name]


@contextmanager
def driver(connection: sa.Connection) -> Iterator[DBAPICursor]:
    """A cursor of the driver's own; its faults are SQLAlchemy's.

    Raises:
        DBAPIError: of the kind that the driver has raised.
    """
    cursor = connection.connection.cursor()
    base = connection.dialect.loaded_dbapi.Error
    try:
        yield cursor
    except base as fault:
        raise DBAPIError.instance(None, None, fault, base, hide_parameters=True) from fault
    finally:
        cursor.close()
