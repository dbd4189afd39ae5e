"""What every answer carries, and who may post."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway.admin.answer import CONTENT_SECURITY_POLICY, html, is_same_origin, secured, static


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({"Sec-Fetch-Site": "same-origin"}, True, id="the page itself"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, False, id="another port of the host"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, False, id="another site"),
        pytest.param(
            {"Sec-Fetch-Site": "cross-site", "Origin": "http://gw:9001"}, False, id="contradiction"
        ),
        pytest.param({"Origin": "http://gw:9001"}, True, id="without TLS, the page itself"),
        pytest.param({"Origin": "http://gw:9002"}, False, id="without TLS, another port"),
        pytest.param({"Origin": "http://evil.example"}, False, id="without TLS, another site"),
        pytest.param({"Origin": "null"}, False, id="a sandbox"),
        pytest.param({"Origin": "null", "Host": ""}, False, id="a sandbox, and no host"),
        pytest.param({}, True, id="no browser"),
    ],
)
def test_forms_are_taken_from_the_page_alone(headers: dict[str, str], expected: bool) -> None:
    """A page of somebody else cannot have its visitor's browser post here."""
    request = make_mocked_request("POST", "/playground", {"Host": "gw:9001"} | headers)
    assert is_same_origin(request) is expected


def test_answers_let_nothing_in_but_the_pages_own_files() -> None:
    """No inline script or style, no frame, no other origin, no copy in a cache."""
    headers = secured(web.Response()).headers
    assert headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"):
        assert part in CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


def test_text_that_is_none_is_no_fault() -> None:
    """Half a surrogate cannot be written; it is no reason not to answer."""
    assert html("a\ud800", 404).body == b"a?"


@pytest.mark.parametrize(
    ("name", "kind"), [("page.css", "text/css"), ("page.js", "text/javascript")]
)
def test_the_pages_files_are_served(name: str, kind: str) -> None:
    """With their type, which browsers must not guess."""
    assert static(name).content_type == kind


@pytest.mark.parametrize("name", ["../pages.py", "page.css/..", "", "base.html"])
def test_nothing_else_is_served(name: str) -> None:
    """A name is looked up, never opened."""
    with pytest.raises(web.HTTPNotFound):
        static(name)
