"""The journal goes away under a running gateway, and comes back.

A full disk, a disk that no longer syncs, a stopped database.

I11, I17: meanwhile inventory writes are 503 and S3 hears of none, readiness is false, and object
traffic goes on; afterwards all is well without a restart.
"""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.adapters.journal.sqlite import SqliteJournalReader
from gateway.core.journal import OPEN, JournalFilter
from gateway.emulator import Emulator
from tests.endurance.process import GatewayProcess, gateway
from tests.support.connection import Connection
from tests.support.failing_sync import failing_sync
from tests.support.inventory import document
from tests.support.postgres_process import postgres_server
from tests.support.site import ANA, UPSTREAM, buckets
from tests.support.wire import message, signed

#: Of the file system that the journal gets: room for its tables and a few decisions.
_DISK = "2m"
#: A write-ahead log that has grown before takes some decisions more.
_MOST_PUTS = 300
#: Seconds, on a machine that is busy.
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Store:
    """Where the journal is.

    Args:
        settings: of a gateway that uses it.
        end: takes it away from a gateway of this process id.
        mend: brings it back, likewise.
        environment: of the gateway.
    """

    settings: dict[str, object]
    end: Callable[[int], object]
    mend: Callable[[int], object]
    environment: dict[str, str] = field(default_factory=dict)


@contextmanager
def _disk(folder: Path) -> Iterator[Store]:
    """A small file system of its own."""
    place = folder / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=0700", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        words = f"a file system can be mounted by root alone: {done.stderr.strip()}"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    filler = place / "filler"

    def fill(_: int) -> None:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))

    try:
        yield Store({"journal_path": place / "journal.db"}, fill, lambda _: filler.unlink())
    finally:
        subprocess.run(["umount", str(place)], check=True)


@contextmanager
def _database(_: Path) -> Iterator[Store]:
    """A server of its own."""
    with postgres_server() as server:
        url = server.database()
        yield Store({"journal_url": url}, lambda _: server.stop(), lambda _: server.start())


@contextmanager
def _sync(folder: Path) -> Iterator[Store]:
    """A disk that takes what is written, and does not keep it."""
    failing = failing_sync(folder)
    yield Store({}, failing.begin, failing.end, failing.environment)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """S3."""
    keys = {UPSTREAM.access_key_id: UPSTREAM.secret_access_key}
    async with Emulator(buckets(), keys) as running:
        yield running


class Caller:
    """One client at a time.

    Args:
        process: the gateway.
        emulator: behind it.
    """

    def __init__(self, process: GatewayProcess, emulator: Emulator) -> None:
        self._process = process
        self._emulator = emulator
        self._puts = 0

    async def status(self, method: str, target: str, body: bytes = b"") -> int:
        """Of an answer."""
        wire = signed(message(method, target, body), ANA).wire
        return await asyncio.to_thread(self._status, self._process.port, wire)

    async def is_ready(self) -> bool:
        """What a probe hears."""
        wire = message("GET", "/readyz").wire
        return await asyncio.to_thread(self._status, self._process.admin_port, wire) == 200

    async def is_not_ready(self) -> bool:
        """The opposite."""
        return not await self.is_ready()

    async def writes(self) -> bool:
        """Write a configuration of a new id; S3 has it where this is true, and only there."""
        self._puts += 1
        name = f"inv-{self._puts}"
        target = f"/acme-orders?inventory&id={name}"
        status = await self.status("PUT", target, document(inventory_id=name).encode())
        told = [it for it in self._emulator.requests if it.method == "PUT" and name in it.target]
        assert (status, len(told)) in {(204, 1), (200, 1), (503, 0)}
        return bool(told)

    @staticmethod
    def _status(port: int, wire: bytes) -> int:
        with Connection(port, timeout=_PATIENCE) as connection:
            connection.send(wire)
            return connection.receive().status


async def _comes_true(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_PATIENCE):
        while not await condition():  # noqa: ASYNC110 - another process has no events
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    "store",
    [_disk, _sync, _database],
    ids=["full disk", "failing sync", "stopped database"],
)
async def test_without_its_journal_a_gateway_writes_nothing_and_serves_the_rest(
    tmp_path: Path, emulator: Emulator, store: Callable[[Path], AbstractContextManager[Store]]
) -> None:
    """And with it again, it writes again."""
    with ExitStack() as stack:
        kept = stack.enter_context(store(tmp_path))
        running = gateway(tmp_path, emulator.url, kept.settings, kept.environment)
        process = await asyncio.to_thread(stack.enter_context, running)
        caller = Caller(process, emulator)
        assert await caller.writes()
        await _comes_true(caller.is_ready)
        await asyncio.to_thread(kept.end, process.process.pid)
        for _ in range(_MOST_PUTS):
            if not await caller.writes():
                break
        await _comes_true(caller.is_not_ready)
        assert not await caller.writes()
        assert await caller.status("GET", "/acme-orders?list-type=2") == 200
        await asyncio.to_thread(kept.mend, process.process.pid)
        await _comes_true(caller.writes)
        await _comes_true(caller.is_ready)


async def _outcomes(reader: SqliteJournalReader) -> dict[str, str]:
    """By id of the configuration, once all are known."""
    async with asyncio.timeout(_PATIENCE):
        while await reader.page(JournalFilter(outcome=OPEN)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    rows = await reader.tail(after=0)
    return {row.inventory_id: row.outcome.kind for row in rows if row.outcome}


async def test_what_was_refused_as_its_sync_failed_is_no_decision_after_a_crash(
    tmp_path: Path, emulator: Emulator
) -> None:
    """SQLite takes it for committed then; S3 has not heard of it, and its outcome says so."""
    failing = failing_sync(tmp_path)
    with gateway(tmp_path, emulator.url, environment=failing.environment) as process:
        reader = await SqliteJournalReader.open(tmp_path / "journal.db")
        caller = Caller(process, emulator)
        assert await caller.writes()
        assert await _outcomes(reader) == {"inv-1": "forwarded"}
        await reader.close()  # whoever has the file open still knows what was committed
        await asyncio.to_thread(failing.begin, process.process.pid)
        assert not await caller.writes()
        process.process.kill()
    with gateway(tmp_path, emulator.url):
        reader = await SqliteJournalReader.open(tmp_path / "journal.db")
        assert await _outcomes(reader) == {"inv-1": "forwarded", "inv-2": "failed"}
        await reader.close()
