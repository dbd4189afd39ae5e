"""Each page in a real browser: how it looks, how it reads, what it does with hostile text."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from gateway.admin.difference import difference
from gateway.admin.ports import Trial
from gateway.admin.record import findings_of
from gateway.admin.wording import visible
from gateway.core.journal import Verdict
from gateway.core.ports import Outcome
from tests.browser.conftest import Open, Tab
from tests.support.decisions import FINDING, entry, question, refusal, removal, result
from tests.support.hostile import HOSTILE
from tests.support.page_server import PageServer
from tests.support.site import wait_until
from tests.support.story import tell

SIZES = [pytest.param(360, id="360 px"), pytest.param(1280, id="1280 px")]
SCHEMES = ["light", "dark"]


def overview(tab: Tab) -> None:
    """The first page, with its figures unfolded."""
    tab.page.get_by_text("The figures").click()


def decisions(tab: Tab) -> None:
    """The list, once it is live."""
    tab.page.get_by_role("link", name="Decisions").first.click()
    tab.page.get_by_text("live", exact=True).wait_for()


def decision(tab: Tab) -> None:
    """A refused one, asked again."""
    decisions(tab)
    tab.page.locator("tr", has_text="refused").locator("td.time a").first.click()
    tab.page.get_by_role("link", name="Ask again").click()
    tab.page.get_by_role("heading", name="Asked again").wait_for()


def patched(tab: Tab) -> None:
    """One in which policy filled something in."""
    decisions(tab)
    tab.page.locator("td.time a").first.click()
    tab.page.get_by_text("The client's document as it came").click()
    tab.page.get_by_text("The input, whole").click()


def rules(tab: Tab) -> None:
    """The catalogue, with one rule unfolded."""
    tab.page.get_by_role("link", name="Rules", exact=True).click()
    tab.page.get_by_text("About INV001").click()


def playground(tab: Tab) -> None:
    """A verdict with its correction."""
    tab.page.get_by_role("link", name="Playground").click()
    tab.page.get_by_label("Source bucket").fill("acme-orders")
    tab.page.get_by_role("button", name="Judge").click()
    tab.page.get_by_role("heading", name="Result").wait_for()


PAGES = [overview, decisions, decision, patched, rules, playground]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("visit", PAGES, ids=[page.__name__ for page in PAGES])
def test_page_is_readable_for_everybody(
    opened: Open, server: PageServer, visit: Callable[[Tab], None], width: int, scheme: str
) -> None:
    """Contrast, labels, names, order of headings; nothing is wider than the screen."""
    tell(server)
    tab = opened(server.url, width=width, color_scheme=scheme)
    visit(tab)
    tab.keep(f"{visit.__name__}-{width}-{scheme}")
    assert tab.page.evaluate("document.documentElement.scrollWidth") == width
    found = Axe().run(tab.page).response["violations"]
    wrong = {it["id"]: [node["html"][:200] for node in it["nodes"]] for it in found}
    assert wrong == {}


def test_keyboard_reaches_everything_in_the_order_of_reading(
    opened: Open, server: PageServer
) -> None:
    """The way past the navigation first; where one is can be seen all the time."""
    tell(server)
    tab = opened(f"{server.url}/decisions?verdict=deny")
    seen: list[str] = []
    for _ in range(17):
        tab.page.keyboard.press("Tab")
        told: list[Any] = tab.page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
            return [(e.labels?.[0]?.textContent || e.textContent).trim(), s.outlineStyle,
                    e.getBoundingClientRect().left >= 0]; }"""
        )
        assert told[1:] == ["solid", True], told
        if not seen or seen[-1] != told[0]:  # a date has several parts
            seen.append(told[0])
    expected = (
        "Skip to the content|Overview|Decisions|Rules|Playground|Pause|Verdict|Rule|Principal"
    )
    expected += "|Source bucket|Outcome|From (UTC)"
    assert "|".join(seen).startswith(expected)


def test_navigation_can_be_skipped(opened: Open, server: PageServer) -> None:
    """With two keys."""
    tab = opened(f"{server.url}/rules")
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Enter")
    assert tab.page.evaluate("document.activeElement.id") == "main"


def test_filters_are_set_with_the_keyboard(opened: Open, server: PageServer) -> None:
    """And are in the address, to be sent to somebody."""
    server.reader.entries += [entry(1), refusal(2), removal(3)]
    tab = opened(f"{server.url}/decisions")
    tab.page.get_by_label("Rule", exact=True).press_sequentially("INV001")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**rule=INV001**")
    assert tab.page.locator("tbody tr").count() == 1
    tab.page.get_by_role("link", name="Reset").click()
    tab.page.wait_for_url("**/decisions")
    assert tab.page.locator("tbody tr").count() == 3


