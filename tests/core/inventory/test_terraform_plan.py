"""Inventories of a Terraform plan: what an apply would put and remove, or a plain refusal."""

import copy
from typing import Any

import pytest

from gateway.core.inventory.shape import ShapeError, read_shape
from gateway.core.inventory.terraform_plan import (
    PlanError,
    PlannedInventory,
    is_plan,
    planned_inventories,
)
from tests.support.terraform import ADDRESS, change, plan

KEY = "arn:aws:kms:eu-central-1:444455556666:key/a"
SHAPE = {
    "Destination": {
        "S3BucketDestination": {
            "Bucket": "arn:aws:s3:::acme-inventory",
            "Format": "Parquet",
            "AccountId": "444455556666",
            "Prefix": "inventory",
            "Encryption": {"SSES3": {}},
        }
    },
    "IsEnabled": True,
    "Id": "daily",
    "IncludedObjectVersions": "Current",
    "Schedule": {"Frequency": "Daily"},
    "OptionalFields": ["ETag", "Size"],
}
PUT = PlannedInventory(ADDRESS, "acme-orders", "eu-central-1", "daily", SHAPE)
REMOVAL = PlannedInventory(ADDRESS, "acme-orders", "eu-central-1", "daily", None)


def reports(created: dict[str, Any]) -> dict[str, Any]:
    """Return the innermost block of a change."""
    block: dict[str, Any] = created["change"]["after"]["destination"][0]["bucket"][0]
    return block


def unknown(created: dict[str, Any]) -> dict[str, Any]:
    """Return the innermost block of what is not known of a change."""
    block: dict[str, Any] = created["change"]["after_unknown"]["destination"][0]["bucket"][0]
    return block


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        (["create"], [PUT]),
        (["update"], [PUT]),
        (["delete"], [REMOVAL]),
        (["delete", "create"], [REMOVAL, PUT]),
        (["create", "delete"], [REMOVAL, PUT]),
        (["no-op"], []),
        (["read"], []),
    ],
    ids=["create", "update", "delete", "replace", "replace-first", "no-op", "read"],
)
def test_a_plan_asks_for_what_it_changes(actions: list[str], expected: list[PlannedInventory]):
    """Puts and removals; what stays as it is is not asked for."""
    assert [*planned_inventories(plan(change(actions)))] == expected
    for planned in expected:
        if planned.shape is not None:
            read_shape(planned.shape)


def test_what_is_empty_or_null_is_not_there():
    """Providers write both for what nobody has set."""
    created = change(["create"], optional_fields=None, enabled=None, region=None)
    reports(created).update(account_id="", prefix=None, encryption=[])
    created["change"]["after_unknown"] = {}
    [planned] = planned_inventories(plan(created))
    bucket = {"Bucket": "arn:aws:s3:::acme-inventory", "Format": "Parquet"}
    expected = {**SHAPE, "Destination": {"S3BucketDestination": bucket}}
    del expected["OptionalFields"]
    assert (planned.shape, planned.region) == (expected, "")


def test_a_key_and_a_filter_are_read():
    """The blocks that most plans lack."""
    created = change(["create"], filter=[{"prefix": "logs/"}])
    reports(created)["encryption"] = [{"sse_kms": [{"key_id": KEY}], "sse_s3": []}]
    [planned] = planned_inventories(plan(created))
    assert planned.shape is not None
    assert planned.shape["Filter"] == {"Prefix": "logs/"}
    found = planned.shape["Destination"]["S3BucketDestination"]["Encryption"]
    assert found == {"SSEKMS": {"KeyId": KEY}}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"sse_s3": [{}], "sse_kms": []}, {"SSES3": {}}),
        ({"sse_s3": [], "sse_kms": []}, {}),
        ({"sse_s3": [{}], "sse_kms": [{"key_id": KEY}]}, {"SSEKMS": {"KeyId": KEY}, "SSES3": {}}),
    ],
    ids=["one", "none", "both"],
)
def test_an_encryption_is_what_was_written_and_no_guess(block, expected):
    """Of an empty block and of two the strict reader says what S3 would: no."""
    created = change(["create"])
    reports(created)["encryption"] = [block]
    [planned] = planned_inventories(plan(created))
    assert planned.shape is not None
    assert planned.shape["Destination"]["S3BucketDestination"]["Encryption"] == expected
    if len(expected) == 1:
        read_shape(planned.shape)
        return
    with pytest.raises(ShapeError, match="exactly one of SSE-S3 and SSE-KMS"):
        read_shape(planned.shape)


def test_a_filter_without_a_prefix_is_none():
    """An empty block filters nothing."""
    [planned] = planned_inventories(plan(change(["create"], filter=[{"prefix": ""}])))
    assert planned.shape is not None
    assert "Filter" not in planned.shape


@pytest.mark.parametrize("name", ["bucket_arn", "format", "account_id", "prefix", "encryption"])
def test_what_is_not_known_yet_is_refused(name: str):
    """Nothing is judged by what it might become."""
    created = change(["create"])
    unknown(created)[name] = True
    del reports(created)[name]
    with pytest.raises(PlanError, match=f"{ADDRESS}: {name} is known after the apply only"):
        [*planned_inventories(plan(created))]


