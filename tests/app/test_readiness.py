"""Readiness: what counts, what is remembered, and that a probe is no lever."""

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.app.readiness import Readiness, State
from gateway.core.errors import JournalUnavailable, UpstreamUnavailable
from tests.support.fake_event_log import FakeEventLog


@dataclass
class Part:
    """A part whose check does what it is told to."""

    fault: Exception | None = None
    runs: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def check(self) -> str:
        """Wait to be let go; then say that all is well, or not."""
        self.runs += 1
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return "well"


@dataclass
class Watch:
    """Seconds that pass when the test says so."""

    now: float = 100.0

    def __call__(self) -> float:
        """Its time."""
        return self.now


async def test_it_begins_unready_and_ends_unready() -> None:
    """I27: nothing is checked before the parts are there, nor once they go."""
    part, readiness = Part(), Readiness(FakeEventLog(), Watch())
    assert (await readiness.report()).detail() == {
        "ready": False,
        "state": "starting",
        "checks": {},
    }
    readiness.serve({"part": part.check})
    assert (await readiness.report()).ready
    readiness.stop()
    report = await readiness.report()
    assert (report.ready, report.state, part.runs) == (False, State.STOPPING, 1)


async def test_a_stop_during_the_checks_is_heard() -> None:
    """The answer that is given last is the truest."""
    part, readiness = Part(), Readiness(FakeEventLog(), Watch())
    readiness.serve({"part": part.check})
    part.gate.clear()
    probe = asyncio.create_task(readiness.report())
    await asyncio.sleep(0)
    readiness.stop()
    part.gate.set()
    assert not (await probe).ready


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        (JournalUnavailable("journal_write", detail="disk full"), "journal_write: disk full"),
        (JournalUnavailable("journal_closed"), "journal_closed"),
        (UpstreamUnavailable("connect_failed"), "connect_failed"),
        (RuntimeError("secret"), "the check broke; the log says how"),
    ],
    ids=["detail", "reason", "upstream", "bug"],
)
async def test_one_check_that_fails_is_enough(fault: Exception, detail: str) -> None:
    """And is named; a stranger hears only the sum."""
    log = FakeEventLog()
    readiness = Readiness(log, Watch())
    readiness.serve({"good": Part().check, "bad": Part(fault).check}, lambda: {"more": 1})
    report = await readiness.report()
    assert report.detail() == {
        "ready": False,
        "state": "serving",
        "checks": {"good": {"ok": True, "detail": "well"}, "bad": {"ok": False, "detail": detail}},
        "more": 1,
    }
    assert report.summary() == {"ready": False, "state": "serving"}
    assert [line["check"] for line in log.faults if line["message"] == "not ready"] == ["bad"]


async def test_a_check_has_its_time() -> None:
    """What hangs is not ready, and holds no probe up."""
    part, readiness = Part(), Readiness(FakeEventLog(), Watch(), seconds=0.01)
    part.gate.clear()
    readiness.serve({"part": part.check})
    report = await readiness.report()
    assert report.results["part"].detail == "no answer within 0.01 s"


async def test_many_probes_cost_one_run() -> None:
    """Neither those who come together nor those who come soon after make it run again."""
    watch, part = Watch(), Part()
    readiness = Readiness(FakeEventLog(), watch, keep=2.0)
    readiness.serve({"part": part.check})
    part.gate.clear()
    probes = [asyncio.create_task(readiness.report()) for _ in range(50)]
    await asyncio.sleep(0)
    part.gate.set()
    assert all(report.ready for report in await asyncio.gather(*probes))
    watch.now += 1.9
    await readiness.report()
    assert part.runs == 1
    watch.now += 0.1
    await readiness.report()
    assert part.runs == 2


async def test_checks_run_side_by_side() -> None:
    """The slowest decides how long it takes, not the sum."""
    one, other = Part(), Part()
    one.gate.clear()
    readiness = Readiness(FakeEventLog(), Watch())
    readiness.serve({"one": one.check, "other": other.check})
    probe = asyncio.create_task(readiness.report())
    for _ in range(5):
        await asyncio.sleep(0)
    assert (one.runs, other.runs) == (1, 1)
    one.gate.set()
    await probe


async def test_a_change_is_told_once() -> None:
    """Down, and up again."""
    watch, part, log = Watch(), Part(), FakeEventLog()
    readiness = Readiness(log, watch)
    readiness.serve({"part": part.check})
    for fault in (None, JournalUnavailable("gone"), JournalUnavailable("gone"), None, None):
        part.fault = fault
        watch.now += 10
        await readiness.report()
    assert [(line["message"], line["level"], line["detail"]) for line in log.faults] == [
        ("not ready", "warning", "gone"),
        ("a readiness check passes again", "info", "well"),
    ]
