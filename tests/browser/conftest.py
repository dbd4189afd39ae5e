"""A real browser in front of the admin page."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.support.page_server import PageServer

#: Kept by CI; not in the repository.
SCREENSHOTS = Path(__file__).resolve().parents[2] / "artifacts" / "screenshots"
_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
#: Tells the console of what the page's policy has kept out.
_WATCH = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`kept out: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; without it the test is skipped, except in CI. Its profile is thrown away.

    Playwright keeps an event loop running as long as it is open: tests of other modules want their
    own.
    """
    binary = shutil.which("chromium")
    if binary is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is missing: see `make tools`")
        pytest.skip("chromium is missing: see `make tools`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, headless=True, args=_FLAGS)
        yield browser
        browser.close()


@dataclass
class Tab:
    """A tab, and what its console said."""

    page: Page
    said: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        """Keep a word of the console."""
        self.said.append(f"{message.type}: {message.text}")

    def keep(self, name: str) -> None:
        """Keep a picture of the whole page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


Open = Callable[..., Tab]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Open a tab: its width, its colours, whatever a context takes; nothing may be said."""
    contexts: list[BrowserContext] = []
    tabs: list[Tab] = []

    def tab(url: str, *, width: int = 1280, **options: object) -> Tab:
        viewport = {"width": width, "height": 800}
        context = browser.new_context(viewport=viewport, **options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(60_000)  # a machine under load is slow, and that is no fault
        context.add_init_script(_WATCH)
        made = Tab(context.new_page())
        tabs.append(made)
        made.page.on("console", made.hear)
        made.page.on("pageerror", lambda error: made.said.append(f"thrown: {error}"))
        made.page.goto(url)
        return made

    yield tab
    said = [word for it in tabs for word in it.said]
    for context in contexts:
        context.close()
    assert said == []


@pytest.fixture
def server() -> Iterator[PageServer]:
    """A page over fakes."""
    with PageServer() as server:
        yield server
