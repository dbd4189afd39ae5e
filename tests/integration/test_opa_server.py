"""A whole gateway that asks a real OPA server for its policy, and what becomes of it without."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.inventory import VALID, document
from tests.support.opa_process import SHIPPED, OpaProcess, opa_server
from tests.support.site import ANA, Mark, Site
from tests.support.wire import Message, message, signed

PUT = "/acme-orders?inventory&id=inv-1"


def put(body: str = VALID) -> Message:
    """A gated PUT by ana."""
    return signed(message("PUT", PUT, body.encode()), ANA)


@pytest.fixture
def server() -> Iterator[OpaProcess]:
    """A server of the test's own: some tests end it."""
    with opa_server(*SHIPPED) as process:
        yield process


@pytest.fixture
def site(server: OpaProcess, tmp_path: Path) -> Iterator[Site]:
    """A gateway that asks it."""
    settings = {"policy_engine": "opa", "opa_url": server.url, "policy_timeout_seconds": 10.0}
    with Site(tmp_path, settings) as site:
        yield site
    assert site.problems == []


def decisions(site: Site, since: Mark) -> list[dict[str, Any]]:
    """The decisions in the log."""
    return [line for line in site.lines(since) if line["event"] == "decision"]


def test_an_opa_server_decides_and_its_bundles_are_on_record(site: Site) -> None:
    """Yes and no as with the embedded engine; provenance and timers are in OPA's own names."""
    mark = site.mark()
    assert site.call(put()).status == 204
    refused = site.call(put(document(encryption="")))
    assert (refused.status, b"[INV001]" in refused.body) == (403, True)
    assert site.writes(mark) == [f"PUT {PUT}"]
    allowed, denied = decisions(site, mark)
    for line in (allowed, denied):
        # OPA calls a bundle by the path that it was loaded from.
        assert set(line["bundles"]) == {"org", *map(str, SHIPPED)}
        assert line["result"]["provenance"]["version"]
        assert line["metrics"]["timer_rego_query_eval_ns"] > 0
    assert (allowed["result"]["allow"], denied["result"]["allow"]) == (True, False)


def test_without_the_server_nothing_is_forwarded(site: Site, server: OpaProcess) -> None:
    """I11, I15: 503, on record as a no with its reason; objects are not concerned."""
    server.kill()
    mark = site.mark()
    answer = site.call(put())
    assert (answer.status, b"engine_unreachable" in answer.body) == (503, True)
    assert site.writes(mark) == []
    (line,) = decisions(site, mark)
    assert (line["result"], line["error"]) == ({"allow": False}, "engine_unreachable")
    assert line["custom"]["outcome"] == "refused"
    assert site.call(signed(message("PUT", "/acme-orders/key", b"data"), ANA)).status == 200


def test_a_server_that_hangs_costs_the_deadline_and_no_more(
    server: OpaProcess, tmp_path: Path
) -> None:
    """I15: its connections stay open and nothing comes; the next answer is sound."""
    settings = {"policy_engine": "opa", "opa_url": server.url, "policy_timeout_seconds": 2.0}
    with Site(tmp_path, settings) as site:
        mark = site.mark()
        server.pause()
        answer = site.call(put())
        assert (answer.status, b"engine_timeout" in answer.body) == (503, True)
        assert site.writes(mark) == []
        server.resume()
        assert site.call(put()).status == 204
