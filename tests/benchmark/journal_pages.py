"""How long a page of the journal takes among a million decisions.

    python -m tests.benchmark.journal_pages [rows] [folder]

The file is made first, through the same code that gateways write with; pages are then read at the
newest end, in the middle and at the oldest end, with every filter.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from gateway.adapters.journal.append import Addition, Conclusion, Work, append
from gateway.adapters.journal.migrating import migrate
from gateway.adapters.journal.sqlite import SqliteJournal, SqliteJournalReader
from gateway.core.journal import OPEN, JournalFilter, Verdict
from gateway.core.ports import Outcome
from tests.support.fakes import decision_record

_FIRST: Final = datetime(2026, 1, 1, tzinfo=UTC)
_ROUNDS: Final = 20
_FILTERS: Final = {
    "all": JournalFilter(),
    "denied (a tenth)": JournalFilter(Verdict.DENY),
    "open (a thousandth)": JournalFilter(outcome=OPEN),
    "principal (a fiftieth)": JournalFilter(principal="team-7"),
    "bucket (a thousandth)": JournalFilter(bucket="bucket-7"),
    "rule (a tenth)": JournalFilter(rule="INV001"),
    "rule and principal": JournalFilter(rule="INV001", principal="team-10"),
    "rule and bucket": JournalFilter(rule="INV001", bucket="bucket-10"),
    "a day, a rule": JournalFilter(
        rule="INV001", since=_FIRST + timedelta(days=3), until=_FIRST + timedelta(days=4)
    ),
}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def works(rows: int) -> Iterator[Work]:
    """Decisions a second apart, nearly all with their outcome."""
    finding = {"rule": "INV001", "message": "x" * 200}
    for number in range(rows):
        denied = number % 10 == 0
        yield Addition.of(
            decision_record(
                f"{number:08x}",
                timestamp=_FIRST + timedelta(seconds=number),
                principal=f"team-{number % 50}",
                bucket=f"bucket-{number % 1000}",
                allow=not denied,
                result={"violations": [finding] if denied else []},
            )
        )
        if number % 1000 != 1:
            outcome = Outcome("refused" if denied else "forwarded", 200)
            yield Conclusion.of(f"{number:08x}", outcome)


def fill(path: Path, rows: int) -> None:
    """Make the file, without a sync at every commit."""
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("PRAGMA synchronous = OFF")
        connection.commit()
        migrate(connection)
        connection.commit()
        coming = works(rows)
        while batch := list(islice(coming, 5000)):
            append(connection, "benchmark", batch)
            connection.commit()
    engine.dispose()


async def measure(path: Path, rows: int) -> None:
    """Print a line for each filter."""
    reader = await SqliteJournalReader.open(path)
    for name, wanted in _FILTERS.items():
        for where, before in (("newest", None), ("middle", rows), ("oldest", rows // 50)):
            seconds, page = [], []
            for _ in range(_ROUNDS):
                began = time.perf_counter()
                page = await reader.page(wanted, before=before, limit=50)
                seconds.append(time.perf_counter() - began)
            worst, middle = max(seconds) * 1000, statistics.median(seconds) * 1000
            _say(f"{name:24} {where:8} {len(page):3} rows  {middle:7.1f} ms  worst {worst:7.1f}")
    await _measure_counts(reader, "not tallied")
    journal = await SqliteJournal.open(path, writer="benchmark")
    while await journal.tally():
        pass
    await journal.close()
    await _measure_counts(reader, "tallied")
    await reader.close()


async def _measure_counts(reader: SqliteJournalReader, state: str) -> None:
    for days in (1, 30):
        began = time.perf_counter()
        await reader.counts(_FIRST, _FIRST + timedelta(days=days))
        _say(f"counts of {days} days, {state}: {(time.perf_counter() - began) * 1000:.1f} ms")


def main() -> None:
    """As the module says."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as made:
        path = Path(sys.argv[2] if len(sys.argv) > 2 else made) / "journal.db"
        if not path.exists():
            began = time.perf_counter()
            fill(path, rows)
            _say(f"{rows} decisions written in {time.perf_counter() - began:.0f} s")
        asyncio.run(measure(path, rows))


if __name__ == "__main__":
    main()
