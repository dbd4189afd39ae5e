"""Two gateways on one journal in PostgreSQL and one OPA server; one is killed, then the other.

By default each is killed once under 32 writers, with `ENDURANCE=full` ten times. Clients of the one
that is gone go on at the other.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.adapters.journal import reading, upkeep
from gateway.adapters.journal.postgres import Database, PostgresJournalReader
from gateway.adapters.journal.schema import CHAIN
from gateway.core.journal import EVERYTHING, OPEN, JournalEntry, JournalFilter
from tests.endurance.inventory_store import InventoryStore, inventory_store
from tests.endurance.process import GatewayProcess, gateway
from tests.endurance.writers import Writers
from tests.support.opa_process import SHIPPED, opa_server
from tests.support.postgres_process import PostgresProcess, postgres_server

_FULL = os.environ.get("ENDURANCE") == "full"
_KILLS = 20 if _FULL else 2
_WRITERS = 32
#: Writes that S3 sees between two events: one, or some rounds.
_MOST_WRITES = 4 * _WRITERS
#: Seconds in which writes are counted, after so many that are not.
_MEASURED, _WARM = (30.0 if _FULL else 5.0), 40
_PATIENCE = 120
#: How fast a machine decides is not what is tested.
_PATIENT = {"policy_timeout_seconds": 30}
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresProcess]:
    """Started once; every test makes a database of its own."""
    with postgres_server() as server:
        yield server


@dataclass(slots=True)
class Fleet:
    """Gateways that share everything but their process.

    Args:
        folder: for a folder of each.
        store: their S3.
        settings: of all.
    """

    folder: Path
    store: InventoryStore
    settings: Mapping[str, object]
    _running: dict[int, tuple[AbstractContextManager[GatewayProcess], GatewayProcess]] = field(
        default_factory=dict
    )

    def port(self, number: int) -> int:
        """Where it listens, or did."""
        return self._running[number][1].port

    async def start(self, number: int) -> None:
        """Start it, while others go on."""
        folder = self.folder / f"gateway-{number}"
        folder.mkdir(exist_ok=True)
        starting = gateway(folder, self.store.url, self.settings)
        self._running[number] = starting, await asyncio.to_thread(starting.__enter__)

    async def kill(self, number: int) -> None:
        """End it as the kernel would."""
        context, process = self._running[number]
        process.process.kill()
        await asyncio.to_thread(context.__exit__, None, None, None)

    async def end(self) -> None:
        """End all of them."""
        for number in self._running:
            await self.kill(number)


@asynccontextmanager
async def fleet(folder: Path, url: str, gateways: int) -> AsyncIterator[Fleet]:
    """So many gateways, one OPA server, and this journal."""
    with opa_server(*SHIPPED) as opa:
        settings = {"journal_url": url, "policy_engine": "opa", "opa_url": opa.url, **_PATIENT}
        async with inventory_store() as store:
            found = Fleet(folder, store, settings)
            try:
                for number in range(gateways):
                    await found.start(number)
                yield found
            finally:
                await found.end()


async def _client(writers: Writers, running: Fleet, number: int) -> None:
    """Stay with a gateway until it is gone, then go to the other one."""
    while not writers.ended:
        await writers.write(running.port(number % 2))
        number += 1


async def test_what_one_gateway_leaves_behind_the_other_goes_on_with(
    tmp_path: Path, postgres: PostgresProcess, record_property: Record
) -> None:
    """I11, I12: nothing is lost, nothing is there twice, the chain is one, and all is settled."""
    seed = int.from_bytes(os.urandom(4))
    record_property("seed", seed)
    moments, writers = random.Random(seed), Writers()  # noqa: S311 - no secret
    url = postgres.database()
    async with fleet(tmp_path, url, gateways=2) as running:
        store = running.store
        async with asyncio.TaskGroup() as group:
            for number in range(_WRITERS):
                group.create_task(_client(writers, running, number))
            for kill in range(_KILLS):
                await store.comes_to(store.writes + moments.randint(1, _MOST_WRITES))
                await asyncio.sleep(moments.uniform(0, 0.01))
                await running.kill(kill % 2)
                await store.comes_to(store.writes + 2 * _WRITERS)
                await running.start(kill % 2)
            writers.ended = True
        async with _reader(url) as reader:
            await _settled(reader)
            entries = await _entries(reader)
            assert (await reader.read(upkeep.verify, lambda _: None)).problems == ()
    taken = Counter((one, digest) for one, digests in store.taken.items() for digest in digests)
    allowed = Counter(
        (entry.record.inventory_id, entry.record.document_sha256)
        for entry in entries.values()
        if entry.record.allow
    )
    assert taken <= allowed  # by number: one decision, one write
    assert all(len(set(digests)) == 1 for digests in store.taken.values())
    assert len(set(writers.acknowledged.values())) == len(writers.acknowledged)
    for inventory_id, decision_id in writers.acknowledged.items():
        entry = entries[decision_id]
        digest = store.taken[inventory_id][0]
        assert (entry.record.inventory_id, entry.record.document_sha256) == (inventory_id, digest)
        assert entry.outcome is not None
        assert entry.outcome.kind == "forwarded"
    assert len({entry.writer for entry in entries.values()}) > _KILLS
    record_property("writes", store.writes)
    record_property("acknowledged", len(writers.acknowledged))
    record_property("not now", writers.unavailable)


@asynccontextmanager
async def _reader(url: str) -> AsyncIterator[PostgresJournalReader]:
    reader = await PostgresJournalReader.open(Database(url))
    try:
        yield reader
    finally:
        await reader.close()


async def _settled(reader: PostgresJournalReader) -> None:
    """Wait until the starts have asked S3 about all that the kills left open."""
    async with asyncio.timeout(_PATIENCE):
        while await reader.page(JournalFilter(outcome=OPEN), limit=1):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def _entries(reader: PostgresJournalReader) -> dict[str, JournalEntry]:
    """All that is on record, by decision."""
    found: dict[str, JournalEntry] = {}
    after = 0
    while page := await reader.read(reading.entries, EVERYTHING, after, 1000):
        found |= {entry.record.decision_id: entry for entry in page}
        after = page[-1].position
    return found


@pytest.mark.parametrize(
    ("gateways", "clients"),
    [
        pytest.param(1, 1, id="one gateway, one client"),
        pytest.param(1, _WRITERS, id="one gateway"),
        pytest.param(2, _WRITERS, id="two gateways"),
    ],
)
async def test_a_write_costs_the_database_two_commits_at_most(
    tmp_path: Path,
    postgres: PostgresProcess,
    record_property: Record,
    gateways: int,
    clients: int,
) -> None:
    """The decision, and the outcome, where it does not ride with another; docs/sizing.md."""
    url, writers = postgres.database(), Writers()
    async with fleet(tmp_path, url, gateways) as running, _reader(url) as reader:
        store = running.store
        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(writers.write(running.port(number % gateways)))
            await store.comes_to(_WARM)
            writes, began, before = store.writes, time.monotonic(), await reader.read(_chain)
            await asyncio.sleep(_MEASURED)
            after, seconds = await reader.read(_chain), time.monotonic() - began
            writes = store.writes - writes
            writers.ended = True
    commits, entries = after.commits - before.commits, after.position - before.position
    record_property("PUTs a second", f"{writes / seconds:.0f}")
    record_property("commits a PUT", f"{commits / writes:.2f}")
    record_property("rows written a second", f"{entries / seconds:.0f}")
    assert not writers.unavailable
    assert commits <= 2 * (writes + clients)  # those under way are counted on one side only


def _chain(connection: sa.Connection) -> sa.Row[int, int]:
    return connection.execute(sa.select(CHAIN.c.position, CHAIN.c.commits)).one()
