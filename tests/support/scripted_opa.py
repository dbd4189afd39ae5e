"""An OPA server that says, byte for byte, what a test wants it to."""

import asyncio
import json
import ssl
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.support.fake_policy_engine import CATALOG, answer
from tests.support.scripted_upstream import Play

#: What this server's catalogue holds, as data.
ENTRIES = {
    rule.id: {
        "title": rule.title,
        "severity": rule.severity.name.lower(),
        "topic": rule.topic,
        "message": rule.message,
        "remedy": rule.remedy,
    }
    for rule in CATALOG.rules.values()
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def reply(document: object, status: str = "200 OK", *headers: str) -> bytes:
    """A whole answer."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class ScriptedOpa:
    """A TCP server: decisions take the next play, or say yes; the rest is answered as told.

    `revision` is that of its one bundle, None where it has loaded files; `entries` is its
    catalogue, `catalog_reply` and `health_reply` replace whole answers.

    Args:
        trust: its side of TLS.
    """

    def __init__(self, trust: ssl.SSLContext | None = None) -> None:
        self.plays: deque[Play] = deque()
        self.asked: list[Asked] = []
        self.revision: str | None = "r-1"
        self.entries: object = ENTRIES
        self.catalog_reply: bytes | None = None
        self.health_reply = reply({})
        self.port = 0
        self._trust = trust
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http{'s' if self._trust else ''}://127.0.0.1:{self.port}"

    @property
    def decisions(self) -> list[Asked]:
        """The questions among what came."""
        return [asked for asked in self.asked if asked.method == "POST"]

    def provenance(self) -> dict[str, Any]:
        """As OPA's REST API has it."""
        if self.revision is None:
            return {"version": "1.22.0"}
        return {"version": "1.22.0", "bundles": {"inventory": {"revision": self.revision}}}

    def decision(self, value: object = None, **members: object) -> bytes:
        """An answer to a question, a yes unless told otherwise."""
        if value is None:
            rules = self.entries if isinstance(self.entries, dict) else {}
            value = answer(evaluated=sorted(rules))
        return reply({"result": value, "provenance": self.provenance(), "metrics": {}, **members})

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._trust
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """End it, and every connection."""
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            while not writer.is_closing():
                asked = await _read(reader)
                self.asked.append(asked)
                await self.answer(asked, reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self._serving.discard(task)
            writer.close()

    async def answer(
        self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one request."""
        if asked.target.startswith("/health"):
            writer.write(self.health_reply)
        elif asked.method == "GET":
            writer.write(self._catalog())
        elif self.plays:
            await self.plays.popleft()(reader, writer)
        else:
            writer.write(self.decision())

    def _catalog(self) -> bytes:
        if self.catalog_reply is not None:
            return self.catalog_reply
        return reply({"result": self.entries, "provenance": self.provenance()})


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body)
