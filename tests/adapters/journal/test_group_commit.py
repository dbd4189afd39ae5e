"""Who waits for what: records for durability, outcomes for company, nobody for outcomes."""

import asyncio
from collections.abc import Sequence
from types import MappingProxyType

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.adapters.journal import group_commit
from gateway.adapters.journal.append import Addition, Conclusion, Probe, Work
from gateway.adapters.journal.group_commit import GroupCommit
from gateway.core.errors import JournalUnavailable
from gateway.core.ports import Outcome

FORWARDED = Outcome("forwarded", 204, "UP1")
FAILED = Outcome("failed")


class Disk:
    """Where batches go: as slow and as broken as it is told to be.

    `gate` is open unless a test closes it; `faults` are raised, one by each commit; `written` are
    the batches, one text for each entry.
    """

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.faults: list[Exception | None] = []
        self.written: list[list[str]] = []
        self.resets = 0
        self.unknown: set[str] = set()
        self.losses: list[tuple[str, str]] = []
        self.group = GroupCommit(
            self.commit,
            self.reset,
            str,
            patience=5.0,
            on_loss=lambda *loss: self.losses.append(loss),
        )

    async def commit(self, batch: Sequence[Work]) -> list[str]:
        """Take a batch."""
        await self.gate.wait()
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        self.written.append([self.text(work) for work in batch])
        ids = {work.decision_id for work in batch if isinstance(work, Conclusion)}
        return sorted(ids & self.unknown)

    async def reset(self) -> None:
        """Count."""
        self.resets += 1

    @staticmethod
    def text(work: Work) -> str:
        """An entry in short."""
        match work:
            case Addition():
                return str(work.values["decision_id"])
            case Conclusion():
                return f"{work.decision_id}:{work.values['outcome']}"
            case Probe(like):
                return "probe" if like is None else f"probe like {like.values['decision_id']}"

    async def settled(self, batches: int) -> list[list[str]]:
        """What was written, once there are so many batches."""
        async with asyncio.timeout(10):
            while len(self.written) < batches:  # noqa: ASYNC110 - commits tell nobody
                await asyncio.sleep(0.005)
        return self.written


def addition(decision_id: str) -> Addition:
    """A decision to store."""
    return Addition(MappingProxyType({"decision_id": decision_id}), ())


@pytest.fixture
async def disk():
    """A disk that is well."""
    made = Disk()
    yield made
    made.gate.set()
    await made.group.close()


async def test_outcome_rides_with_the_next_record(disk: Disk, monkeypatch: pytest.MonkeyPatch):
    """One commit for a PUT of a sequence, not two; and the record did not wait for the outcome."""
    monkeypatch.setattr(group_commit, "_OUTCOME_SECONDS", 1000.0)
    group = GroupCommit(disk.commit, disk.reset, str, patience=5.0, on_loss=print)
    for number in range(5):
        await group.add(addition(f"d-{number}"))
        group.conclude(Conclusion.of(f"d-{number}", FORWARDED))
    assert disk.written == [
        ["d-0"],
        ["d-0:forwarded", "d-1"],
        ["d-1:forwarded", "d-2"],
        ["d-2:forwarded", "d-3"],
        ["d-3:forwarded", "d-4"],
    ]
    await group.close()
    assert disk.written[-1] == ["d-4:forwarded"]


async def test_outcome_without_company_goes_by_itself(disk: Disk):
    """Soon."""
    disk.group.conclude(Conclusion.of("d-1", FORWARDED))
    assert await disk.settled(1) == [["d-1:forwarded"]]


