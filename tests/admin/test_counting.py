"""Counts, remembered for a moment."""

import asyncio

from gateway.admin.counting import Counting
from gateway.admin.overview import SPANS
from tests.support.decisions import NOW, FakeReader, entry


class Watch:
    """A stopwatch that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        """Now."""
        return self.seconds


async def test_counts_are_those_up_to_now() -> None:
    """With the timings of the last decisions."""
    reader = FakeReader([entry()])
    counted = await Counting(lambda: NOW, Watch()).of(SPANS[0], reader)
    assert counted.now == NOW
    assert counted.since == SPANS[0].since(NOW)
    assert sum(counted.counts.hours.values()) == 1
    assert len(counted.timings) == 1


async def test_counts_are_remembered_for_seconds() -> None:
    """By span; who reloads does not have it all counted again."""
    reader, watch = FakeReader(), Watch()
    counting = Counting(lambda: NOW, watch)
    await counting.of(SPANS[0], reader)
    watch.seconds += 4
    await counting.of(SPANS[0], reader)
    assert reader.counted == 1
    await counting.of(SPANS[1], reader)
    watch.seconds += 2
    await counting.of(SPANS[0], reader)
    assert reader.counted == 3


async def test_who_comes_together_counts_once() -> None:
    """A crowd is no load."""
    reader, counting = FakeReader(), Counting(lambda: NOW, Watch())
    await asyncio.gather(*(counting.of(SPANS[2], reader) for _ in range(20)))
    assert reader.counted == 1


async def test_slow_counts_are_remembered_for_longer() -> None:
    """Counting is never most of what the journal does."""
    watch = Watch()

    class SlowReader(FakeReader):
        async def counts(self, since, until):
            watch.seconds += 2.0
            return await super().counts(since, until)

    reader, counting = SlowReader(), Counting(lambda: NOW, watch)
    await counting.of(SPANS[0], reader)
    watch.seconds += 19
    await counting.of(SPANS[0], reader)
    assert reader.counted == 1
    watch.seconds += 2
    await counting.of(SPANS[0], reader)
    assert reader.counted == 2
