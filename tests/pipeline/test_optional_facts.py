"""Optional facts: remembered, shared, and unknown rather than a fault."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.core.errors import CredentialsUnavailable, DependencyUnavailable, FactsUnavailable
from gateway.core.policy.fact import Fact, FactUnknown, LookedUp, Subject
from gateway.core.ports import Principal
from gateway.core.s3.operations import DEFAULT_GROUPS
from gateway.pipeline.optional_facts import OptionalFacts
from tests.support.fake_fact_reader import FakeFactReader
from tests.support.fakes import FakeBucketFacts

ACCOUNT, STRANGER = "111122223333", "999988887777"
PRINCIPAL = Principal("team", ("*",), DEFAULT_GROUPS)
READER = replace(PRINCIPAL, name="reader", role_arn="arn:aws:iam::111122223333:role/reader")
SUBJECT = Subject("acme-orders", "eu-central-1", "daily", destination="acme-inventory")
ALLOWED = {"/destination/delivery": {"allowed": True}}


class Seconds:
    """A stopwatch, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Read it."""
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    """Time."""
    return Seconds()


@pytest.fixture
def reader() -> FakeFactReader:
    """One fact."""
    return FakeFactReader()


@pytest.fixture
async def connect(seconds: Seconds) -> AsyncIterator[Callable[..., OptionalFacts]]:
    """Facts over readers; closed at the end."""
    made: list[OptionalFacts] = []

    def facts(*readers: FakeFactReader, **options: Any) -> OptionalFacts:
        buckets = FakeBucketFacts({"acme-orders": "eu-central-1"}, {"acme-orders": ACCOUNT})
        made.append(OptionalFacts(readers, options.pop("buckets", buckets), seconds, **options))
        return made[-1]

    yield facts
    for facts_made in made:
        await facts_made.close()


async def test_nothing_is_looked_up_when_no_fact_is_switched_on(connect):
    """The default."""
    facts = connect()
    assert await facts.look_up(SUBJECT, PRINCIPAL) == ()
    assert not facts.need_source_account


async def test_facts_are_looked_up_side_by_side(connect):
    """All are asked before any has answered."""
    meeting = asyncio.Barrier(2)
    readers = [FakeFactReader(pause=meeting.wait) for _ in range(2)]
    readers[1].kept = False
    found = await connect(*readers, deadline=60).look_up(SUBJECT, PRINCIPAL)
    assert found == (LookedUp(Fact.DELIVERY, ALLOWED), LookedUp(Fact.DELIVERY, ALLOWED))


async def test_nobody_is_asked_when_there_is_nothing_to_ask_about(connect, reader: FakeFactReader):
    """A removal has no destination."""
    assert await connect(reader).look_up(replace(SUBJECT, destination=""), PRINCIPAL) == ()
    assert reader.asked == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param(FactUnknown("denied"), "denied", id="denied"),
        pytest.param(CredentialsUnavailable("credentials_none"), "credentials", id="credentials"),
    ],
)
async def test_what_cannot_be_had_is_unknown_for_a_while(
    connect, reader: FakeFactReader, seconds: Seconds, fault: Exception, reason: str
):
    """It is asked for again soon, but not by every request."""
    reader.fault = fault
    facts = connect(reader)
    for _ in range(3):
        assert await facts.look_up(SUBJECT, PRINCIPAL) == (LookedUp(Fact.DELIVERY, unknown=reason),)
    assert len(reader.asked) == 1
    reader.fault = None
    seconds.now += 10
    assert await facts.look_up(SUBJECT, PRINCIPAL) == (LookedUp(Fact.DELIVERY, ALLOWED),)


async def test_what_does_not_come_in_time_is_unknown(connect, reader: FakeFactReader):
    """A slow service costs its deadline once, and is no fault."""
    reader.pause = asyncio.Event().wait
    facts = connect(reader, deadline=0.01)
    for _ in range(2):
        [found] = await facts.look_up(SUBJECT, PRINCIPAL)
        assert found.unknown == "timeout"
    assert len(reader.asked) == 1


async def test_what_the_answer_does_not_say_is_unknown(connect, reader: FakeFactReader):
    """The answer itself is kept: another subject may get more out of it."""
    reader.value = FactUnknown("undecided")
    facts = connect(reader)
    for _ in range(2):
        [found] = await facts.look_up(SUBJECT, PRINCIPAL)
        assert found == LookedUp(Fact.DELIVERY, unknown="undecided")
    assert len(reader.asked) == 1


async def test_answer_is_kept_for_its_time_and_tells_its_age(
    connect, reader: FakeFactReader, seconds: Seconds
):
    """As the facts of buckets are."""
    facts = connect(reader)
    await facts.look_up(SUBJECT, PRINCIPAL)
    seconds.now += 299.5
    [aged] = await facts.look_up(SUBJECT, PRINCIPAL)
    assert (aged.age_seconds, len(reader.asked)) == (299, 1)
    seconds.now += 0.5
    [fresh] = await facts.look_up(SUBJECT, PRINCIPAL)
    assert (fresh.age_seconds, len(reader.asked)) == (0, 2)


async def test_answer_that_must_be_fresh_is_neither_kept_nor_shared(
    connect, reader: FakeFactReader
):
    """What another request has just written must be seen."""
    reader.kept = False
    meeting = asyncio.Barrier(2)
    reader.pause = meeting.wait
    facts = connect(reader, deadline=60)
    for _ in range(2):
        await asyncio.gather(*(facts.look_up(SUBJECT, PRINCIPAL) for _ in range(2)))
    assert len(reader.asked) == 4


async def test_answers_are_kept_per_role_and_subject(connect, reader: FakeFactReader):
    """What one role may read says nothing about another."""
    facts = connect(reader)
    for principal in (PRINCIPAL, READER, replace(PRINCIPAL, name="other")):
        for destination in ("acme-inventory", "acme-reports"):
            await facts.look_up(replace(SUBJECT, destination=destination), principal)
    assert len(reader.asked) == 4


async def test_least_recently_used_answer_makes_room(connect, reader: FakeFactReader):
    """Memory is bounded."""
    facts = connect(reader, capacity=2)
    for destination in ("one", "two", "one", "three", "one", "two"):
        await facts.look_up(replace(SUBJECT, destination=destination), PRINCIPAL)
    assert [subject.destination for subject, _ in reader.asked] == ["one", "two", "three", "two"]


async def test_waiters_share_a_look_up_and_survive_each_other(connect, reader: FakeFactReader):
    """Single flight: the one that began may go away."""
    started, go = asyncio.Event(), asyncio.Event()

    async def pause() -> None:
        started.set()
        await go.wait()

    reader.pause = pause
    facts = connect(reader, deadline=60)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(facts.look_up(SUBJECT, PRINCIPAL)) for _ in range(20)]
        await started.wait()
        tasks[0].cancel()
        await asyncio.sleep(0)
        go.set()
    assert all(task.result() == (LookedUp(Fact.DELIVERY, ALLOWED),) for task in tasks[1:])
    assert len(reader.asked) == 1


async def test_look_ups_at_the_same_time_are_bounded(connect, reader: FakeFactReader):
    """The others wait, each within its deadline."""
    go = asyncio.Event()
    reader.pause = go.wait
    facts = connect(reader, deadline=60)
    subjects = [replace(SUBJECT, destination=f"bucket-{number}") for number in range(40)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(facts.look_up(subject, PRINCIPAL)) for subject in subjects]
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(reader.asked) == 32
        go.set()
    assert all(task.result()[0].members for task in tasks)


async def test_bug_in_a_reader_is_not_hidden(connect, reader: FakeFactReader):
    """Nor is it remembered."""
    reader.fault = ZeroDivisionError()
    facts = connect(reader)
    with pytest.raises(ZeroDivisionError):
        await facts.look_up(SUBJECT, PRINCIPAL)
    reader.fault = None
    assert await facts.look_up(SUBJECT, PRINCIPAL) == (LookedUp(Fact.DELIVERY, ALLOWED),)


async def test_close_ends_what_is_under_way(connect, reader: FakeFactReader):
    """Nobody waits for ever."""
    started = asyncio.Event()

    async def pause() -> None:
        started.set()
        await asyncio.Event().wait()

    reader.pause = pause
    facts = connect(reader, deadline=60)
    waiting = asyncio.gather(facts.look_up(SUBJECT, PRINCIPAL), return_exceptions=True)
    await started.wait()
    await facts.close()
    [answer] = await waiting
    assert isinstance(answer, asyncio.CancelledError)


@pytest.mark.parametrize(
    ("guesses", "owner", "asked"),
    [
        pytest.param([], "", [], id="nobody-to-ask-about"),
        pytest.param([STRANGER, ACCOUNT, "1" * 12], ACCOUNT, [STRANGER, ACCOUNT], id="second"),
        pytest.param([STRANGER, STRANGER], "", [STRANGER], id="none-of-them"),
    ],
)
async def test_owner_is_confirmed_by_s3(
    connect, reader: FakeFactReader, guesses: list[str], owner: str, asked: list[str]
):
    """One question for each account, until one is confirmed."""
    buckets = FakeBucketFacts({"acme-orders": "eu-central-1"}, {"acme-orders": ACCOUNT})
    facts = connect(reader, buckets=buckets)
    assert facts.need_source_account
    assert await facts.find_owner("acme-orders", PRINCIPAL, guesses) == owner
    assert [guess for _, _, guess in buckets.asked] == asked


@pytest.mark.parametrize(
    "fault", [FactsUnavailable("facts_timeout"), CredentialsUnavailable("credentials_none")]
)
async def test_owner_is_unknown_when_s3_gives_no_answer(
    connect, reader: FakeFactReader, fault: DependencyUnavailable
):
    """The Region was known a moment ago: this alone refuses nothing."""
    buckets = FakeBucketFacts({"acme-orders": "eu-central-1"})
    buckets.fault = fault
    assert await connect(reader, buckets=buckets).find_owner("b", PRINCIPAL, [ACCOUNT]) == ""
