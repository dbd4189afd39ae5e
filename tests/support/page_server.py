"""The admin page over fakes, served on an event loop of its own in a thread."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.support.admin_page import FakePolicy, application, pages
from tests.support.decisions import FakeReader


@dataclass
class PageServer:
    """A page that a browser can open; what it shows can be changed at any time."""

    reader: FakeReader = field(default_factory=FakeReader)
    policy: FakePolicy = field(default_factory=FakePolicy)
    url: str = ""

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self.run(self._start)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.run(self._stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        self._pages = pages(self.reader, self.policy)
        self._runner = web.AppRunner(application(self._pages), shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _stop(self) -> None:
        assert self._runner is not None
        self._pages.stop()
        await self._runner.cleanup()

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Await a coroutine function on the server's own loop."""
        return asyncio.run_coroutine_threadsafe(function(*arguments), self._loop).result(30)
