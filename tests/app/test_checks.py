"""What readiness rests on, each part broken once."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.adapters.credentials_aws import StaticUpstreamCredentials
from gateway.app.checks import checks, facts
from gateway.app.policy import SettledPolicy
from gateway.core.errors import (
    CredentialsUnavailable,
    JournalUnavailable,
    PolicyUnavailable,
    UpstreamUnavailable,
)
from gateway.core.policy.exemption import Exemption, State
from tests.support.fake_policy_engine import FakePolicyEngine
from tests.support.site import UPSTREAM


class Part:
    """Stands for any of the parts: well, or not.

    Args:
        fault: raised by whatever is asked of it.
    """

    def __init__(self, fault: Exception | None = None) -> None:
        self._fault = fault

    async def check(self) -> None:
        """As a journal."""
        if self._fault is not None:
            raise self._fault

    async def reach(self, url: str) -> None:
        """As the upstream."""
        assert url == "https://s3"
        await self.check()

    async def for_principal(self, principal: object) -> None:
        """As the credentials."""
        assert principal is not None
        await self.check()


class Clients:
    """Knows one access key id."""

    def __init__(self, access_key_id: str) -> None:
        self._access_key_id = access_key_id

    def find(self, access_key_id: str) -> object | None:
        """As the store of keys."""
        return self if access_key_id == self._access_key_id else None


def made(**parts: Any) -> Any:
    """The checks of a gateway that is well, but for these parts."""
    sound: dict[str, Any] = {
        "engine": FakePolicyEngine([]),
        "journal": Part(),
        "credentials": StaticUpstreamCredentials(UPSTREAM),
        "clients": Clients("GWSOMEBODY"),
        "upstream": Part(),
    }
    return checks(**(sound | parts), url="https://s3")


async def test_a_sound_gateway_passes_them_all() -> None:
    """And says what was seen."""
    details = {name: await check() for name, check in made().items()}
    assert sorted(details) == ["credentials", "journal", "policy", "upstream"]
    assert details["policy"].startswith("fake, revision ")
    assert details["upstream"] == "https://s3 takes connections"


@pytest.mark.parametrize(
    ("name", "part", "fault"),
    [
        ("policy", "engine", PolicyUnavailable("engine_timeout")),
        ("journal", "journal", JournalUnavailable("journal_write")),
        ("credentials", "credentials", CredentialsUnavailable("credentials_none")),
        ("upstream", "upstream", UpstreamUnavailable("connect_failed")),
    ],
)
async def test_a_part_that_fails_fails_its_check(name: str, part: str, fault: Exception) -> None:
    """I15, I18: and no other."""
    broken: object = Part(fault)
    if isinstance(fault, PolicyUnavailable):
        broken = FakePolicyEngine([], fault=fault)
    found = made(**{part: broken})
    with pytest.raises(type(fault)):
        await found.pop(name)()
    assert all([await check() for check in found.values()])


async def test_a_client_may_not_hold_the_gateways_own_key() -> None:
    """Whoever does can sign for S3 and needs no gateway."""
    found = made(clients=Clients(UPSTREAM.access_key_id))
    with pytest.raises(CredentialsUnavailable, match="credentials_shared") as told:
        await found.pop("credentials")()
    assert UPSTREAM.access_key_id in told.value.detail
    assert all([await check() for check in found.values()])


async def test_an_answer_that_does_not_count_fails_policy() -> None:
    """I15: an engine that answers nonsense is no engine."""
    with pytest.raises(PolicyUnavailable):
        await made(engine=FakePolicyEngine([], answer={"allow": True}))["policy"]()


def test_of_an_opa_server_the_revision_is_known() -> None:
    """Settings and exemptions are its own data."""
    engine = FakePolicyEngine([])
    assert facts(engine) == {"policy": {"engine": engine.name, "revision": engine.revision}}


def test_settings_that_were_not_taken_up_and_exemptions_that_end_are_told() -> None:
    """Neither is a reason to send no traffic."""
    ends = datetime(2026, 12, 1, tzinfo=UTC)
    exemption = Exemption("EX-7", ("INV001",), (), (), (), "why", "GOV-1", "board", ends)
    policy = object.__new__(SettledPolicy)
    policy._engine = cast("Any", SimpleNamespace(name="wasm", revision="r1"))
    policy._problem = "policy-settings.yaml:3: no"
    policy._clock = lambda: datetime(2026, 11, 20, tzinfo=UTC)
    policy._settings = cast("Any", SimpleNamespace(revision="s1", exemptions=[exemption]))
    assert facts(policy) == {
        "policy": {
            "engine": "wasm",
            "revision": "r1",
            "settings_revision": "s1",
            "settings_not_reloaded": "policy-settings.yaml:3: no",
        },
        "exemptions_ending": [
            {
                "id": "EX-7",
                "state": State.EXPIRING.value,
                "ticket": "GOV-1",
                "approved_by": "board",
                "expires": ends,
            }
        ],
    }
    policy._problem = ""
    assert "settings_not_reloaded" not in cast("Any", facts(policy))["policy"]
