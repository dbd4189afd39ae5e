"""The answer to Prometheus is of all workers."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.adapters.metrics_prometheus import PrometheusMetrics
from gateway.app import scrape as module
from gateway.app.readiness import Readiness
from gateway.app.scrape import Scrape
from gateway.app.siblings import SiblingError, Siblings
from tests.support.fake_event_log import FakeEventLog


async def worker(folder: Path, name: str, requests: int, stack: AsyncExitStack) -> Scrape:
    """One that has counted so many requests, and is ready if it counted any."""
    metrics, readiness = PrometheusMetrics(), Readiness(FakeEventLog(), lambda: 0.0)
    if requests:
        readiness.serve({})
    for _ in range(requests):
        metrics.request("GetObject", "objects", 200, 0.001, "")
    siblings = Siblings(folder, name)
    scrape = Scrape(metrics, readiness, siblings, lambda: 0.0)
    await siblings.open(scrape.own, stack)
    return scrape


async def test_whoever_is_asked_answers_for_all(tmp_path: Path) -> None:
    """The kernel picks; one worker that is not ready makes all of it not ready."""
    async with AsyncExitStack() as stack:
        one = await worker(tmp_path, "1", 1, stack)
        two = await worker(tmp_path, "2", 2, stack)
        for scrape in (one, two):
            text = (await scrape.answer(""))[0].decode()
            assert 'operation="GetObject",status_class="2xx"} 3.0' in text
            assert "inventory_gateway_ready 1.0" in text
        await worker(tmp_path, "3", 0, stack)
        assert "inventory_gateway_ready 0.0" in (await one.answer(""))[0].decode()


async def test_a_worker_alone_answers_for_itself() -> None:
    """Before it serves, too."""
    scrape = Scrape(PrometheusMetrics(), Readiness(FakeEventLog(), lambda: 0.0), None, lambda: 0.0)
    text, content_type = await scrape.answer("")
    assert b"inventory_gateway_ready 0.0" in text
    assert content_type.startswith("text/plain; version=")


async def test_those_who_ask_without_pause_take_a_tenth_of_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It needs no secret to ask; one who comes once in a while waits for nothing."""
    now, pauses = [0.0], list[float]()

    async def sleep(seconds: float) -> None:
        pauses.append(round(seconds, 6))
        now[0] += max(seconds, 0)

    def render(*_: object) -> tuple[bytes, str]:
        now[0] += 0.001
        return b"", "text/plain"

    monkeypatch.setattr(module, "asyncio", SimpleNamespace(sleep=sleep, Lock=asyncio.Lock))
    monkeypatch.setattr(module, "render", render)
    readiness = Readiness(FakeEventLog(), lambda: now[0])
    scrape = Scrape(PrometheusMetrics(), readiness, None, lambda: now[0])
    await asyncio.gather(*(scrape.answer("") for _ in range(3)))
    assert pauses == [0, 0.009, 0.009]
    assert now[0] == pytest.approx(0.021)
    now[0] += 15
    await scrape.answer("")
    assert pauses[-1] < 0


async def test_a_crowd_waits_for_two_turns_and_not_for_one_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Handlers of clients that have left wait as well: nobody may keep Prometheus from its turn."""
    rendered, gate = list[str](), asyncio.Event()

    async def sleep(_: float) -> None:
        await gate.wait()

    def render(_: object, wanted: str) -> tuple[bytes, str]:
        rendered.append(wanted)
        return b"%d" % len(rendered), wanted

    monkeypatch.setattr(module, "asyncio", SimpleNamespace(sleep=sleep, Lock=asyncio.Lock))
    monkeypatch.setattr(module, "render", render)
    readiness = Readiness(FakeEventLog(), lambda: 0.0)
    scrape = Scrape(PrometheusMetrics(), readiness, None, lambda: 0.0)
    accepts = ["", "application/openmetrics-text"] * 100
    crowd = asyncio.gather(*(scrape.answer(accept) for accept in accepts))
    await asyncio.sleep(0)
    gate.set()
    answers = await crowd
    assert len(rendered) == 2
    assert {answer for answer, _ in answers} == {b"1", b"2"}
    assert (await scrape.answer(""))[0] == b"3"


class _Silent(Siblings):
    """One of the others does not answer, for as long as is waited."""

    asked = 0

    async def ask(self) -> list[bytes]:
        """Wait for it."""
        self.asked += 1
        await asyncio.sleep(0)
        raise SiblingError("worker 2 does not answer in time")


async def test_a_silent_worker_is_waited_for_once_for_all_who_ask(tmp_path: Path) -> None:
    """Each is told."""
    siblings = _Silent(tmp_path, "1")
    readiness = Readiness(FakeEventLog(), lambda: 0.0)
    scrape = Scrape(PrometheusMetrics(), readiness, siblings, lambda: 0.0)
    crowd = asyncio.gather(*(scrape.answer("") for _ in range(50)), return_exceptions=True)
    assert {str(fault) for fault in await crowd} == {"worker 2 does not answer in time"}
    assert siblings.asked == 1
