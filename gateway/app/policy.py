"""The policy engine in force: the rules of the bundle under the organisation's settings of now."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from gateway.adapters.opa_wasm import PolicyBundle, PolicyBundleError, WasmPolicyEngine
from gateway.adapters.org_settings_file import OrgSettings, OrgSettingsError, OrgSettingsFile
from gateway.app.self_test import SelfTestError, self_test, settings_test
from gateway.app.settings import Settings
from gateway.app.settling import Settling
from gateway.core.errors import PolicyUnavailable
from gateway.core.policy.exemption import Exemption, State
from gateway.core.policy.version import PolicyVersion
from gateway.core.ports import Clock, EventLog, PolicyAnswer

#: How often the log names the exemptions that end soon, or have ended.
_REMINDER: Final = timedelta(days=1)

Make = Callable[[Mapping[str, object] | None], WasmPolicyEngine]
#: Of these rules: the version under these settings; None for those of the bundle.
Versions = Callable[[OrgSettings | None], PolicyVersion]


class SettledPolicy:
    """A policy engine that follows a settings file; made by `open`.

    An engine is made anew for every version of the settings, tested, and put in the place of the
    old one at once: a decision is made under one version or the other, never under both.

    Args:
        bundle: the rules.
        engine: the one in force.
        file: the organisation's settings; None where there are none.
        settings: what it says; None likewise.
        make: makes an engine for `data.org`, in a thread.
        versions: names what such an engine answers by.
        clock: the wall clock, aware.
        log: hears of new settings, of bad ones, and of exemptions that end.
    """

    def __init__(
        self,
        bundle: PolicyBundle,
        engine: WasmPolicyEngine,
        file: OrgSettingsFile | None,
        settings: OrgSettings | None,
        make: Make,
        versions: Versions,
        clock: Clock,
        log: EventLog,
    ) -> None:
        self._bundle = bundle
        self._engine = engine
        self._file = file
        self._settling = None if file is None else Settling(file.changed)
        self._settings = settings
        self._make = make
        self._versions = versions
        self._version = versions(settings)
        self._clock = clock
        self._log = log
        self._next_reminder: datetime | None = None
        self._problem = ""

    @classmethod
    async def open(cls, settings: Settings, clock: Clock, log: EventLog) -> Self:
        """Make and test an engine without settings; then, where there are some, one under them.

        Raises:
            OrgSettingsError, PolicyBundleError, SelfTestError, PolicyUnavailable: there is none.
        """
        bundle = await asyncio.to_thread(_bundle, settings.policy_bundle)

        def make(org: Mapping[str, object] | None) -> WasmPolicyEngine:
            return WasmPolicyEngine(
                bundle,
                org=org,
                threads=settings.policy_threads,
                timeout=settings.policy_timeout_seconds,
            )

        def versions(org: OrgSettings | None) -> PolicyVersion:
            return PolicyVersion.of(
                bundle.revision,
                bundle.data.get("org", {}) if org is None else org.data,
                settings_revision="" if org is None else org.revision,
                repeats=bundle.repeats,
            )

        try:
            engine = await asyncio.to_thread(make, None)
        except PolicyBundleError as fault:
            place = settings.policy_bundle or "the bundle that ships"
            raise PolicyBundleError(f"{place}: {fault}") from fault
        policy = cls(bundle, engine, None, None, make, versions, clock, log)
        try:
            await self_test(policy._engine)
            if settings.policy_settings is not None:
                policy._file = OrgSettingsFile(settings.policy_settings, bundle.catalog)
                policy._settling = Settling(policy._file.changed)
                await policy._load()
        except BaseException:
            await policy.close()
            raise
        return policy

    @property
    def name(self) -> str:
        """Of the engine."""
        return self._engine.name

    @property
    def revision(self) -> str:
        """Of the bundle."""
        return self._engine.revision

    @property
    def version(self) -> PolicyVersion:
        """Of rules and settings together."""
        return self._version

    @property
    def settings_revision(self) -> str:
        """Of the settings in force; empty where there are none."""
        return "" if self._settings is None else self._settings.revision

    @property
    def problem(self) -> str:
        """Why the settings in force are not those of the file; empty where they are."""
        return self._problem

    @property
    def entries(self) -> Mapping[str, Any]:
        """The catalogue of the rules, raw."""
        return self._bundle.catalog

    @property
    def org(self) -> Mapping[str, Any]:
        """`data.org` in force."""
        shipped: Mapping[str, Any] = self._bundle.data["org"]
        return shipped if self._settings is None else self._settings.data

    @property
    def all_exemptions(self) -> Sequence[Exemption]:
        """Those that have ended, too."""
        return () if self._settings is None else self._settings.exemptions

    def exemptions(self) -> list[tuple[Exemption, State]]:
        """Those that need a word: they end within days, or have ended."""
        if self._settings is None:
            return []
        now = self._clock()
        found = [(exemption, exemption.state(now)) for exemption in self._settings.exemptions]
        return [item for item in found if item[1] is not State.RUNNING]

    async def evaluate(self, document: Mapping[str, object]) -> PolicyAnswer:
        """Ask the engine in force; one that is replaced meanwhile still answers.

        Raises:
            PolicyUnavailable: there is no answer.
        """
        return await self._engine.evaluate(document)

    async def refresh(self, *, anyway: bool = False) -> None:
        """Take up a changed file once it stands still, see `Settling`.

        A bad one is reported once, and the old settings stay.

        Args:
            anyway: read it at once, whether or not it has changed.
        """
        if self._settling is not None and (self._settling.settled() or anyway):
            try:
                await self._load()
            except (OrgSettingsError, PolicyBundleError, SelfTestError) as fault:
                self._refused(str(fault))
            except PolicyUnavailable as fault:
                self._refused(f"{fault.reason}: {fault.detail}")
        self._remind()

    async def close(self) -> None:
        """Let the evaluations under way end."""
        await self._engine.close()

    async def _load(self) -> None:
        assert self._file is not None  # noqa: S101 - narrows the type
        settings = await asyncio.to_thread(self._file.read)
        engine = await asyncio.to_thread(self._make, settings.data)
        try:
            await settings_test(engine, settings.revision)
        except BaseException:
            await engine.close()
            raise
        old, self._engine, self._version = self._engine, engine, self._versions(settings)
        self._settings, self._problem, self._next_reminder = settings, "", None
        self._log.fault("policy settings are in force", level="info", revision=settings.revision)
        await old.close()

    def _refused(self, problem: str) -> None:
        self._problem = problem
        self._log.fault(
            "policy settings were not reloaded",
            level="warning",
            reason="bad_policy_settings",
            detail=problem,
            in_force=self.settings_revision,
        )

    def _remind(self) -> None:
        """Name the exemptions that end soon, or have ended: after a load, and then every day."""
        now = self._clock()
        if self._settings is None or (self._next_reminder and now < self._next_reminder):
            return
        self._next_reminder = now + _REMINDER
        for exemption, state in self.exemptions():
            self._log.fault(
                f"an exemption is {state.value}",
                level="warning",
                exemption=exemption.id,
                rules=exemption.rules,
                ticket=exemption.ticket,
                approved_by=exemption.approved_by,
                expires=exemption.expires,
            )


def _bundle(path: Path | None) -> PolicyBundle:
    return PolicyBundle.shipped() if path is None else PolicyBundle.load(path)