def test_a_field_that_is_not_known_yet_is_refused():
    """One of a list, too."""
    created = change(["create"])
    created["change"]["after_unknown"]["optional_fields"] = [False, True]
    with pytest.raises(PlanError, match="optional_fields is known after the apply only"):
        [*planned_inventories(plan(created))]


def test_a_block_that_is_not_known_yet_is_refused():
    """A whole destination, as of a dynamic block."""
    created = change(["create"])
    created["change"]["after_unknown"]["destination"] = True
    with pytest.raises(PlanError, match="destination is known after the apply only"):
        [*planned_inventories(plan(created))]


@pytest.mark.parametrize("name", ["name", "schedule", "included_object_versions"])
def test_what_must_be_there_is_missed(name: str):
    """By its name in Terraform."""
    with pytest.raises(PlanError, match=f"{ADDRESS}: {name} is missing"):
        [*planned_inventories(plan(change(["create"], **{name: None})))]


BUCKETS = {
    "address": "aws_s3_bucket_inventory.daily",
    "expressions": {
        "bucket": {"references": ["aws_s3_bucket.orders.id", "aws_s3_bucket.orders"]},
        "destination": [
            {
                "bucket": [
                    {"bucket_arn": {"references": ["var.x", "aws_s3_bucket.lists.arn"]}},
                ]
            }
        ],
    },
}


def planned_bucket(address: str, name: str | None) -> dict[str, Any]:
    """Return the change that creates a bucket."""
    return {
        "address": address,
        "mode": "managed",
        "type": "aws_s3_bucket",
        "change": {"actions": ["create"], "before": None, "after": {"bucket": name}},
    }


def in_one_plan(module: str = "", name: str | None = "acme-orders") -> dict[str, Any]:
    """Return a plan that creates source and destination with their inventory."""
    created = change(["create"])
    created["address"] = module + ADDRESS
    del created["change"]["after"]["bucket"], reports(created)["bucket_arn"]
    created["change"]["after_unknown"]["bucket"] = True
    unknown(created)["bucket_arn"] = True
    resources = copy.deepcopy(BUCKETS)
    where = resources["expressions"]["destination"][0]["bucket"][0]  # type: ignore[index]
    where["bucket_arn"]["references"].append("aws_s3_bucket.lists")
    root: dict[str, Any] = {"resources": [{"address": "aws_sns_topic.t"}, resources]}
    if module:
        root = {"module_calls": {"reports": {"module": root}}}
    changes = [
        planned_bucket(f"{module}aws_s3_bucket.orders", name),
        planned_bucket(f"{module}aws_s3_bucket.lists", "acme-lists"),
        created,
    ]
    return plan(*changes, configuration={"root_module": root})


@pytest.mark.parametrize("module", ["", "module.reports.", 'module.reports["eu"].'])
def test_buckets_of_the_same_plan_are_known_by_their_names(module: str):
    """Their ids and ARNs are not known before the apply, but follow from what is."""
    [planned] = planned_inventories(in_one_plan(module))
    assert planned.shape is not None
    found = planned.shape["Destination"]["S3BucketDestination"]["Bucket"]
    assert (planned.bucket, found) == ("acme-orders", "arn:aws:s3:::acme-lists")


def test_a_bucket_without_a_name_is_not_known():
    """The provider makes one up; whoever asks may say which it is."""
    [planned] = planned_inventories(in_one_plan(name=None))
    assert planned.bucket == ""


def test_a_bucket_that_comes_from_elsewhere_is_not_known():
    """A module's output, say."""
    made = in_one_plan()
    resource = made["configuration"]["root_module"]["resources"][1]
    resource["expressions"]["bucket"] = {"references": ["module.x.bucket"]}
    [planned] = planned_inventories(made)
    assert planned.bucket == ""
    made["configuration"] = {}
    with pytest.raises(PlanError, match="bucket_arn is known after the apply only"):
        [*planned_inventories(made)]


@pytest.mark.parametrize(
    "damage",
    [
        {"format_version": "2.0"},
        {"resource_changes": None},
        {"resource_changes": [7]},
        {"resource_changes": [{"type": "aws_s3_bucket_inventory", "mode": "managed"}]},
    ],
    ids=str,
)
def test_what_is_no_plan_is_refused(damage: dict[str, Any]):
    """Another version, or another shape."""
    with pytest.raises(PlanError, match="plan"):
        [*planned_inventories(plan(change(["create"])) | damage)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(plan(), True), ([], False), ({}, False), ({"format_version": "1.2"}, False)],
)
def test_a_plan_is_told_from_other_files(value: object, expected: bool):
    """By two members that no configuration has."""
    assert is_plan(value) is expected


def test_data_sources_are_no_resources():
    """Only what Terraform manages is put."""
    read = change(["create"])
    read["mode"] = "data"
    assert [*planned_inventories(plan(read))] == []
