"""How long the admin page takes over a long journal: `python -m tests.benchmark.admin_page`.

The journal is filled directly, in the gateway's own schema, without its chain of hashes: readers do
not look at it. Times are those of whole requests over HTTP, rendering included, one at a time.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp
import sqlalchemy as sa
from aiohttp import web

from gateway.adapters.journal.row import values_of
from gateway.adapters.journal.schema import CHAIN, DECISION, DECISION_RULE
from gateway.adapters.journal.sqlite import SqliteJournal, SqliteJournalReader
from gateway.admin.pages import AdminPages
from gateway.core.journal import rules_of
from tests.support.admin_page import FakePolicy, application
from tests.support.decisions import FINDING, entry, refusal, result

_LIMIT: Final = 0.1  # seconds that a page may take
_TALLIED_LIMIT: Final = 0.3  # likewise an overview, the first time, of what is tallied
_ROUNDS: Final = 30
_BATCH: Final = 20_000
_SPAN: Final = timedelta(days=30)
_OUTCOME: Final[dict[str, Any]] = {"s3_status": 204, "upstream_request_id": "", "hash": ""}
_FILTERS: Final = {
    "newest": "",
    "old": "before={middle}",
    "verdict, common": "verdict=deny",
    "verdict, rare": "verdict=error",
    "rule": "rule=INV001",
    "rule, rare": "rule=INV055",
    "principal": "principal=principal-7",
    "bucket, rare": "bucket=bucket-9999",
    "time": "since={since}&until={until}",
    "principal and verdict": "principal=principal-7&verdict=deny",
    "rule and bucket": "rule=INV001&bucket=bucket-77",
}


def rows(number: int, now: datetime) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Decisions as rows, with the rules of each."""
    dice = random.Random(1)  # noqa: S311 - the same journal every time
    for position in range(1, number + 1):
        changes: dict[str, Any] = {
            "timestamp": now - _SPAN * (number - position) / number,
            "principal": f"principal-{dice.randrange(40)}",
            "bucket": f"bucket-{dice.randrange(10_000)}",
        }
        kind = dice.random()
        if kind < 0.7:
            made = entry(position, **changes)
        elif kind < 0.9999:
            rule = "INV055" if dice.random() < 0.0001 else f"INV{dice.choice((1, 10, 12, 15)):03}"
            found = result(violations=[FINDING | {"rule": rule}])
            made = refusal(position, result=found, **changes)
        else:
            fault = {"allow": False, "error": "engine_timeout", "result": {"allow": False}}
            made = entry(position, **fault, **changes)
        values = values_of(made.record) | {"position": position, "outcome_position": None}
        values |= {"writer": "w", "previous_hash": "", "outcome": "forwarded", **_OUTCOME}
        fired = [
            {"rule": it.rule, "mode": it.mode, "position": position}
            for it in rules_of(made.record.result)
        ]
        yield values, fired


async def fill(path: Path, number: int, now: datetime) -> None:
    """Write a journal of so many decisions."""
    await (await SqliteJournal.open(path, writer="w")).close()
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        decisions: list[dict[str, Any]] = []
        fired: list[dict[str, Any]] = []
        for values, found in rows(number, now):
            decisions.append(values)
            fired += found
            if len(decisions) == _BATCH or values["position"] == number:
                connection.execute(sa.insert(DECISION), decisions)
                if fired:
                    connection.execute(sa.insert(DECISION_RULE), fired)
                decisions, fired = [], []
        connection.execute(sa.update(CHAIN).values(position=number))
    engine.dispose()


@asynccontextmanager
async def page(path: Path, now: datetime) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of an admin page that has just been started."""
    reader = await SqliteJournalReader.open(path)
    pages = AdminPages(lambda: now, time.monotonic, name="benchmark", version="0")
    pages.serve(reader, FakePolicy())
    runner = web.AppRunner(application(pages))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        yield session
    await runner.cleanup()
    await reader.close()


async def tally(path: Path) -> list[float]:
    """Have all of it tallied: seconds of each go, in which nobody else writes."""
    journal, found = await SqliteJournal.open(path, writer="w"), []
    while True:
        began = time.perf_counter()
        if not await journal.tally():
            break
        found.append(time.perf_counter() - began)
    await journal.close()
    return found


async def measure(path: Path, number: int, now: datetime) -> dict[str, list[float]]:
    """Seconds of each page, by name."""
    found: dict[str, list[float]] = {}
    for state in ("not tallied", "tallied"):
        for span in ("day", "week", "month"):
            async with page(path, now) as session:
                await _timed(session, "/decisions")  # templates are read when somebody looks
                found[f"overview, {span}, {state}"] = [await _timed(session, f"/?span={span}")]
        if state == "not tallied":
            found["a go of the tally"] = await tally(path)
    day = now - _SPAN / 2
    words = {
        "middle": number // 2,
        "since": f"{day:%Y-%m-%dT%H:%M}",
        "until": f"{day + timedelta(hours=6):%Y-%m-%dT%H:%M}",
    }
    addresses = {
        f"decisions, {name}": f"/decisions?{query.format(**words)}"
        for name, query in _FILTERS.items()
    }
    addresses["one decision"] = f"/decisions/{number // 2:08x}"
    found |= {name: [] for name in addresses}
    async with page(path, now) as session:
        for _ in range(_ROUNDS):
            for name, address in addresses.items():
                found[name].append(await _timed(session, address))
    return found


def say(line: str) -> None:
    """Tell whoever waits; the filling takes minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _timed(session: aiohttp.ClientSession, address: str) -> float:
    started = time.perf_counter()
    async with session.get(address) as response:
        await response.read()
        response.raise_for_status()
    return time.perf_counter() - started


async def _main(number: int, folder: Path) -> int:
    now = datetime.now(UTC)
    path = folder / "journal.db"
    started = time.perf_counter()
    await fill(path, number, now)
    took = time.perf_counter() - started
    say(f"{number:,} decisions, {path.stat().st_size / 2**20:,.0f} MiB, {took:.0f} s to fill\n")
    say("| page | median ms | slowest ms |\n|---|---|---|")
    slow = []
    for name, seconds in (await measure(path, number, now)).items():
        middle = statistics.median(seconds)
        say(f"| {name} | {middle * 1000:.1f} | {max(seconds) * 1000:.1f} |")
        limit = _TALLIED_LIMIT if name.startswith("overview") else _LIMIT
        if middle > limit and not name.endswith("not tallied"):
            slow.append(name)
    say(f"\ntoo slow: {', '.join(slow) or 'none'}")
    return 1 if slow else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="admin-page-") as name:
        raise SystemExit(asyncio.run(_main(arguments.rows, Path(name))))
