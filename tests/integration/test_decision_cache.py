"""A question that comes again, through a whole gateway: known, and on record as a decision anew."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.app import wiring
from gateway.app.checks import checks as readiness_checks
from gateway.app.policy import SettledPolicy
from tests.support.inventory import VALID, document
from tests.support.opa_process import SHIPPED, opa_server
from tests.support.site import ANA, Mark, Site, wait_until
from tests.support.wire import message, signed

HIT = "counter_decision_cache_hit"
START = Mark(0, 0)


def put(site: Site, body: str = VALID) -> int:
    """The status of a gated PUT by ana."""
    wire = message("PUT", "/acme-orders?inventory&id=inv-1", body.encode())
    return site.call(signed(wire, ANA)).status


def decisions(site: Site, count: int, since: Mark = START) -> list[dict[str, Any]]:
    """The decisions in the log, once there are so many; one may follow its answer."""

    def found() -> list[dict[str, Any]]:
        return [line for line in site.lines(since) if line["event"] == "decision"]

    wait_until(lambda: len(found()) >= count)
    return found()


def hits(site: Site, count: int, since: Mark = START) -> list[bool]:
    """Which of the decisions were known."""
    lines = decisions(site, count, since)
    assert [line["custom"]["cache"] == "hit" for line in lines] == [
        line["metrics"].get(HIT) == 1 for line in lines
    ]
    return [HIT in line["metrics"] for line in lines]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A gateway as it starts by default."""
    with Site(tmp_path) as site:
        yield site
    assert site.problems == []


def test_a_known_answer_makes_a_decision_of_its_own(site: Site) -> None:
    """I16: ids, records, outcomes and writes are two; a yes and a no are kept alike."""
    assert [put(site) for _ in range(2)] == [204, 204]
    assert [put(site, document(encryption="")) for _ in range(2)] == [403, 403]
    assert hits(site, 4) == [False, True, False, True]
    first, second, *refused = decisions(site, 4)
    assert first["decision_id"] != second["decision_id"]
    assert first["req_id"] != second["req_id"]
    assert first["result"] == second["result"]
    assert [line["custom"]["outcome"] for line in (first, second, *refused)] == [
        *("forwarded",) * 2,
        *("refused",) * 2,
    ]
    assert len(site.writes(START)) == 2


def test_readiness_asks_the_engine_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its question is always the same: a known answer would hide an engine that has died."""
    asked: list[object] = []

    def checks(engine: Any, *others: Any) -> Any:
        asked.append(engine)
        return readiness_checks(engine, *others)

    monkeypatch.setattr(wiring, "checks", checks)
    with Site(tmp_path):
        pass
    assert [type(engine) for engine in asked] == [SettledPolicy]


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    """Every question is asked then."""
    with Site(tmp_path, {"policy_cache_seconds": 0}) as site:
        assert [put(site) for _ in range(2)] == [204, 204]
        assert hits(site, 2) == [False, False]


def test_changed_settings_are_asked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once: no answer outlives the settings that gave it."""
    monkeypatch.setattr(wiring, "_POLL_SECONDS", 0.02)
    written, draft = tmp_path / "policy.yaml", tmp_path / "draft.yaml"
    written.write_text("org: {revision: first}\n")
    with Site(tmp_path, {"policy_settings": written}) as site:
        assert [put(site) for _ in range(2)] == [204, 204]
        draft.write_text("org: {revision: s, inventory: {rules: {INV001: {minimum: SSE-KMS}}}}\n")
        draft.replace(written)
        in_force = "policy settings are in force"
        wait_until(lambda: sum(line["event"] == in_force for line in site.lines(START)) == 2)
        assert [put(site) for _ in range(2)] == [403, 403]
        assert hits(site, 4) == [False, True, False, True]


def test_an_opa_server_is_always_asked(tmp_path: Path) -> None:
    """Its data may change without a word to anybody."""
    with opa_server(*SHIPPED) as server:
        settings = {"policy_engine": "opa", "opa_url": server.url, "policy_timeout_seconds": 10.0}
        with Site(tmp_path, settings) as site:
            assert [put(site) for _ in range(2)] == [204, 204]
            assert hits(site, 2) == [False, False]
