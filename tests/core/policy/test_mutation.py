"""What policy may patch: three members of the destination, with values of their kind."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import PolicyUnavailable
from gateway.core.policy.catalog import Catalog
from gateway.core.policy.mutation import Mutation, read_mutations
from tests.support.strategies import json_values

CATALOG = Catalog.from_data(
    {
        "INV001": {
            "title": "t",
            "severity": "high",
            "topic": "t",
            "message": "m",
            "remedy": "r",
        }
    }
)
DESTINATION = "/Destination/S3BucketDestination"
KEY = "arn:aws:kms:eu-central-1:444455556666:key/1111aaaa"


def _patch(member: str = "Prefix", value: object = "inventory/b", **changes: object) -> Any:
    return {
        "rule": "INV001",
        "op": "add",
        "path": f"{DESTINATION}/{member}",
        "value": value,
        **changes,
    }


@pytest.mark.parametrize("op", ["add", "replace"])
@pytest.mark.parametrize(
    ("member", "value"),
    [
        pytest.param("AccountId", "444455556666", id="account"),
        pytest.param("Encryption", {"SSES3": {}}, id="sse-s3"),
        pytest.param("Encryption", {"SSEKMS": {"KeyId": KEY}}, id="sse-kms"),
        pytest.param("Prefix", "inventory/b", id="prefix"),
        pytest.param("Prefix", "é" * 512, id="long-prefix"),
    ],
)
def test_patch_is_read_when_it_is_one_of_the_three(op: str, member: str, value: Any):
    """And can be recorded as it was."""
    patch = _patch(member, value, op=op)
    (mutation,) = read_mutations([patch], CATALOG)
    assert Mutation("INV001", op, f"{DESTINATION}/{member}", value) == mutation
    assert patch == mutation.as_record()


def test_patches_are_in_one_order_when_several():
    """A set has no order of its own."""
    patches = [_patch(), _patch("AccountId", "444455556666")]
    expected = [f"{DESTINATION}/AccountId", f"{DESTINATION}/Prefix"]
    for answer in (patches, patches[::-1]):
        assert expected == [mutation.path for mutation in read_mutations(answer, CATALOG)]


WRONG: dict[str, tuple[object, ...]] = {
    "AccountId": (444455556666, "44445555666", "444455556666\n", None, {}),
    "Prefix": ("", "a\nb", "x" * 513, None, 1, {}, ["a"]),
    "Encryption": (
        {},
        "SSE-S3",
        None,
        {"SSES3": None},
        {"SSES3": {"a": 1}},
        {"SSES3": {}, "SSEKMS": {"KeyId": KEY}},
        {"SSEKMS": {"KeyId": KEY}, "SSEC": {}},
        {"SSEKMS": {}},
        {"SSEKMS": {"KeyId": ""}},
        {"SSEKMS": {"KeyId": 7}},
        {"SSEKMS": {"KeyId": KEY, "Context": "x"}},
    ),
}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param({}, id="object"),
        pytest.param("x", id="text"),
        pytest.param([None], id="holds-null"),
        pytest.param([[]], id="holds-list"),
        pytest.param([{}], id="empty-patch"),
        pytest.param([{**_patch(), "from": "/Id"}], id="extra-member"),
        pytest.param([_patch(rule="INV999")], id="unknown-rule"),
        pytest.param([_patch(rule=1)], id="rule-is-a-number"),
        pytest.param([_patch(op="remove")], id="remove"),
        pytest.param([_patch(op="move")], id="move"),
        pytest.param([_patch(op=["add"])], id="op-is-a-list"),
        pytest.param([_patch("Bucket", "arn:aws:s3:::b")], id="bucket"),
        pytest.param([_patch("Format", "CSV")], id="format"),
        pytest.param([_patch(path="")], id="whole-document"),
        pytest.param([_patch(path="/IsEnabled")], id="enabled"),
        pytest.param([_patch(path=f"{DESTINATION}/Prefix/")], id="below"),
        pytest.param([_patch(path=None)], id="path-is-null"),
        pytest.param([_patch(path=["Prefix"])], id="path-is-a-list"),
        pytest.param([_patch(), _patch(value="other")], id="twice"),
        *(
            pytest.param([_patch(member, wrong)], id=f"{member}-{number}")
            for member, values in WRONG.items()
            for number, wrong in enumerate(values)
        ),
    ],
)
def test_patch_is_refused_when_it_is_anything_else(value: object):
    """No answer at all: I15."""
    with pytest.raises(PolicyUnavailable) as caught:
        read_mutations(value, CATALOG)
    assert "engine_answer" == caught.value.reason
    assert str(caught.value.detail).startswith("mutations ")


_patches = st.fixed_dictionaries(
    {
        "rule": st.just("INV001") | json_values,
        "op": st.sampled_from(["add", "replace", "remove"]) | json_values,
        "path": st.sampled_from([f"{DESTINATION}/Encryption", f"{DESTINATION}/Id"]) | json_values,
        "value": st.just({"SSES3": {}}) | json_values,
    }
)


@given(st.lists(_patches, max_size=2) | json_values)
def test_nothing_but_policy_unavailable_is_raised_when_mutations_are_arbitrary(value: object):
    """And what is read touches one of three members."""
    try:
        mutations = read_mutations(value, CATALOG)
    except PolicyUnavailable as fault:
        assert "engine_answer" == fault.reason  # noqa: PT017 - most answers end here
        return
    assert all(mutation.path.startswith(DESTINATION) for mutation in mutations)
