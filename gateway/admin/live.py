"""Live decisions as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web

from gateway.admin.answer import secured
from gateway.admin.record import row_of
from gateway.core.errors import JournalUnavailable
from gateway.core.journal import JournalFilter, JournalReader, JournalRow

_POLL_SECONDS: Final = 1.0
_BATCH: Final = 50
#: A comment now and then: proxies keep the stream open, and a client that is gone is noticed.
_SILENT_POLLS: Final = 15
_WRITE_SECONDS: Final = 10.0
#: Each looks into the journal once a second.
MOST_STREAMS: Final = 16

Render = Callable[[JournalRow], str]


class LiveFeed:
    """Streams of new decisions, few at a time, all of them ended by `stop`.

    Args:
        render: a row as HTML.
        poll_seconds: between two looks into the journal.
    """

    def __init__(self, render: Render, *, poll_seconds: float = _POLL_SECONDS) -> None:
        self._render = render
        self._poll_seconds = poll_seconds
        self._streams = 0
        self._ending = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Whether another stream would be one too many, or there is no time left for one."""
        return self._streams >= MOST_STREAMS or self._ending.is_set()

    def stop(self) -> None:
        """End all streams; nobody waits for them."""
        self._ending.set()

    async def stream(
        self, request: web.Request, reader: JournalReader, wanted: JournalFilter, after: int
    ) -> web.StreamResponse:
        """Send what is decided behind a position until the client leaves or the gateway ends.

        A decision without outcome is sent again once it has one, and then without an id: from
        the last id a browser goes on that has lost its connection.
        """
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        secured(response)
        self._streams += 1
        try:
            await response.prepare(request)
            await self._send(request, response, reader, wanted, after)
        except (ConnectionError, TimeoutError):
            pass  # the client has left, or takes nothing
        finally:
            self._streams -= 1
        return response

    async def _send(
        self,
        request: web.Request,
        response: web.StreamResponse,
        reader: JournalReader,
        wanted: JournalFilter,
        after: int,
    ) -> None:
        open_ids: list[str] = []
        silent = _SILENT_POLLS  # the first look is answered with a comment: the stream is open
        while not self._ending.is_set() and request.transport is not None:
            try:
                rows = await reader.tail(wanted, after=after, limit=_BATCH)
                concluded = await _concluded(reader, open_ids)
            except JournalUnavailable:
                return  # the client comes again by itself
            after = rows[-1].position if rows else after
            done = {row.decision_id for row in concluded}
            open_ids = [name for name in open_ids if name not in done]
            open_ids += [row.decision_id for row in rows if row.outcome is None]
            del open_ids[:-_BATCH]
            text = "".join(self._event(row) for row in concluded)
            text += "".join(f"id: {row.position}\n{self._event(row)}" for row in rows)
            silent = 0 if text else silent + 1
            if silent >= _SILENT_POLLS:
                text, silent = ": nothing new\n\n", 0
            if text:
                async with asyncio.timeout(_WRITE_SECONDS):
                    await response.write(text.encode(errors="replace"))
            if len(rows) < _BATCH:
                await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._poll_seconds):
                await self._ending.wait()
        except TimeoutError:
            pass

    def _event(self, row: JournalRow) -> str:
        lines = "".join(f"data: {line}\n" for line in self._render(row).splitlines())
        return f"event: decision\n{lines}\n"


async def _concluded(reader: JournalReader, decision_ids: Sequence[str]) -> list[JournalRow]:
    """Those that have an outcome by now."""
    found = [await reader.get(name) for name in decision_ids]
    return [row_of(entry) for entry in found if entry is not None and entry.outcome is not None]
