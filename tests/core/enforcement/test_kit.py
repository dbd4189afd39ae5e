"""The kit: every template, at ordinary values and at the longest."""

import json

import pytest

from gateway.core.enforcement.document import compact
from gateway.core.enforcement.kit import KIT
from gateway.core.enforcement.parameter import ParametersError
from gateway.core.s3.operations import Group
from tests.support.enforcement import GATEWAY, long_role, pairs

BY_NAME = {template.name: template for template in KIT}


def test_names_are_the_commands() -> None:
    """No two alike."""
    assert [*BY_NAME] == [
        "scp",
        "rcp",
        "role-protection",
        "role",
        "trust irsa",
        "trust pod-identity",
        "trust ec2",
        "trust principal",
        "destination-policy",
        "kms-policy",
        "detection",
    ]


def test_document_is_wrapped_when_that_is_asked_for() -> None:
    """The same document, as the content of a resource."""
    given = pairs(gateway_role=GATEWAY)
    document = BY_NAME["scp"].document(given)
    stack = BY_NAME["scp"].document(given, wrapped=True)
    assert stack["Resources"]["Policy"]["Properties"]["Content"] == document


LONGEST = {
    "scp": pairs(
        gateway_role=[long_role(number) for number in range(8)],
        principal_role=[long_role(number) for number in range(8, 24)],
        break_glass_role=[long_role(24)],
        exports="true",
    ),
    "rcp": pairs(
        gateway_role=[long_role(number) for number in range(8)],
        principal_role=[long_role(number) for number in range(8, 24)],
        exports="true",
    ),
    "role-protection": pairs(
        gateway_role=[long_role(number) for number in range(4)],
        principal_role=[long_role(number) for number in range(4, 16)],
        admin_role=[long_role(16), long_role(17)],
    ),
    "role": pairs(
        bucket=[f"{number:063d}" for number in range(8)],
        destination=[f"{number:063d}" for number in range(8)],
        group=[group for group in Group if group is not Group.REFUSED],
        partition="aws-us-gov",
    ),
}


@pytest.mark.parametrize("name", LONGEST)
def test_document_fits_when_values_are_many_and_long(name: str) -> None:
    """Twenty-four roles with names of 64 characters in an SCP; every group and 16 buckets."""
    template = BY_NAME[name]
    size = len(compact(template.document(LONGEST[name])))
    assert template.limit / 2 < size <= template.limit


def test_control_policies_are_held_to_organizations_limit() -> None:
    """5,120 characters, and not one more."""
    assert {BY_NAME[name].limit for name in ("scp", "rcp", "role-protection")} == {5120}
    given = pairs(gateway_role=[long_role(number) for number in range(50)])
    with pytest.raises(ParametersError, match=r"what comes of scp has \d+ characters, and AWS"):
        BY_NAME["scp"].document(given)


def test_documents_are_json() -> None:
    """Nothing in them that only Python knows."""
    for name, given in LONGEST.items():
        document = BY_NAME[name].document(given)
        assert json.loads(compact(document)) == document
