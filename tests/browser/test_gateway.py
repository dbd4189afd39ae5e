"""The admin page of a whole gateway: real decisions in, a real browser in front."""

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from gateway.admin.pages import AdminPages
from tests.browser.conftest import Open
from tests.support.connection import Response
from tests.support.inventory import document
from tests.support.site import ANA, Site, wait_until
from tests.support.wire import message, signed

UNENCRYPTED = document(encryption="")
MENDED = document(encryption="<Encryption><SSE-S3></SSE-S3></Encryption>")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The gateway and its emulator."""
    with Site(tmp_path) as site:
        yield site
    assert site.problems == []


def put(site: Site, body: str) -> Response:
    """A PUT of a configuration by ana."""
    wire = message("PUT", "/acme-orders?inventory&id=inv-1", body.encode())
    return site.call(signed(wire, ANA))


def ask(site: Site, method: str, path: str, **headers: str) -> tuple[HTTPResponse, bytes]:
    """A request to the admin listener that no browser makes."""
    with closing(HTTPConnection("127.0.0.1", site.admin_port, timeout=30)) as connection:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response, response.read()


def test_a_decision_is_followed_from_the_list_to_its_replay(opened: Open, site: Site) -> None:
    """It appears by itself, says what was wrong, and is asked again."""
    tab = opened(f"{site.admin_url}/decisions")
    tab.page.get_by_text("live", exact=True).wait_for()
    assert put(site, UNENCRYPTED).status == 403
    row = tab.page.locator("tbody tr", has_text="INV001")
    row.wait_for()
    assert put(site, document()).status == 204
    tab.page.get_by_text("forwarded 204").wait_for()
    row.locator("td.time a").click()
    text = tab.page.locator("main").inner_text()
    assert "The configuration breaks rules, so it is refused." in text
    assert "Set Encryption of the destination to one of: SSE-KMS, SSE-S3." in text
    assert "<Id>inv-1</Id>" in text
    assert "The client wrote exactly the document that was judged, byte for byte." in text
    stages = tab.page.locator("ul.legend li").all_inner_texts()
    assert [stage.split()[0] for stage in stages] == ["verification", "facts", "policy", "journal"]
    tab.page.get_by_role("link", name="Ask again").click()
    tab.page.get_by_text("The findings are the same.").wait_for()
    tab.page.get_by_role("link", name="Overview").click()
    tab.page.get_by_role("heading", name="Overview").wait_for()
    assert "1\nrefused" in tab.page.locator("main").inner_text()


def test_what_was_sent_is_shown_with_what_the_client_wrote(opened: Open, site: Site) -> None:
    """However it was laid out; the bar of its timings ends with what S3 took."""
    assert put(site, document().replace("><", ">\n  <")).status == 204
    tab = opened(f"{site.admin_url}/decisions")
    tab.page.get_by_text("forwarded 204").wait_for()
    tab.page.locator("tbody td.time a").first.click()
    assert "The client wrote the same but for layout" in tab.page.locator("main").inner_text()
    tab.page.get_by_text("The client's document as it came").click()
    came = tab.page.get_by_label("The client's document").inner_text()
    assert came == document().replace("><", ">\n  <")
    stages = tab.page.locator("ul.legend li").all_inner_texts()
    assert [stage.split()[0] for stage in stages][-2:] == ["journal", "upstream"]


def test_what_the_playground_corrects_is_allowed_and_nothing_was_done(
    opened: Open, site: Site
) -> None:
    """Nothing reaches S3 but look-ups, nothing is on record; the correction passes the gate."""
    before = site.mark()
    tab = opened(f"{site.admin_url}/playground")
    tab.page.get_by_label("Configuration").fill(UNENCRYPTED)
    tab.page.get_by_label("Source bucket").fill("acme-orders")
    tab.page.get_by_label("Principal").select_option("ana")
    tab.page.get_by_role("button", name="Judge").click()
    tab.page.get_by_text("It would be allowed.").wait_for()
    assert "INV001" in tab.page.locator("main").inner_text()
    corrected = tab.page.locator("#corrected").inner_text()
    assert corrected == MENDED
    assert {request.method for request in site.received(before)} <= {"HEAD"}
    assert [line for line in site.lines(before) if line["event"] == "decision"] == []
    tab.page.goto(f"{site.admin_url}/decisions")
    tab.page.get_by_text("Nothing has been decided yet.").wait_for()
    assert put(site, corrected).status == 204


def test_rules_are_those_in_force(opened: Open, tmp_path: Path) -> None:
    """With the organisation's modes, parameters and exemptions."""
    file = tmp_path / "policy.yaml"
    file.write_text(
        """
org:
  revision: r-1
  enforcement: observe
  inventory: {rules: {INV030: {formats: [ORC]}, INV033: {mode: "off"}}}
  exemptions:
    - {id: EX-1, rules: [INV030], buckets: ["acme-*"], principals: ["*"], configuration_ids: ["*"],
       reason: "<b>until</b> then", ticket: T-1, approved_by: a, expires: 2027-01-01T00:00:00Z}
"""
    )
    with Site(tmp_path, {"policy_settings": file}) as site:
        tab = opened(f"{site.admin_url}/rules")
        tab.page.get_by_text("About INV030").click()
        text = tab.page.locator("main").inner_text()
    assert "Policy only observes." in text
    assert '["ORC"]' in text
    assert "<b>until</b> then" in text
    assert tab.page.locator("#INV033 .badge").inner_text() == "off"


def test_the_page_asks_for_the_password(opened: Open, tmp_path: Path) -> None:
    """Every address of it, live rows included; a browser that has it gets all."""
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text("open-sesame-open-sesame\n")
    with Site(tmp_path, {"admin_password_file": password}) as site:
        for path in ("/", "/decisions", "/decisions/events", "/playground", "/static/page.js"):
            assert ask(site, "GET", path)[0].status == 401
        credentials = {"username": "admin", "password": "open-sesame-open-sesame"}
        tab = opened(f"{site.admin_url}/decisions", http_credentials=credentials)
        tab.page.get_by_text("live", exact=True).wait_for()
        put(site, UNENCRYPTED)
        tab.page.locator("tbody tr", has_text="INV001").wait_for()
        token = base64.b64encode(b"admin:open-sesame-open-sesame").decode()
        headers = {"Authorization": f"Basic {token}", "Origin": "http://evil.example"}
        assert ask(site, "POST", "/playground", **headers)[0].status == 403


def test_an_open_page_does_not_keep_the_gateway_from_ending(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streams end before the drain begins; the page says that it is no longer live."""
    told: list[AdminPages] = []
    real = AdminPages.stop

    def stop(pages: AdminPages) -> None:
        told.append(pages)
        real(pages)

    monkeypatch.setattr(AdminPages, "stop", stop)
    with Site(tmp_path, {"drain_seconds": 30.0}) as site:
        tab = opened(f"{site.admin_url}/decisions")
        tab.page.get_by_text("live", exact=True).wait_for()
    assert len(told) == 1
    wait_until(lambda: tab.page.locator("#live").get_attribute("data-state") == "off")
    tab.page.close()
    tab.said.clear()  # the connection was refused when the page tried again


def test_probes_and_pages_live_side_by_side(site: Site) -> None:
    """The page takes no path from them."""
    ready, report = ask(site, "GET", "/readyz")
    assert (ready.status, json.loads(report)["ready"]) == (200, True)
    page, _ = ask(site, "GET", "/")
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
