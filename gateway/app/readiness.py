"""Whether this gateway should be sent traffic: named checks, bounded in time, and remembered."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from gateway.core.errors import DependencyUnavailable, UpstreamUnavailable
from gateway.core.ports import EventLog, Stopwatch

#: Says in a few words what is well; raises what is not.
Check = Callable[[], Awaitable[str]]
#: What an operator should see beside the checks, JSON-ready.
Facts = Callable[[], Mapping[str, object]]


class State(Enum):
    """Where the gateway stands in its life."""

    STARTING = "starting"
    SERVING = "serving"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found."""

    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to a readiness probe.

    Args:
        state: see `State`.
        results: of the checks, by name; none but while serving.
        facts: further detail.
    """

    state: State
    results: Mapping[str, Result] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether to send traffic."""
        return self.state is State.SERVING and all(
            result.passed for result in self.results.values()
        )

    def summary(self) -> dict[str, object]:
        """What anybody may know."""
        return {"ready": self.ready, "state": self.state.value}

    def detail(self) -> dict[str, object]:
        """What an operator sees."""
        checks = {
            name: {"ok": result.passed, "detail": result.detail}
            for name, result in self.results.items()
        }
        return {**self.summary(), "checks": checks, **self.facts}


class Readiness:
    """Runs the checks, all at the same time; one run serves everybody who asks within `keep`.

    Args:
        log: hears of each change, and of checks that break.
        stopwatch: for the age of what is remembered.
        seconds: the longest that a check may take.
        keep: seconds that a result is remembered.
    """

    def __init__(
        self, log: EventLog, stopwatch: Stopwatch, *, seconds: float = 2.0, keep: float = 2.0
    ) -> None:
        self._log = log
        self._stopwatch = stopwatch
        self._seconds = seconds
        self._keep = keep
        self._state = State.STARTING
        self._checks: Mapping[str, Check] = {}
        self._facts: Facts = dict
        self._results: Mapping[str, Result] = {}
        self._good_until = stopwatch()
        self._running = asyncio.Lock()

    def serve(self, checks: Mapping[str, Check], facts: Facts = dict) -> None:
        """The gateway takes requests from now on."""
        self._checks, self._facts, self._state = checks, facts, State.SERVING

    def stop(self) -> None:
        """The gateway ends: it is not ready any more, whatever the checks would say."""
        self._state = State.STOPPING

    async def report(self) -> Report:
        """Whether to send traffic, and why not."""
        if self._state is State.SERVING:
            async with self._running:
                if self._stopwatch() >= self._good_until:
                    await self._run()
        if self._state is not State.SERVING:  # it may have changed meanwhile
            return Report(self._state)
        return Report(self._state, self._results, self._facts())

    async def _run(self) -> None:
        found = await asyncio.gather(
            *(self._check(name, check) for name, check in self._checks.items())
        )
        results = dict(zip(self._checks, found, strict=True))
        for name, result in results.items():
            before = self._results.get(name)
            if result.passed != (before is None or before.passed):
                self._log.fault(
                    "a readiness check passes again" if result.passed else "not ready",
                    level="info" if result.passed else "warning",
                    check=name,
                    detail=result.detail,
                )
        self._results = results
        self._good_until = self._stopwatch() + self._keep

    async def _check(self, name: str, check: Check) -> Result:
        try:
            async with asyncio.timeout(self._seconds):
                return Result(passed=True, detail=await check())
        except (DependencyUnavailable, UpstreamUnavailable) as fault:
            detail = f"{fault.reason}: {fault.detail}" if fault.detail else fault.reason
            return Result(passed=False, detail=detail)
        except TimeoutError:
            return Result(passed=False, detail=f"no answer within {self._seconds:g} s")
        except Exception:  # noqa: BLE001 - a check that breaks is no reason to say "ready"
            self._log.fault("a readiness check broke", check=name)
            return Result(passed=False, detail="the check broke; the log says how")
