"""What is taken up without a restart: by itself, and at SIGHUP."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.decision_log import StructlogEventLog
from gateway.adapters.principals_file import PrincipalsError
from gateway.adapters.secret_file import SecretFileError
from gateway.app.policy import SettledPolicy
from gateway.app.rereading import Rereading
from gateway.app.settings import Settings, SettingsError
from gateway.core.ports import EventLog
from tests.support import fake_time
from tests.support.fake_event_log import FakeEventLog
from tests.support.fake_policy_engine import FakePolicyEngine

#: Longer than any test: what happens is asked for.
NEVER = 3600.0


@dataclass
class File:
    """A file that can be made to change, and to be bad."""

    different: bool = False
    fault: Exception | None = None
    loads: int = 0

    def changed(self) -> tuple[object, ...]:
        """Until it is read, and always in the same way."""
        return ("different",) if self.different else ()

    def reload(self) -> None:
        """Take it up."""
        self.loads += 1
        self.different = False
        if self.fault is not None:
            raise self.fault


def policy(refreshed: list[bool], fault: Exception | None = None) -> SettledPolicy:
    """An engine that notes how it is asked to refresh."""

    class Policy(SettledPolicy):
        async def refresh(self, *, anyway: bool = False) -> None:
            refreshed.append(anyway)
            if fault is not None:
                raise fault

    return object.__new__(Policy)


@asynccontextmanager
async def running(rereading: Rereading, seconds: float = NEVER) -> AsyncIterator[None]:
    """Let it watch."""
    task = asyncio.create_task(rereading.run(seconds))
    await asyncio.sleep(0)
    try:
        yield
    finally:
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - files have no events
            await asyncio.sleep(0.005)


def made(
    *files: File,
    log: EventLog | None = None,
    load: Callable[[], Settings] | None = None,
    engine: Any = None,
) -> Rereading:
    """It, with the settings of `settings()` in force."""
    settings = Settings(listen_port=0)
    return Rereading(files, engine or FakePolicyEngine([]), log or FakeEventLog(), settings, load)


async def test_a_changed_file_is_taken_up_and_no_other() -> None:
    """Every so many seconds."""
    same, other, refreshed = File(), File(different=True), list[bool]()
    async with running(made(same, other, engine=policy(refreshed)), 0.005):
        await until(lambda: len(refreshed) > 2)
    assert (same.loads, other.loads, set(refreshed)) == (0, 1, {False})


@dataclass
class FileInHalves(File):
    """A file that is written in two halves, with one look between them."""

    looks: int = 0

    def changed(self) -> tuple[object, ...]:
        """Half, then whole, until it is read."""
        self.looks += 1
        return (min(self.looks, 2),) if self.different else ()


async def test_a_file_is_taken_up_once_it_stands_still() -> None:
    """Not the half of it that the first look finds, and the whole only when a second agrees."""
    file = FileInHalves(different=True)
    async with running(made(file), 0.005):
        await until(lambda: file.loads == 1)
    assert file.looks >= 3


async def test_at_sighup_a_file_is_read_at_once() -> None:
    """Whoever sends it has written what is to be read."""
    file = FileInHalves(different=True)
    rereading = made(file)
    async with running(rereading):
        rereading.everything()
        await until(lambda: file.loads == 1)
    assert file.looks == 1


async def test_at_sighup_everything_is_read_again() -> None:
    """Changed or not, once."""
    file, refreshed, log = File(), list[bool](), FakeEventLog()
    rereading = made(file, engine=policy(refreshed), log=log)
    async with running(rereading):
        rereading.everything()
        await until(lambda: bool(log.faults))
        await asyncio.sleep(0.02)
    assert (file.loads, refreshed) == (1, [True])
    assert [line["message"] for line in log.faults] == ["everything was read again"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (PrincipalsError(Path("p"), ["bad"]), ("warning", "bad_file")),
        (SecretFileError("bad"), ("warning", "bad_file")),
        (OSError("bad"), ("warning", "bad_file")),
        (RuntimeError("a bug"), (None, None)),
    ],
    ids=["principals", "secret", "certificate", "bug"],
)
async def test_a_bad_file_ends_neither_the_watch_nor_that_of_others(
    fault: Exception, expected: tuple[str | None, str | None]
) -> None:
    """It is told; a bug with its stack."""
    bad, good, log = File(different=True, fault=fault), File(different=True), FakeEventLog()
    async with running(made(bad, good, log=log), 0.005):
        await until(lambda: good.loads == 1)
        bad.different = True
        await until(lambda: bad.loads == 2)
    told = [(line.get("level"), line.get("reason"), line["exception"]) for line in log.faults]
    assert told == [(*expected, type(fault).__name__)] * 2


async def test_a_bug_of_the_engine_ends_no_watch() -> None:
    """It is told."""
    file, refreshed, log = File(), list[bool](), FakeEventLog()
    engine = policy(refreshed, RuntimeError("a bug"))
    async with running(made(file, engine=engine, log=log), 0.005):
        await until(lambda: len(refreshed) > 1)
        file.different = True
        await until(lambda: file.loads == 1)
    assert {line["message"] for line in log.faults} == {"policy settings were not reloaded"}


async def test_the_log_level_is_taken_up_and_the_rest_waits_for_a_restart() -> None:
    """What waits is named; values are not."""
    stream = io.BytesIO()
    log = StructlogEventLog(fake_time.clock, stream=stream, level="warning")
    changed = Settings(listen_port=1, name="renamed", log_level="debug")
    rereading = made(log=log, load=lambda: changed)
    async with running(rereading):
        rereading.everything()
        await until(lambda: b"read again" in stream.getvalue())
    assert log.level == "debug"
    text = stream.getvalue().decode()
    assert '"settings":["listen_port","name"]' in text
    assert "renamed" not in text


async def test_bad_settings_change_nothing() -> None:
    """They are told, and the level stays."""

    def load() -> Settings:
        raise SettingsError("settings cannot be used: log_level")

    log = FakeEventLog()
    rereading = made(log=log, load=load)
    async with running(rereading):
        rereading.everything()
        await until(lambda: bool(log.faults))
    ((message, reason),) = [(line["message"], line["reason"]) for line in log.faults]
    assert (message, reason) == ("not reloaded", "bad_settings")
