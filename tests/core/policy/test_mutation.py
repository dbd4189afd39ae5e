"""What policy may patch: three members of the destination, with values of their kind."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import PolicyUnavailable
from gateway.core.inventory.configuration import (
    Destination,
    Encryption,
    InventoryConfiguration,
    SseKms,
    SseS3,
)
from gateway.core.inventory.document import read_configuration, write_configuration
from gateway.core.policy.catalog import Catalog
from gateway.core.policy.mutation import Mutation, apply_mutations, read_mutations
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


def _configuration(
    account: str | None = None, prefix: str | None = None, encryption: Encryption | None = None
) -> InventoryConfiguration:
    return InventoryConfiguration(
        id="daily",
        is_enabled=True,
        destination=Destination("arn:aws:s3:::b", "CSV", account, prefix, encryption),
        included_object_versions="All",
        frequency="Daily",
        filter_prefix="logs/",
        optional_fields=("Size",),
    )


def _applied(
    configuration: InventoryConfiguration, *patches: dict[str, object]
) -> InventoryConfiguration:
    return apply_mutations(configuration, read_mutations(list(patches), CATALOG))


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        pytest.param(
            _configuration(),
            _patch("AccountId", "444455556666"),
            _configuration(account="444455556666"),
            id="account",
        ),
        pytest.param(_configuration(), _patch(), _configuration(prefix="inventory/b"), id="prefix"),
        pytest.param(
            _configuration(prefix="x"),
            _patch(),
            _configuration(prefix="inventory/b"),
            id="add-replaces-what-is-there",
        ),
        pytest.param(
            _configuration(prefix="x"),
            _patch(op="replace"),
            _configuration(prefix="inventory/b"),
            id="replace",
        ),
        pytest.param(
            _configuration(),
            _patch("Encryption", {"SSES3": {}}),
            _configuration(encryption=SseS3()),
            id="sse-s3",
        ),
        pytest.param(
            _configuration(encryption=SseS3()),
            _patch("Encryption", {"SSEKMS": {"KeyId": KEY}}),
            _configuration(encryption=SseKms(KEY)),
            id="sse-kms",
        ),
    ],
)
def test_a_patch_changes_its_member_and_nothing_else(
    before: InventoryConfiguration, patch: Any, after: InventoryConfiguration
):
    """Typed in, typed out; what the client wrote elsewhere stays."""
    assert after == _applied(before, patch)


def test_all_patches_are_applied_together():
    """In whatever order policy gave them."""
    patches = (_patch(), _patch("Encryption", {"SSES3": {}}), _patch("AccountId", "444455556666"))
    expected = _configuration("444455556666", "inventory/b", SseS3())
    assert (
        expected
        == _applied(_configuration(), *patches)
        == _applied(_configuration(), *patches[::-1])
    )


@pytest.mark.parametrize(
    ("before", "patch", "words"),
    [
        pytest.param(
            _configuration(), _patch(op="replace"), "which is not there", id="replaces-nothing"
        ),
        pytest.param(
            _configuration(prefix="inventory/b"), _patch(), "changes nothing", id="changes-nothing"
        ),
        pytest.param(
            _configuration(), _patch(value="é" * 512), "cannot be read", id="prefix-too-long"
        ),
        pytest.param(
            _configuration(),
            _patch("Encryption", {"SSEKMS": {"KeyId": "é"}}),
            "cannot be read",
            id="key-not-ascii",
        ),
        pytest.param(
            _configuration(), _patch(value="a\ufffe"), "cannot be read", id="prefix-not-xml"
        ),
    ],
)
def test_a_patch_that_does_not_fit_is_no_answer(
    before: InventoryConfiguration, patch: Any, words: str
):
    """Fail closed: the document is held to what a client's is held to."""
    with pytest.raises(PolicyUnavailable) as caught:
        _applied(before, patch)
    assert "engine_mutation" == caught.value.reason
    assert words in str(caught.value.detail)


def test_a_patch_that_reads_as_another_is_no_answer():
    """What is judged again must be what S3 reads: here a part that no reader would have let in."""
    bare = _configuration(prefix="")
    with pytest.raises(PolicyUnavailable) as caught:
        _applied(bare, _patch("AccountId", "444455556666"))
    assert "the document reads as another" == caught.value.detail


_values: dict[str, st.SearchStrategy[Any]] = {
    "AccountId": st.from_regex(r"[0-9]{12}", fullmatch=True),
    "Prefix": st.text(min_size=1, max_size=520),
    "Encryption": st.just({"SSES3": {}})
    | st.text(min_size=1, max_size=60).map(lambda key: {"SSEKMS": {"KeyId": key}}),
}


@given(st.fixed_dictionaries({}, optional=_values), st.booleans())
def test_what_is_patched_is_a_document_that_the_reader_takes(values: dict[str, Any], filled: bool):
    """Or there is none; nothing but the patched members differs from what the client wrote."""
    before = _configuration("1" * 12, "x", SseS3()) if filled else _configuration()
    try:
        after = _applied(before, *(_patch(member, value) for member, value in values.items()))
    except PolicyUnavailable as fault:
        assert fault.reason in {"engine_answer", "engine_mutation"}  # noqa: PT017 - many end here
        return
    assert after == read_configuration(write_configuration(after))
    was, became = (item.as_boto3() for item in (before, after))
    destination = became["Destination"]["S3BucketDestination"]  # type: ignore[index]
    assert values == {member: destination[member] for member in values}
    for member in values:
        for shape in (was, became):
            shape["Destination"]["S3BucketDestination"].pop(member, None)  # type: ignore[index]
    assert was == became


def test_a_mutation_names_its_member_as_people_write_it():
    """For headers and messages."""
    (mutation,) = read_mutations([_patch("Encryption", {"SSES3": {}})], CATALOG)
    assert "Destination.S3BucketDestination.Encryption" == mutation.member
