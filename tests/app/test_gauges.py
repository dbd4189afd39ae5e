"""What is so at the moment somebody asks."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.adapters.credentials_aws import AwsUpstreamCredentials
from gateway.app.data_plane import Volume
from gateway.app.gauges import gauges
from gateway.app.policy import SettledPolicy
from gateway.core.policy.exemption import Exemption
from gateway.core.ports import PolicyEngine
from tests.support.fake_policy_engine import FakePolicyEngine

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def read(
    engine: PolicyEngine | None = None, credentials: object = None
) -> dict[tuple[str, tuple[str, ...]], float]:
    """Everything, of a gateway with some traffic."""
    plane = SimpleNamespace(volume=Volume(3, 4), under_way=2)
    pools = {"objects": SimpleNamespace(in_use=5, idle=6)}
    found = gauges(
        cast("Any", plane),
        cast("Any", pools),
        cast("Any", credentials),
        engine or FakePolicyEngine([]),
        cast("Any", SimpleNamespace(waiting=7)),
        lambda: NOW,
    )
    return {(name, labels): value for name, labels, value in found}


def test_traffic_pools_and_journal_are_read() -> None:
    """As they are."""
    assert read() == {
        ("bytes_total", ("in",)): 3,
        ("bytes_total", ("out",)): 4,
        ("streams_open", ()): 2,
        ("upstream_connections", ("objects", "in_use")): 5,
        ("upstream_connections", ("objects", "idle")): 6,
        ("journal_waiting", ()): 7,
        ("policy_info", ("fake", "rev-1", "")): 1,
    }


@pytest.mark.parametrize("left", [90, -5, None], ids=["valid", "expired", "for-ever"])
def test_how_long_credentials_are_good(left: float | None) -> None:
    """Below zero once they have ended; absent where they never do."""
    credentials = object.__new__(AwsUpstreamCredentials)
    expires = None if left is None else NOW + timedelta(seconds=left)
    credentials._chain = cast("Any", SimpleNamespace(expires=expires))
    assert read(credentials=credentials).get(("credentials_expiry_seconds", ())) == left


@pytest.mark.parametrize("problem", ["", "policy-settings.yaml:3: no"], ids=["good", "bad"])
def test_settings_and_exemptions_of_the_embedded_engine(problem: str) -> None:
    """Those that end within 14 days; what has ended is told by readiness."""
    policy = object.__new__(SettledPolicy)
    policy._engine = cast("Any", SimpleNamespace(name="wasm", revision="r1"))
    policy._problem = problem
    policy._clock = lambda: NOW
    exemptions = [
        Exemption("EX", ("INV001",), (), (), (), "", "", "", NOW + timedelta(days=days))
        for days in (-1, 1, 13, 15)
    ]
    policy._settings = cast("Any", SimpleNamespace(revision="s1", exemptions=exemptions))
    found = read(policy)
    assert found["policy_info", ("wasm", "r1", "s1")] == 1
    assert found["policy_settings_reloaded", ()] == (not problem)
    assert found["exemptions_expiring", ()] == 2
