"""Kleene's three values."""

import pytest

from gateway.core.iam.truth import Truth, every, negated, some


@pytest.mark.parametrize(
    ("parts", "all_of", "any_of"),
    [
        pytest.param([], True, False, id="none"),
        pytest.param([True, True], True, True, id="yes"),
        pytest.param([False, False], False, False, id="no"),
        pytest.param([True, False], False, True, id="both"),
        pytest.param([True, None], None, True, id="yes-and-unknown"),
        pytest.param([None, False], False, None, id="unknown-and-no"),
        pytest.param([None, None], None, None, id="unknown"),
    ],
)
def test_parts_are_joined(parts: list[Truth], all_of: Truth, any_of: Truth):
    """What is not known counts only where it could change the answer."""
    assert (every(parts), some(parts)) == (all_of, any_of)


@pytest.mark.parametrize(("part", "expected"), [(True, False), (False, True), (None, None)])
def test_part_is_turned_around(part: Truth, expected: Truth):
    """Nobody knows the opposite of what is not known."""
    assert negated(part) is expected
