"""After kills: a whole chain, and what was left open is settled as S3 saw it, on either back end.

The gateway is a process, killed again and again under 32 parallel PUTs; S3 is the emulator, here,
which lives on and counts what arrived. Every PUT has an id of its own.
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.adapters.journal import reading, upkeep
from gateway.adapters.journal.postgres import Database, PostgresJournalReader
from gateway.adapters.journal.sqlite import SqliteJournalReader
from gateway.adapters.journal.tables import TableReader
from gateway.core.journal import EVERYTHING, OPEN, JournalEntry, JournalFilter
from gateway.emulator import Emulator
from tests.endurance.process import gateway
from tests.support.inventory import document
from tests.support.postgres_process import postgres_server
from tests.support.site import ANA, UPSTREAM, buckets
from tests.support.wire import message, signed

FULL = os.environ.get("ENDURANCE") == "full"
KILLS = 100 if FULL else 10
CLIENTS = 32


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """S3."""
    keys = {UPSTREAM.access_key_id: UPSTREAM.secret_access_key}
    async with Emulator(buckets(), keys) as running:
        yield running


async def _puts(port: int, prefix: str, acknowledged: list[str]) -> None:
    """One client: a PUT after the other, until the gateway is gone."""
    with suppress(OSError, asyncio.IncompleteReadError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for number in range(10_000):
                name = f"{prefix}-{number}"
                target = f"/acme-orders?inventory&id={name}"
                body = document(inventory_id=name).encode()
                asking = signed(message("PUT", target, body=body), ANA)
                writer.write(asking.wire)
                head = await reader.readuntil(b"\r\n\r\n")
                assert b" 204 " in head.partition(b"\r\n")[0] or b" 200 " in head, head
                acknowledged.append(name)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


def _arrived(emulator: Emulator) -> dict[str, str]:
    """What S3 was asked to put: the hash of the document by inventory id; none came twice."""
    found: dict[str, str] = {}
    for request in emulator.requests:
        if request.method == "PUT" and request.complete:
            (name,) = parse_qs(urlsplit(request.target).query)["id"]
            assert name not in found
            found[name] = sha256(request.body).hexdigest()
    return found


async def _entries(reader: TableReader) -> dict[str, JournalEntry]:
    """What is on record, by inventory id; each once."""
    found: dict[str, JournalEntry] = {}
    after = 0
    while page := await reader.read(reading.entries, EVERYTHING, after, 1000):
        for entry in page:
            assert entry.record.inventory_id not in found
            found[entry.record.inventory_id] = entry
        after = page[-1].position
    return found


async def _reconciled(reader: TableReader) -> None:
    """Wait until the start has asked S3 about everything that was open."""
    async with asyncio.timeout(120):
        while await reader.page(JournalFilter(outcome=OPEN), limit=1):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def _killed(
    folder: Path, emulator: Emulator, settings: dict[str, object], *, after: float, run: str
) -> tuple[float, list[str]]:
    """One life of a gateway, and its end.

    Returns:
        Seconds that its start took, and the ids that clients were told are stored.
    """
    began = time.monotonic()
    starting = gateway(folder, emulator.url, settings)
    process = await asyncio.to_thread(starting.__enter__)
    start = time.monotonic() - began
    acknowledged: list[str] = []
    try:
        async with asyncio.TaskGroup() as group:
            for client in range(CLIENTS):
                group.create_task(_puts(process.port, f"{run}-{client}", acknowledged))
            await asyncio.sleep(after)
            process.process.kill()
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)
    return start, acknowledged


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_what_reached_s3_is_durably_allowed(
    tmp_path: Path, emulator: Emulator, record_property, kind: str
) -> None:
    """I11, I12, I17: after every kill, by a whole chain; what was open is then known."""
    chance = random.Random(17)  # noqa: S311 - instants, not secrets
    starts: list[float] = []
    told: set[str] = set()
    if kind == "sqlite":
        await _lives(tmp_path, emulator, {}, chance, starts, told, KILLS)
    else:
        with postgres_server() as server:
            url = server.database()
            settings: dict[str, object] = {"journal_url": url}
            await _lives(tmp_path, emulator, settings, chance, starts, told, KILLS)
    record_property("kills", len(starts) - 1)
    record_property("PUTs that reached S3", len(_arrived(emulator)))
    record_property("slowest start, s", round(max(starts), 2))
    assert told
    if FULL:  # on a machine of one's own
        assert max(starts) < 5.0


async def _lives(
    folder: Path,
    emulator: Emulator,
    settings: dict[str, object],
    chance: random.Random,
    starts: list[float],
    told: set[str],
    kills: int,
) -> None:
    for life in range(kills + 1):
        last = life == kills
        after = 0.0 if last else chance.uniform(0.01, 0.4)
        start, acknowledged = await _killed(folder, emulator, settings, after=after, run=f"l{life}")
        starts.append(start)
        told.update(acknowledged)
        if "journal_url" in settings:
            database = Database(str(settings["journal_url"]))
            reader: TableReader = await PostgresJournalReader.open(database)
        else:
            reader = await SqliteJournalReader.open(folder / "journal.db")
        try:
            entries, arrived = await _entries(reader), _arrived(emulator)
            for name, digest in arrived.items():
                assert entries[name].record.allow
                assert entries[name].record.document_sha256 == digest
            assert told <= arrived.keys()
            found = await reader.read(upkeep.verify, lambda _: None)
            assert found.problems == ()
        finally:
            await reader.close()
    # The last start finds what the kills left open; what it says of them is so.
    with gateway(folder, emulator.url, settings):
        if "journal_url" in settings:
            reader = await PostgresJournalReader.open(Database(str(settings["journal_url"])))
        else:
            reader = await SqliteJournalReader.open(folder / "journal.db")
        try:
            await _reconciled(reader)
            entries = await _entries(reader)
        finally:
            await reader.close()
    arrived = _arrived(emulator)
    for name, entry in entries.items():
        assert entry.outcome is not None
        said = {"forwarded": True, "failed": False}.get(entry.outcome.kind)
        assert said is None or said is (name in arrived), (name, entry.outcome)
