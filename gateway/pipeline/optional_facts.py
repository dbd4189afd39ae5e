"""The optional facts of one question: side by side, remembered, and none of them waited for long.

Whatever goes wrong makes a fact unknown and nothing else: each rule says in the catalogue what it
answers then.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.core.errors import CredentialsUnavailable, FactsUnavailable
from gateway.core.policy.fact import NEED_SOURCE_ACCOUNT, Fact, FactUnknown, LookedUp, Subject
from gateway.core.ports import BucketFacts, FactReader, Principal, Reading, Stopwatch

#: Most look-ups at the same time, of all requests together; others wait, within their deadline.
_MOST: Final = 32


class _Key(NamedTuple):
    """What an answer depends on: two roles may see the same bucket differently."""

    fact: Fact
    about: Hashable
    role_arn: str | None


@dataclass(frozen=True, slots=True)
class _Held:
    """An answer, or why there is none, and when it was asked for."""

    reading: Reading | None
    unknown: str
    since: float


class OptionalFacts:
    """Looks up the facts that the settings name. Ended by `close`.

    Args:
        readers: one for each of the facts.
        buckets: confirms whose the source is, where a fact depends on it.
        stopwatch: seconds, for ages.
        ttl: seconds that an answer is kept.
        negative_ttl: seconds that it is remembered that there was none.
        deadline: seconds that one look-up may take.
        capacity: how many answers are kept.
    """

    def __init__(
        self,
        readers: Sequence[FactReader],
        buckets: BucketFacts,
        stopwatch: Stopwatch,
        *,
        ttl: float = 300.0,
        negative_ttl: float = 10.0,
        deadline: float = 2.0,
        capacity: int = 10_000,
    ) -> None:
        self._readers = tuple(readers)
        self._needs_source_account = any(item.fact in NEED_SOURCE_ACCOUNT for item in readers)
        self._buckets = buckets
        self._stopwatch = stopwatch
        self._ttl = ttl
        self._negative_ttl = negative_ttl
        self._deadline = deadline
        self._capacity = capacity
        self._room = asyncio.Semaphore(_MOST)
        self._held: OrderedDict[_Key, _Held] = OrderedDict()
        self._under_way: dict[_Key, asyncio.Task[_Held]] = {}

    @property
    def wanted(self) -> bool:
        """Whether the settings name any."""
        return bool(self._readers)

    @property
    def need_source_account(self) -> bool:
        """Whether one of the facts depends on whose the source is."""
        return self._needs_source_account

    async def close(self) -> None:
        """Stop look-ups under way."""
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def find_owner(self, bucket: str, principal: Principal, guesses: Sequence[str]) -> str:
        """The first of these accounts that S3 confirms as the bucket's owner; empty for none.

        S3 tells nobody who owns a bucket, but it checks a guess.
        """
        for guess in dict.fromkeys(guesses):
            try:
                fact = await self._buckets.look_up(bucket, principal, expected_owner=guess)
            except (FactsUnavailable, CredentialsUnavailable):
                return ""
            if fact.owner_verified:
                return guess
        return ""

    async def look_up(self, subject: Subject, principal: Principal) -> tuple[LookedUp, ...]:
        """What is known about the subject. It never raises."""
        asked = [
            (reader, _Key(reader.fact, about, principal.role_arn))
            for reader in self._readers
            if (about := reader.about(subject)) is not None
        ]
        held = [self._recall(key) if reader.kept else None for reader, key in asked]
        missing = [
            self._share(key, reader, subject, principal)
            if reader.kept
            else self._ask(reader, subject, principal)
            for (reader, key), known in zip(asked, held, strict=True)
            if known is None
        ]
        # What is known takes no turn of the event loop.
        answers = iter(await asyncio.gather(*missing) if missing else ())
        found = [known or next(answers) for known in held]
        return tuple(
            self._looked_up(reader.fact, answer, subject)
            for (reader, _), answer in zip(asked, found, strict=True)
        )

    def _looked_up(self, fact: Fact, held: _Held, subject: Subject) -> LookedUp:
        if held.reading is None:
            return LookedUp(fact, unknown=held.unknown)
        try:
            members = held.reading.members(subject)
        except FactUnknown as fault:
            return LookedUp(fact, unknown=fault.reason)
        return LookedUp(fact, members, int(self._stopwatch() - held.since))

    def _recall(self, key: _Key) -> _Held | None:
        held = self._held.get(key)
        if held is None:
            return None
        ttl = self._negative_ttl if held.reading is None else self._ttl
        if self._stopwatch() - held.since >= ttl:
            del self._held[key]
            return None
        self._held.move_to_end(key)
        return held

    async def _share(
        self, key: _Key, reader: FactReader, subject: Subject, principal: Principal
    ) -> _Held:
        task = self._under_way.get(key)
        if task is None:
            # Owned here: `close` awaits it. It outlives a caller that goes away.
            task = asyncio.get_running_loop().create_task(self._ask(reader, subject, principal))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._finished(key, done))
        return await asyncio.shield(task)

    def _finished(self, key: _Key, task: asyncio.Task[_Held]) -> None:
        del self._under_way[key]
        if task.cancelled() or task.exception() is not None:
            return
        self._held[key] = task.result()
        if len(self._held) > self._capacity:
            self._held.popitem(last=False)

    async def _ask(self, reader: FactReader, subject: Subject, principal: Principal) -> _Held:
        since = self._stopwatch()
        try:
            async with asyncio.timeout(self._deadline), self._room:
                return _Held(await reader.read(subject, principal), "", since)
        except TimeoutError:
            return _Held(None, "timeout", since)
        except CredentialsUnavailable:
            return _Held(None, "credentials", since)
        except FactUnknown as fault:
            return _Held(None, fault.reason, since)