async def test_what_arrives_during_a_sync_shares_the_next(disk: Disk):
    """Records, outcomes and checks."""
    disk.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(disk.group.add(addition("d-1")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        tasks.create_task(disk.group.add(addition("d-2")))
        tasks.create_task(disk.group.probe())
        await asyncio.sleep(0.01)
        disk.group.conclude(Conclusion.of("d-1", FORWARDED))
        assert disk.group.waiting == 3
        disk.gate.set()
    assert disk.written == [["d-1"], ["d-2", "probe", "d-1:forwarded"]]


async def test_a_check_takes_as_much_as_the_record_that_failed(disk: Disk):
    """Until that much could be written: what takes less room would prove nothing."""
    full = OSError("no space")
    disk.faults = [full, full, full]
    with pytest.raises(JournalUnavailable):
        await disk.group.add(addition("d-1"))
    for _ in range(2):
        with pytest.raises(JournalUnavailable):
            await disk.group.probe()
    await disk.group.probe()
    await disk.group.probe()
    probes = [work for batch in disk.written for work in batch if work.startswith("probe")]
    assert probes == ["probe like d-1", "probe"]


async def test_a_record_that_is_written_ends_the_doubt(disk: Disk):
    """There is room, then."""
    disk.faults = [OSError("no space")]
    with pytest.raises(JournalUnavailable):
        await disk.group.add(addition("d-1"))
    await disk.group.add(addition("d-2"))
    await disk.group.probe()
    assert disk.written[-1][-1] == "probe"


async def test_fault_fails_all_of_the_batch_and_keeps_outcomes(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
):
    """Records are told no, each by itself; nobody waits for outcomes, so they are tried again."""
    monkeypatch.setattr(group_commit, "_AGAIN_SECONDS", 0.01)
    disk.faults = [OSError("disk full")]
    disk.gate.clear()
    disk.group.conclude(Conclusion.of("d-0", FORWARDED))
    attempts = [disk.group.add(addition(f"d-{number}")) for number in (1, 2)]
    answering = asyncio.gather(*attempts, return_exceptions=True)
    await asyncio.sleep(0)
    disk.gate.set()
    answers = await answering
    assert [getattr(answer, "reason", "") for answer in answers] == ["journal_write"] * 2
    assert len({id(answer) for answer in answers}) == 2
    assert disk.resets == 1
    # They may have been written after all: then they say that nobody acted on them.
    written = await disk.settled(1)
    assert sorted(written[0]) == ["d-0:forwarded", "d-1:failed", "d-2:failed"]
    assert disk.losses == []


async def test_only_the_culprit_of_a_refusal_fails(disk: Disk):
    """The others are written one by one; a refused decision is another's, and not concluded."""
    refusal = IntegrityError("x", {}, Exception("UNIQUE"))
    disk.faults = [refusal, None, refusal, None]
    attempts = (disk.group.add(addition(f"d-{number}")) for number in range(3))
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    assert [getattr(answer, "reason", answer) for answer in answers] == [
        None,
        "journal_refused",
        None,
    ]
    await disk.group.close()
    assert disk.written == [["d-0"], ["d-2"]]


@pytest.mark.parametrize("how", ["timeout", "cancelled"])
async def test_record_whose_caller_is_gone_is_written_and_concluded(disk: Disk, how: str):
    """Nobody acted on it: its outcome is known."""
    group = GroupCommit(disk.commit, disk.reset, str, patience=0.05, on_loss=print)
    disk.gate.clear()
    task = asyncio.get_running_loop().create_task(group.add(addition("d-1")))
    await asyncio.sleep(0.01)
    if how == "cancelled":
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        with pytest.raises(JournalUnavailable) as caught:
            await task
        assert caught.value.reason == "journal_timeout"
    disk.gate.set()
    assert await disk.settled(2) == [["d-1"], ["d-1:failed"]]
    await group.close()


@pytest.mark.parametrize("lost", ["d-1", "d-2"])
async def test_outcome_without_an_open_decision_is_a_loss(disk: Disk, lost: str):
    """Which is reported, with its reason; the others are none."""
    disk.unknown = {lost}
    disk.group.conclude(Conclusion.of("d-1", FORWARDED))
    disk.group.conclude(Conclusion.of("d-2", FAILED))
    await disk.settled(1)
    await disk.group.close()
    assert disk.losses == [(lost, "journal_refused")]


async def test_outcome_that_may_have_been_written_is_no_loss_the_second_time(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
):
    """The acknowledgement was lost, not the outcome."""
    monkeypatch.setattr(group_commit, "_AGAIN_SECONDS", 0.01)
    disk.faults, disk.unknown = [OSError("gone")], {"d-1"}
    disk.group.conclude(Conclusion.of("d-1", FORWARDED))
    await disk.settled(1)
    await disk.group.close()
    assert (disk.written, disk.losses) == ([["d-1:forwarded"]], [])


async def test_outcome_that_cannot_be_written_at_the_end_is_a_loss(disk: Disk):
    """The end does not wait for better times."""
    disk.faults = [OSError("gone")]
    disk.group.conclude(Conclusion.of("d-1", FORWARDED))
    await disk.group.close()
    assert (disk.written, disk.losses) == ([], [("d-1", "journal_write")])


async def test_waiting_is_bounded(disk: Disk, monkeypatch: pytest.MonkeyPatch):
    """For records and outcomes."""
    monkeypatch.setattr(group_commit, "_MAX_WAITING", 3)
    for number in range(3):
        disk.group.conclude(Conclusion.of(f"d-{number}", FORWARDED))
    with pytest.raises(JournalUnavailable) as caught:
        disk.group.conclude(Conclusion.of("d-9", FORWARDED))
    assert caught.value.reason == "journal_queue_full"
    with pytest.raises(JournalUnavailable):
        await disk.group.probe()


async def test_closed_takes_nothing(disk: Disk):
    """Closing writes what waits, and twice is harmless."""
    disk.group.conclude(Conclusion.of("d-1", FORWARDED))
    await disk.group.close()
    await disk.group.close()
    assert disk.written == [["d-1:forwarded"]]
    with pytest.raises(JournalUnavailable) as caught:
        disk.group.conclude(Conclusion.of("d-2", FORWARDED))
    assert caught.value.reason == "journal_closed"
    with pytest.raises(JournalUnavailable):
        await disk.group.add(addition("d-3"))
