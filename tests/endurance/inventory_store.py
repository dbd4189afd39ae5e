"""An S3 that keeps inventory configurations, and remembers all that it ever took."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import parse_qs

from tests.endurance.traffic import until


@dataclass(slots=True)
class InventoryStore:
    """What it has, and had.

    Args:
        url: the endpoint.
        taken: the hash of every body that came, by id, in their order.
        held: the last one, by id.
        writes: how many came.
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
async def inventory_store() -> AsyncIterator[InventoryStore]:
    """Run one, empty, on loopback."""
    store = InventoryStore()
    server = await asyncio.start_server(store.serve, "127.0.0.1", 0)
    store.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield store
    finally:
        server.close()
