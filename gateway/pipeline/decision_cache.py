"""The decision cache: for a short while, the answer to a question that was just asked is known.

What is kept are answers, and no decisions: whoever asks gets an id, a record and an outcome of
their own, and the answer is read as strictly as a new one.

Two questions are the same where everything in them is, but the id of the request, the ages of the
facts, and the time within a span in which no exemption ends and no freeze begins. That this makes
no difference to its rules is what a bundle promises; without the promise nothing is kept.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from gateway.core.errors import PolicyUnavailable
from gateway.core.policy.decision import interpret
from gateway.core.policy.version import PolicyVersion
from gateway.core.ports import CACHE_HIT, PolicyAnswer, PolicyEngine, Stopwatch

_MOST_ENTRIES: Final = 128
#: Of a question: one that lists a thousand inventories is not worth its room.
_MOST_CHARACTERS: Final = 16 * 1024
#: The members that the promise is about; the time is another matter.
_UNREAD: Final = (
    ("request", "id"),
    ("source", "facts_age_seconds"),
    ("destination", "facts_age_seconds"),
)

Key = tuple[int, str]


class VersionedPolicy(PolicyEngine, Protocol):
    """A policy engine that says which version answers now."""

    @property
    def version(self) -> PolicyVersion:
        """The version in force; another object once rules or settings were loaded anew."""
        ...


@dataclass(frozen=True, slots=True)
class _Entry:
    """An answer, and until when it is known, by the stopwatch."""

    answer: PolicyAnswer
    ends: float


class CachedPolicyEngine:
    """A policy engine that does not think twice.

    Args:
        policy: answers what is not known.
        stopwatch: for how long answers are known.
        seconds: that an answer is known.
    """

    def __init__(self, policy: VersionedPolicy, stopwatch: Stopwatch, *, seconds: float) -> None:
        self._policy = policy
        self._stopwatch = stopwatch
        self._seconds = seconds
        self._version: PolicyVersion | None = None
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()

    @property
    def name(self) -> str:
        """Of the engine."""
        return self._policy.name

    @property
    def revision(self) -> str:
        """Of the bundle."""
        return self._policy.revision

    async def evaluate(self, document: Mapping[str, object]) -> PolicyAnswer:
        """The known answer, with a mark in its metrics, or a new one.

        Raises:
            PolicyUnavailable: there is no answer; that is never known beforehand.
        """
        version = self._policy.version
        if version is not self._version:
            self._version = version
            self._entries.clear()
        key = question_key(document, version)
        known = None if key is None else self._known(key)
        if known is not None:
            return replace(known, metrics={CACHE_HIT: 1})
        answer = await self._policy.evaluate(document)
        # Under other rules or settings by now, nobody can say which of them gave it.
        if key is not None and self._policy.version is version and _counts(answer, document):
            self._keep(key, answer)
        return answer

    def _known(self, key: Key) -> PolicyAnswer | None:
        entry = self._entries.get(key)
        if entry is None or entry.ends <= self._stopwatch():
            return None
        self._entries.move_to_end(key)
        return entry.answer

    def _keep(self, key: Key, answer: PolicyAnswer) -> None:
        self._entries[key] = _Entry(answer, self._stopwatch() + self._seconds)
        self._entries.move_to_end(key)
        if len(self._entries) > _MOST_ENTRIES:
            self._entries.popitem(last=False)


def question_key(document: Mapping[str, object], version: PolicyVersion) -> Key | None:
    """What questions with the same answer have in common; None where the answer is not to be kept.

    Args:
        document: the question.
        version: that is to answer it; keys mean nothing to another.
    """
    environment = document.get("environment")
    if not version.repeats or not isinstance(environment, Mapping):
        return None
    time_ns = environment.get("time_ns")
    if type(time_ns) is not int:
        return None
    reduced = {**document, "environment": {**environment, "time_ns": 0}}
    for section, member in _UNREAD:
        found = reduced.get(section)
        if isinstance(found, Mapping):
            reduced[section] = {name: found[name] for name in found if name != member}
    try:
        text = json.dumps(reduced, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None  # what JSON cannot carry is no question
    return (version.span(time_ns), text) if len(text) <= _MOST_CHARACTERS else None


def _counts(answer: PolicyAnswer, document: Mapping[str, object]) -> bool:
    try:
        interpret(answer.value, answer.catalog, document)
    except PolicyUnavailable:
        return False
    return True
