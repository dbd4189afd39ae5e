"""Which rules and settings answer together, and how they divide time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.policy.version import PolicyVersion

ORG = {
    "revision": "r",
    "exemptions": [{"expires": "text", "expires_ns": 30}, {"expires_ns": 10}, {"expires_ns": None}],
    "inventory": {"rules": {"INV052": {"windows": [{"starts_ns": 10, "ends_ns": 20}]}}},
    "accounts": ["111122223333"],
    "count": 7,
}


def test_every_time_that_settings_name_is_an_instant():
    """Wherever it stands, once, in order; what is no time is none."""
    version = PolicyVersion.of("b", ORG, settings_revision="s", repeats=True)
    assert version.instants == (10, 20, 30)
    assert (version.revision, version.settings_revision, version.repeats) == ("b", "s", True)


@pytest.mark.parametrize(
    ("time_ns", "span"), [(0, 0), (9, 0), (10, 1), (19, 1), (20, 2), (29, 2), (30, 3), (2**63, 3)]
)
def test_a_span_begins_with_its_instant(time_ns: int, span: int):
    """At the nanosecond of its expiry an exemption holds no longer."""
    assert PolicyVersion.of("b", ORG).span(time_ns) == span


def test_without_instants_all_time_is_one():
    """And a bundle promises nothing unless it says so."""
    version = PolicyVersion.of("b", {})
    assert (version.span(0), version.span(2**63), version.repeats) == (0, 0, False)


def test_what_is_loaded_anew_is_another_version():
    """Even if it says the same: who wants to know compares objects."""
    assert PolicyVersion.of("b", ORG) != PolicyVersion.of("b", ORG)


_times = st.integers(min_value=0, max_value=2**62)


@given(st.lists(_times, max_size=8), _times, _times)
def test_times_of_a_span_are_the_same_to_every_comparison(
    instants: list[int], one: int, other: int
):
    """With each instant, in either direction; times of different spans are told apart by one."""
    version = PolicyVersion.of("b", {"any": [{"at_ns": instant} for instant in instants]})
    same = version.span(one) == version.span(other)
    assert same == all((one < instant) == (other < instant) for instant in instants)
    assert same == all((instant <= one) == (instant <= other) for instant in instants)
