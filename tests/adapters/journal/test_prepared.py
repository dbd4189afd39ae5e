"""Statements that go to the driver as they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from gateway.adapters.journal.prepared import Prepared, driver

THING = sa.Table(
    "thing",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("text", sa.Text),
)
INSERT = Prepared(sa.insert(THING))
FIND = Prepared(sa.select(THING.c.text).where(THING.c.id == sa.bindparam("wanted")))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    """An empty table."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/things.db", hide_parameters=True)
    with engine.connect() as opened:
        THING.create(opened)
        opened.commit()
        opened.begin()
        yield opened
    engine.dispose()


def test_rows_are_taken_by_name(connection: sa.Connection):
    """Whatever their order, and whatever else they hold; for no rows nothing is done."""
    INSERT.execute(connection, [])
    INSERT.execute(connection, [{"text": "a", "id": 1, "more": object()}, {"id": 2, "text": None}])
    found = [FIND.fetch(connection, wanted=number) for number in (1, 2, 3)]
    assert found == [[("a",)], [(None,)], []]


def test_what_is_done_belongs_to_the_transaction(connection: sa.Connection):
    """It goes with it, and comes with it."""
    INSERT.execute(connection, [{"id": 1, "text": "a"}])
    connection.rollback()
    connection.begin()
    assert FIND.fetch(connection, wanted=1) == []
    INSERT.execute(connection, [{"id": 1, "text": "b"}])
    connection.commit()
    assert connection.execute(sa.select(THING)).all() == [(1, "b")]


def test_faults_are_sqlalchemys(connection: sa.Connection):
    """Of the same kind, with the driver's own words, and without the values of records."""
    INSERT.execute(connection, [{"id": 1, "text": "a"}])
    with pytest.raises(IntegrityError) as caught:
        INSERT.execute(connection, [{"id": 1, "text": "secret"}])
    assert "UNIQUE" in str(caught.value.orig)
    assert "secret" not in str(caught.value)
    with pytest.raises(OperationalError), driver(connection) as cursor:
        cursor.execute("SELECT nothing FROM nowhere")


def test_other_faults_stay_what_they_are(connection: sa.Connection):
    """A bug is none of the database's."""
    with pytest.raises(KeyError) as caught:
        INSERT.execute(connection, [{"id": 1}])
    assert not isinstance(caught.value, DBAPIError)
