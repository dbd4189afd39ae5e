"""A gateway in front of an emulator, on an event loop of their own: real clients block."""

import asyncio
import threading
import traceback
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes
from typing import Any, TypeVar

import uvloop

from gateway.adapters.credentials_aws import StaticUpstreamCredentials
from gateway.adapters.journal.sqlite import SqliteJournalReader
from gateway.adapters.principals_file import append_principal, mint_key_pair
from gateway.app.settings import Settings
from gateway.app.wiring import running
from gateway.core.journal import OPEN, JournalEntry, JournalFilter
from gateway.core.ports import DecisionRecord, Outcome
from gateway.core.sigv4.credential import Credential
from gateway.emulator import EmulatedBucket, Emulator, ReceivedRequest
from tests.clients.configuration import OWNER, REGION, SOURCE

#: The bucket of the captured requests, its owner and its Region.
CAPTURED_BUCKET = "amzn-s3-demo-bucket"
CAPTURED_OWNER = "123456789012"
BUCKETS = (
    (SOURCE, REGION, OWNER),
    ("acme-inventory", REGION, OWNER),
    ("acme-inventory-us", "us-east-1", OWNER),
    ("acme-orders-us", "us-east-1", OWNER),
    (CAPTURED_BUCKET, "us-east-1", CAPTURED_OWNER),
)
_START_SECONDS = 60
_CALL_SECONDS = 10
_T = TypeVar("_T")


class RequestLog:
    """An event log that keeps the access events: one per request that the gateway saw."""

    def __init__(self) -> None:
        self.requests: list[Mapping[str, object]] = []
        self.faults: list[str] = []
        self._arrived = asyncio.Event()

    def decision(self, record: DecisionRecord, outcome: Outcome) -> None:
        """The journal has it as well."""

    def access(self, event: Mapping[str, object]) -> None:
        """Keep a request."""
        self.requests.append(event)
        self._arrived.set()

    async def more_than(self, count: int) -> None:
        """Wait for a request beyond so many."""
        while len(self.requests) <= count:
            self._arrived.clear()
            await self._arrived.wait()

    def fault(self, message: str, **fields: object) -> None:
        """Keep what an operator should look at, with the exception in flight."""
        self.faults.append(f"{message}: {fields}\n{traceback.format_exc()}")


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment, to tell what came later."""

    requests: int
    upstream: int


@dataclass(frozen=True, slots=True)
class Stage:
    """A running gateway and what its witnesses saw.

    Args:
        url: of the gateway, what clients have as their endpoint.
        key: the client's access key.
        emulator: S3.
        log: of the gateway.
        journal: a second pair of eyes on the gateway's file.
        loop: on which all of it runs, in a thread.
    """

    url: str
    key: Credential
    emulator: Emulator
    log: RequestLog
    journal: SqliteJournalReader
    loop: asyncio.AbstractEventLoop

    def mark(self) -> Mark:
        """Now: outcomes and events that follow their answers are in."""
        self._await(self._concluded())
        return Mark(len(self.log.requests), len(self.emulator.requests))

    def requests_since(self, mark: Mark) -> list[Mapping[str, object]]:
        """The requests that the gateway has ended. An access event follows the answer."""
        return self._await(self._settled(mark))

    def upstream_since(self, mark: Mark) -> list[ReceivedRequest]:
        """The requests that S3 got."""
        return self.emulator.requests[mark.upstream :]

    def decisions(self, inventory_id: str) -> list[JournalEntry]:
        """What the journal holds of a configuration, newest first."""
        self._await(self._concluded())
        return self._await(self._of(inventory_id))

    async def _of(self, inventory_id: str) -> list[JournalEntry]:
        rows = await self.journal.page(limit=200)
        found = [
            await self.journal.get(row.decision_id)
            for row in rows
            if row.inventory_id == inventory_id
        ]
        return [entry for entry in found if entry is not None]

    async def _concluded(self) -> None:
        """Wait for the outcomes: an allowed PUT is answered before its own is stored."""
        async with asyncio.timeout(_CALL_SECONDS):
            while await self.journal.page(JournalFilter(outcome=OPEN), limit=1):  # noqa: ASYNC110 - the file tells nobody
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.02)  # the events come right behind

    async def _settled(self, mark: Mark) -> list[Mapping[str, object]]:
        async with asyncio.timeout(_CALL_SECONDS):
            await self.log.more_than(mark.requests)
        await asyncio.sleep(0.02)  # for the events of further requests, where there were any
        return self.log.requests[mark.requests :]

    def _await(self, question: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(question, self.loop).result(_CALL_SECONDS)


@contextmanager
def playing(folder: Path, upstream_endpoint: str | None = None, **more: Any) -> Iterator[Stage]:
    """Start a gateway in a thread.

    Args:
        folder: for its files.
        upstream_endpoint: another upstream than the emulator.
        more: settings.
    """
    ready: Future[tuple[Stage, asyncio.Event]] = Future()

    def play() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            try:
                runner.run(_play(folder, upstream_endpoint, more, ready))
            except BaseException as fault:
                if ready.done():
                    raise
                ready.set_exception(fault)

    thread = threading.Thread(target=play, name="stage")
    thread.start()
    try:
        stage, stop = ready.result(_START_SECONDS)
        try:
            yield stage
        finally:
            stage.loop.call_soon_threadsafe(stop.set)
    finally:
        thread.join(_START_SECONDS)


async def _play(
    folder: Path,
    upstream_endpoint: str | None,
    more: Mapping[str, Any],
    ready: "Future[tuple[Stage, asyncio.Event]]",
) -> None:
    upstream, client = mint_key_pair(token_bytes), mint_key_pair(token_bytes)
    principals, journal_path = folder / "principals.yaml", folder / "journal.db"
    append_principal(principals, "developer", client, ["acme-*", CAPTURED_BUCKET])
    buckets = [EmulatedBucket(name, region, owner) for name, region, owner in BUCKETS]
    log, stop = RequestLog(), asyncio.Event()
    async with Emulator(buckets, {upstream.access_key_id: upstream.secret_access_key}) as emulator:
        settings = Settings(
            listen_port=0,
            admin_port=0,
            upstream_endpoint=upstream_endpoint or emulator.url,
            principals_file=principals,
            journal_path=journal_path,
            drain_seconds=1,
            **more,
        )
        credentials = StaticUpstreamCredentials(upstream)
        async with running(settings, credentials=credentials, log=log) as gateway:
            journal = await SqliteJournalReader.open(journal_path)
            loop = asyncio.get_running_loop()
            try:
                ready.set_result((Stage(gateway.url, client, emulator, log, journal, loop), stop))
                await stop.wait()
            finally:
                await journal.close()
