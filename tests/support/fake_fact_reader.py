"""An optional fact that is answered as told."""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field

from gateway.core.policy.fact import Fact, FactUnknown, Subject
from gateway.core.ports import Principal


@dataclass(frozen=True, slots=True)
class FakeReading:
    """What was told; an exception is raised."""

    value: Mapping[str, object] | FactUnknown

    def members(self, _subject: Subject) -> Mapping[str, object]:
        """What was told."""
        if isinstance(self.value, FactUnknown):
            raise self.value
        return self.value


@dataclass(slots=True)
class FakeFactReader:
    """Says `value` until told otherwise, and remembers what it was asked.

    `fault` is raised while it is set; `pause` is awaited first.
    """

    value: Mapping[str, object] | FactUnknown = field(
        default_factory=lambda: {"/destination/delivery": {"allowed": True}}
    )
    fact: Fact = Fact.DELIVERY
    kept: bool = True
    fault: Exception | None = None
    pause: Callable[[], Awaitable[object]] | None = None
    asked: list[tuple[Subject, Principal]] = field(default_factory=list)

    def about(self, subject: Subject) -> Hashable | None:
        """The destination, where there is one."""
        return subject.destination or None

    async def read(self, subject: Subject, principal: Principal) -> FakeReading:
        """What was told."""
        self.asked.append((subject, principal))
        if self.pause is not None:
            await self.pause()
        if self.fault is not None:
            raise self.fault
        return FakeReading(self.value)