def test_new_decisions_appear_and_can_be_paused(opened: Open, server: PageServer) -> None:
    """Newest first, with the outcome once it is known; a pause is made up for."""
    server.reader.entries.append(entry(1))
    tab = opened(f"{server.url}/decisions")
    rows = tab.page.locator("tbody tr")
    tab.page.get_by_text("live", exact=True).wait_for()
    server.reader.entries.append(entry(2, principal="newcomer", outcome=None))
    tab.page.get_by_text("newcomer").wait_for()
    assert "open" in rows.first.inner_text()
    server.reader.entries[-1] = entry(2, principal="newcomer", outcome=Outcome("forwarded", 204))
    tab.page.get_by_text("forwarded 204").nth(1).wait_for()
    assert rows.count() == 2
    tab.page.get_by_role("button", name="Pause").click()
    assert tab.page.locator("#live").inner_text().endswith("paused")
    server.reader.entries.append(entry(3, principal="latecomer"))
    tab.page.get_by_role("button", name="Go on").click()
    tab.page.get_by_text("latecomer").wait_for()
    assert rows.count() == 3
    assert "latecomer" in rows.first.inner_text()


def test_what_is_corrected_can_be_copied(opened: Open, server: PageServer) -> None:
    """As it is, to the last character."""
    corrected = '{\n  "Id": "<daily>"\n}'
    server.policy.trial = Trial(
        Verdict.DENY, corrected=corrected, changes=difference("{}", corrected)
    )
    tab = opened(server.url, permissions=["clipboard-read", "clipboard-write"])
    playground(tab)
    tab.page.get_by_role("button", name="Copy").click()
    tab.page.get_by_role("button", name="Copied").wait_for()
    assert tab.page.evaluate("navigator.clipboard.readText()") == corrected


def test_without_a_clipboard_the_text_is_selected(opened: Open, server: PageServer) -> None:
    """It is only there over TLS, and on loopback."""
    server.policy.trial = Trial(Verdict.DENY, corrected="{ }", changes=difference("{}", "{ }"))
    tab = opened(server.url)
    playground(tab)
    tab.page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    tab.page.get_by_role("button", name="Copy").click()
    tab.page.get_by_role("button", name="Selected").wait_for()
    assert tab.page.evaluate("getSelection().toString()") == "{ }"


@pytest.mark.parametrize(
    "visit", [overview, decision, rules, playground], ids=lambda page: page.__name__
)
def test_everything_is_there_without_javascript(
    opened: Open, server: PageServer, visit: Callable[[Tab], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for what would come by itself, and for buttons that would do nothing."""
    tell(server)
    tab = opened(server.url, java_script_enabled=False)
    monkeypatch.setattr("tests.browser.test_pages.decisions", _list_without_javascript)
    visit(tab)
    assert tab.page.locator("button[data-copy]:visible").count() == 0


def _list_without_javascript(tab: Tab) -> None:
    tab.page.get_by_role("link", name="Decisions").first.click()
    assert not tab.page.locator("#pause").is_visible()


@pytest.mark.parametrize("length", [1, 64], ids=["short", "8 KiB"])
def test_hostile_text_is_text(opened: Open, server: PageServer, length: int) -> None:
    """In every field, on every page, live as well: nothing runs, nothing is even tried to."""
    text = HOSTILE * length
    finding = dict.fromkeys(FINDING, text) | {"allowed": [text]}
    asked = question(
        request={"source_ip": text, "user_agent": text},
        principal={"access_key_id": text, "method": text},
        source={"bucket": text, "region": text, text: text},
        configuration={text: text},
    )
    found = result(violations=[finding], original={"configuration": {text: 1}})
    texts = dict.fromkeys(("principal", "bucket", "inventory_id", "revision", "request_id"), text)
    values: dict[str, Any] = {**texts, "input": asked, "result": found, "document": text.encode()}
    server.reader.entries.append(refusal(1, **values))
    server.policy.trial = Trial(
        Verdict.DENY,
        text,
        findings_of(found, asked),
        text,
        text,
        difference(text, "x"),
        (text,),
        (text,),
    )
    server.policy.tell(problem=text, revision=text)
    tab = opened(f"{server.url}/decisions", width=360)
    tab.page.get_by_text("live", exact=True).wait_for()
    server.reader.entries.append(refusal(2, **values))
    wait_until(lambda: tab.page.locator("tbody tr").count() == 2)
    shown = [tab.page.locator("body").inner_text()]
    for path in ("/", "/decisions/00000001?replay=1", "/rules", "/playground"):
        tab.page.goto(server.url + path)
        if path == "/playground":
            tab.page.get_by_label("Configuration").fill(text.replace("\x00", ""))
            tab.page.get_by_label("Source bucket").fill("b")
            tab.page.get_by_role("button", name="Judge").click()
            tab.page.get_by_role("heading", name="Result").wait_for()
        shown.append(tab.page.locator("body").inner_text())
        assert tab.page.evaluate("document.documentElement.scrollWidth") == 360, path
    for page in shown:
        assert visible(HOSTILE)[:60] in page
    assert tab.page.evaluate("window.harm") is None
