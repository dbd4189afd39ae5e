"""kill -9: S3 never hears of a configuration whose allow is not in the journal.

By default 30 kills under 32 parallel writers, with `ENDURANCE=full` 300. A kill comes after so many
writes have reached S3 and a few milliseconds more, so that a slow machine is killed in the middle
of its work, too.
"""

import asyncio
import os
import random
import sqlite3
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs

from tests.endurance.process import gateway
from tests.endurance.traffic import Client, client, until
from tests.support.inventory import document
from tests.support.site import ANA
from tests.support.wire import message, signed

_FULL = os.environ.get("ENDURANCE") == "full"
_KILLS = 300 if _FULL else 30
_WRITERS = 32
#: Writes that S3 has seen since the start, before the process is killed: one, or some rounds.
_MOST_WRITES = 4 * _WRITERS
#: Seconds of a restart, on a machine that does nothing else.
_RESTART = 5.0
Record = Callable[[str, object], None]


@dataclass(slots=True)
class InventoryStore:
    """An S3 that keeps inventory configurations, and remembers all that it ever took.

    Args:
        url: the endpoint.
        taken: the hash of every body that came, by id, in their order.
        held: the last one, by id.
    """

    url: str = ""
    taken: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    held: dict[str, bytes] = field(default_factory=dict)
    writes: int = 0

    async def comes_to(self, writes: int) -> None:
        """Wait until so many writes have come."""
        await until(lambda: self.writes >= writes)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer on one connection until it ends, properly or not."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                writer.write(await self._answer(head, reader))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, head: str, reader: asyncio.StreamReader) -> bytes:
        lines = head.lower().split("\r\n")[1:]
        method, target, _ = head.partition("\r\n")[0].split(" ")
        fields = {name: value.strip() for name, _, value in (x.partition(":") for x in lines)}
        if method == "HEAD":
            return b"HTTP/1.1 200 OK\r\nx-amz-bucket-region: eu-central-1\r\n\r\n"
        ids = parse_qs(target.partition("?")[2], keep_blank_values=True).get("id", [])
        if method == "PUT":
            body = await reader.readexactly(int(fields["content-length"]))
            self.taken[ids[0]].append(sha256(body).hexdigest())
            self.held[ids[0]] = body
            self.writes += 1
            return b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
        found = self.held.get(ids[0] if ids else "")
        status = b"404 Not Found" if found is None else b"200 OK"
        text = b"<Error><Code>NoSuchConfiguration</Code></Error>" if found is None else found
        return b"HTTP/1.1 %b\r\ncontent-length: %d\r\n\r\n%b" % (status, len(text), text)


@asynccontextmanager
async def _store() -> AsyncIterator[InventoryStore]:
    store = InventoryStore()
    server = await asyncio.start_server(store.serve, "127.0.0.1", 0)
    store.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield store
    finally:
        server.close()


@dataclass(slots=True)
class Writers:
    """Clients that write configurations; what is not acknowledged is written again, unchanged.

    Args:
        acknowledged: by id, the decision that the answer named.
    """

    acknowledged: dict[str, str] = field(default_factory=dict)
    _again: deque[str] = field(default_factory=deque)
    _made: int = 0

    async def write(self, port: int) -> None:
        """Write one after the other, until the gateway is gone."""
        while True:
            inventory_id = self._again.popleft() if self._again else self._new()
            try:
                async with client(port) as one:
                    await self._write(one, inventory_id)
            except (ConnectionError, asyncio.IncompleteReadError):
                self._again.append(inventory_id)  # S3 may have it or not: the same once more
                return

    def _new(self) -> str:
        self._made += 1
        return f"inv-{self._made}"

    async def _write(self, one: Client, inventory_id: str) -> None:
        body = document(inventory_id=inventory_id).encode()
        target = f"/acme-orders?inventory&id={inventory_id}"
        one.writer.write(signed(message("PUT", target, body), ANA).wire)
        status, headers = await one.head()
        assert status == 200
        self.acknowledged[inventory_id] = headers["x-inventory-gateway-decision-id"]


async def test_what_s3_took_is_on_record_whenever_the_process_is_killed(
    tmp_path: Path, record_property: Record
) -> None:
    """I11: durable first; nothing that a client was told is lost, and no id has two documents."""
    seed = int.from_bytes(os.urandom(4))
    record_property("seed", seed)
    moments, restarts, writers = random.Random(seed), [], Writers()  # noqa: S311 - no secret
    async with _store() as store:
        for _ in range(_KILLS):
            began = time.monotonic()
            with gateway(tmp_path, store.url) as process:
                restarts.append(time.monotonic() - began)
                async with asyncio.TaskGroup() as group:
                    for _ in range(_WRITERS):
                        group.create_task(writers.write(process.port))
                    await store.comes_to(store.writes + moments.randint(1, _MOST_WRITES))
                    await asyncio.sleep(moments.uniform(0, 0.01))
                    process.process.kill()
    allowed = _allowed(tmp_path / "journal.db")
    taken = {(one, digest) for one, digests in store.taken.items() for digest in digests}
    assert taken <= set(allowed.values())
    assert all(len(set(digests)) == 1 for digests in store.taken.values())
    for inventory_id, decision_id in writers.acknowledged.items():
        assert allowed[decision_id] == (inventory_id, store.taken[inventory_id][0])
    record_property("writes", store.writes)
    record_property("acknowledged", len(writers.acknowledged))
    record_property("restart, slowest, seconds", f"{max(restarts):.1f}")
    assert len(writers.acknowledged) >= _KILLS
    if _FULL:  # a promise about time needs a machine to itself
        assert max(restarts) < _RESTART


def _allowed(journal: Path) -> dict[str, tuple[str, str]]:
    """By decision: the id and the hash of the document that was allowed."""
    connection = sqlite3.connect(journal)
    try:
        rows = connection.execute(
            "SELECT decision_id, inventory_id, document_sha256 FROM decision WHERE allow = 1"
        )
        return {decision_id: (inventory, digest) for decision_id, inventory, digest in rows}
    finally:
        connection.close()
