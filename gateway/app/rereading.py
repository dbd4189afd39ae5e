"""What is taken up without a restart: changed files by themselves, and everything at SIGHUP."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.adapters.decision_log import StructlogEventLog
from gateway.adapters.principals_file import PrincipalsError
from gateway.adapters.secret_file import SecretFileError
from gateway.app.policy import SettledPolicy
from gateway.app.settings import Settings, SettingsError
from gateway.app.settling import Settling
from gateway.core.ports import EventLog, PolicyEngine

#: Settings that are taken up at run time; of the others a change needs a restart.
_AT_RUN_TIME = frozenset({"log_level"})


class Followed(Protocol):
    """A file that is taken up when it changes."""

    def changed(self) -> tuple[object, ...]:
        """What it looks like; empty where that is what was last tried."""
        ...

    def reload(self) -> None:
        """Take it up; what was loaded stays where that fails."""
        ...


class Rereading:
    """Follows files; `everything` has all of them read again, changed or not.

    A changed file is read once it stands still, see `Settling`; when everything is, at once. A bad
    file is reported, and what was loaded stays. A bug with one file is reported as well, and
    ends the watch of no other.

    Args:
        files: to follow.
        engine: follows its settings itself.
        log: hears of what could not be taken up; its level is taken up, too.
        settings: in force.
        load: reads the settings again; None where they are in no file.
    """

    def __init__(
        self,
        files: Sequence[Followed],
        engine: PolicyEngine,
        log: EventLog,
        settings: Settings,
        load: Callable[[], Settings] | None,
    ) -> None:
        self._files = [(file, Settling(file.changed)) for file in files]
        self._engine = engine
        self._log = log
        self._settings = settings
        self._load = load
        self._wanted = asyncio.Event()

    def everything(self) -> None:
        """Read everything again, soon: for a signal handler."""
        self._wanted.set()

    async def run(self, seconds: float) -> None:
        """Look every so many seconds, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wanted.wait()
            anyway = self._wanted.is_set()
            self._wanted.clear()
            for file, settling in self._files:
                self._follow(file, settling, anyway=anyway)
            try:
                if isinstance(self._engine, SettledPolicy):  # an OPA server follows its own data
                    await self._engine.refresh(anyway=anyway)
            except Exception:  # noqa: BLE001 - a bug must not end the watch
                self._log.fault("policy settings were not reloaded")
            if anyway:
                self._take_up_settings()

    def _follow(self, file: Followed, settling: Settling, *, anyway: bool) -> None:
        try:
            if settling.settled() or anyway:
                file.reload()
        except (PrincipalsError, SecretFileError, OSError) as fault:
            self._not_reloaded("bad_file", str(fault))
        except Exception:  # noqa: BLE001 - a bug with one file must not end the watch of all
            self._log.fault("not reloaded")

    def _take_up_settings(self) -> None:
        """Take up what can be; name what cannot."""
        if self._load is not None:
            try:
                settings = self._load()
            except SettingsError as fault:
                self._not_reloaded("bad_settings", str(fault))
                return
            before, after = self._settings.model_dump(), settings.model_dump()
            waiting = sorted(name for name in before if before[name] != after[name])
            waiting = [name for name in waiting if name not in _AT_RUN_TIME]
            if waiting:
                self._log.fault("settings wait for a restart", level="warning", settings=waiting)
            if isinstance(self._log, StructlogEventLog):
                self._log.level = settings.log_level
        self._log.fault("everything was read again", level="info")

    def _not_reloaded(self, reason: str, detail: str) -> None:
        self._log.fault("not reloaded", level="warning", reason=reason, detail=detail)
