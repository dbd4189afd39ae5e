"""The answer to Prometheus is of all workers."""

from contextlib import AsyncExitStack
from pathlib import Path

from gateway.adapters.metrics_prometheus import PrometheusMetrics
from gateway.app.readiness import Readiness
from gateway.app.scrape import Scrape
from gateway.app.siblings import Siblings
from tests.support.fake_event_log import FakeEventLog


async def worker(folder: Path, name: str, requests: int, stack: AsyncExitStack) -> Scrape:
    """One that has counted so many requests, and is ready if it counted any."""
    metrics, readiness = PrometheusMetrics(), Readiness(FakeEventLog(), lambda: 0.0)
    if requests:
        readiness.serve({})
    for _ in range(requests):
        metrics.request("GetObject", "objects", 200, 0.001, "")
    siblings = Siblings(folder, name)
    scrape = Scrape(metrics, readiness, siblings)
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
    scrape = Scrape(PrometheusMetrics(), Readiness(FakeEventLog(), lambda: 0.0), None)
    text, content_type = await scrape.answer("")
    assert b"inventory_gateway_ready 0.0" in text
    assert content_type.startswith("text/plain; version=")
