"""Parts of answers."""

from typing import Any

import pytest

from gateway.adapters.facts.reading import Fixed, part
from gateway.core.policy.fact import FactUnknown, Subject


def test_part_is_taken():
    """Of its kind."""
    assert part({"a": {"b": 1}}, "a", dict) == {"b": 1}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [({}, str), ({"a": None}, str), ({"a": 1}, str), ({"a": []}, dict), ("a", str), (None, str)],
)
def test_part_that_is_missing_or_of_another_kind_is_unknown(answer: Any, kind: type):
    """Whatever a server sends."""
    with pytest.raises(FactUnknown, match="error"):
        part(answer, "a", kind)


def test_fixed_answer_is_the_same_for_all():
    """It does not depend on the configuration."""
    members = {"/source/versioning": "Enabled"}
    assert Fixed(members).members(Subject("b", "r", "i")) == members
