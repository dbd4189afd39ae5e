"""Operations and the IAM actions that they need."""

import pytest

from gateway.core.s3.operations import Group, operations
from gateway.core.s3.permissions import LIST_BUCKETS, PERMISSIONS, permissions_of

#: Its own resource, and what is refused whatever is granted.
ELSEWHERE = {LIST_BUCKETS, "CreateSession"}


def test_every_operation_has_its_permissions() -> None:
    """One that is new in the table of operations turns this red."""
    assert {item.name for item in operations()} - ELSEWHERE == set(PERMISSIONS)


#: An operation that no action permits.
NONE = {"RenameObject": "for directory buckets, which are never addressed"}


@pytest.mark.parametrize("name", sorted(set(PERMISSIONS) - set(NONE)))
def test_actions_are_on_what_the_operation_addresses(name: str) -> None:
    """A bucket or objects, never both."""
    found = PERMISSIONS[name]
    assert bool(found.bucket) != bool(found.object)


@pytest.mark.parametrize(
    ("groups", "bucket", "objects"),
    [
        pytest.param([], (), (), id="none"),
        pytest.param(
            [Group.INVENTORY],
            ("s3:GetInventoryConfiguration", "s3:PutInventoryConfiguration"),
            (),
            id="inventory",
        ),
        pytest.param(
            [Group.LISTING],
            ("s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"),
            (),
            id="listing",
        ),
        pytest.param([Group.REFUSED], (), (), id="refused"),
    ],
)
def test_permissions_are_those_of_the_groups(groups, bucket, objects) -> None:
    """Each once, sorted."""
    found = permissions_of(groups)
    assert (found.bucket, found.object) == (bucket, objects)


@pytest.mark.parametrize("group", [Group.OBJECTS, Group.LISTING, Group.BUCKET_READ])
def test_default_groups_change_no_bucket(group: Group) -> None:
    """But by an inventory, which is gated."""
    verbs = {action.removeprefix("s3:")[:3] for action in permissions_of([group]).bucket}
    assert verbs <= {"Get", "Lis"}
