"""The inventories that a Terraform plan would put or remove: `terraform show -json plan.out`.

https://developer.hashicorp.com/terraform/internals/json-format; OpenTofu writes the same. The
resource: https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/s3_bucket_inventory
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

RESOURCE: Final = "aws_s3_bucket_inventory"
_BUCKET: Final = "aws_s3_bucket"
_INDEX: Final = re.compile(r"\[[^\]]*\]")
_MODULE: Final = re.compile(r"module\.([^.\[]+)(?:\[[^\]]*\])?\.")
_ARN: Final = "arn:aws:s3:::"


class PlanError(ValueError):
    """The plan does not say what would be put; the text says where and why."""


@dataclass(frozen=True, slots=True)
class PlannedInventory:
    """One inventory that an apply would put, or remove.

    Args:
        address: of the resource.
        bucket: the source; empty where it is known after the apply only.
        region: of the source, where the plan says; else empty.
        inventory_id: of the configuration.
        shape: the configuration in boto3's shape; None for a removal.
    """

    address: str
    bucket: str
    region: str
    inventory_id: str
    shape: Mapping[str, Any] | None


def is_plan(value: object) -> bool:
    """Whether this is a plan at all."""
    return isinstance(value, Mapping) and "format_version" in value and "resource_changes" in value


def planned_inventories(plan: Mapping[str, Any]) -> Iterator[PlannedInventory]:
    """Every inventory that the plan changes; what it leaves alone is not asked for.

    Raises:
        PlanError: a member is known after the apply only, or the plan is not of version 1.
    """
    if not str(plan["format_version"]).startswith("1."):
        raise PlanError("not a plan of format 1, which Terraform and OpenTofu write")
    try:
        for resource in plan["resource_changes"]:
            if resource["type"] == RESOURCE and resource.get("mode") == "managed":
                yield from _planned(resource, plan)
    except (KeyError, TypeError, AttributeError, IndexError) as fault:
        raise PlanError("not the shape of a plan") from fault


def _planned(resource: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[PlannedInventory]:
    change, address = resource["change"], resource["address"]
    actions = change["actions"]
    if "delete" in actions:  # a new bucket or name replaces the resource
        before = change["before"]
        yield PlannedInventory(
            address, before["bucket"], before.get("region") or "", before["name"], None
        )
    if "create" in actions or "update" in actions:
        after = _Values(change["after"], change.get("after_unknown") or {}, address, plan)
        yield PlannedInventory(
            address,
            after.bucket_name("bucket", ("bucket",), required=False),
            after.value.get("region") or "",
            after.text("name"),
            _shape(after),
        )


def _shape(after: "_Values") -> dict[str, Any]:
    schedule, destination = after.block("schedule"), after.block("destination")
    bucket = destination.block("bucket")
    path = ("destination", "bucket", "bucket_arn")
    reports: dict[str, Any] = {
        "Bucket": bucket.bucket_name("bucket_arn", path, required=True),
        "Format": bucket.text("format"),
    }
    for name, member in (("account_id", "AccountId"), ("prefix", "Prefix")):
        if bucket.known(name):
            reports[member] = bucket.text(name)
    encryption = bucket.optional_block("encryption")
    if encryption is not None:
        kms = encryption.optional_block("sse_kms")
        # An empty block is neither: which it becomes is not the reader's to choose.
        reports["Encryption"] = {}
        if kms is not None:
            reports["Encryption"]["SSEKMS"] = {"KeyId": kms.text("key_id")}
        if encryption.optional_block("sse_s3") is not None:
            reports["Encryption"]["SSES3"] = {}
    shape: dict[str, Any] = {
        "Destination": {"S3BucketDestination": reports},
        "IsEnabled": after.known("enabled", otherwise=True),
        "Id": after.text("name"),
        "IncludedObjectVersions": after.text("included_object_versions"),
        "Schedule": {"Frequency": schedule.text("frequency")},
    }
    chosen = after.optional_block("filter")
    if chosen is not None and chosen.known("prefix"):
        shape["Filter"] = {"Prefix": chosen.text("prefix")}
    fields = after.known("optional_fields")
    if fields:
        shape["OptionalFields"] = sorted(fields)  # a set to Terraform
    return shape


@dataclass(frozen=True, slots=True)
class _Values:
    """A block of planned values, beside the map of those that nobody knows yet."""

    value: Mapping[str, Any]
    unknown: Any
    address: str
    plan: Mapping[str, Any]

    def known(self, name: str, *, otherwise: object = None) -> Any:
        """A value that may be absent: null and empty mean that."""
        unknown = self.unknown is True or self.unknown.get(name, False)
        if unknown is True or (isinstance(unknown, list) and True in unknown):
            raise PlanError(f"{self.address}: {name} is known after the apply only")
        value = self.value.get(name)
        return otherwise if value is None or value == "" else value

    def text(self, name: str) -> Any:
        """A value that must be there; whether it is a text is for the strict reader to say."""
        value = self.known(name)
        if value is None:
            raise PlanError(f"{self.address}: {name} is missing")
        return value

    def block(self, name: str) -> "_Values":
        """A block that must be there once."""
        found = self.optional_block(name)
        if found is None:
            raise PlanError(f"{self.address}: {name} is missing")
        return found

    def optional_block(self, name: str) -> "_Values | None":
        """A block that may be there."""
        found = self.known(name)
        if not found:
            return None
        unknown = self.unknown.get(name) or [{}]
        return _Values(found[0], unknown[0], self.address, self.plan)

    def bucket_name(self, name: str, path: tuple[str, ...], *, required: bool) -> str:
        """A bucket's name or ARN; that of a bucket in the same plan is known although it is not."""
        if self.unknown.get(name) is not True:
            return str(self.text(name))
        found = _bucket_of(self.plan, self.address, path)
        if found is None and required:
            raise PlanError(f"{self.address}: {name} is known after the apply only")
        return "" if found is None else found if path[-1] == "bucket" else _ARN + found


def _bucket_of(plan: Mapping[str, Any], address: str, path: tuple[str, ...]) -> str | None:
    """The name of the bucket, planned beside it, that a resource refers to."""
    module, within = plan.get("configuration", {}).get("root_module", {}), ""
    while (call := _MODULE.match(address, len(within))) is not None:
        module, within = module["module_calls"][call[1]]["module"], address[: call.end()]
    name = _INDEX.sub("", address[len(within) :])
    for resource in module.get("resources", ()):
        if resource["address"] == name:
            expression = resource["expressions"]
            for part in path:
                expression = (
                    expression[0][part] if isinstance(expression, list) else expression[part]
                )
            for reference in expression.get("references", ()):
                for planned in plan["resource_changes"]:
                    if planned["type"] == _BUCKET and planned["address"] == within + reference:
                        bucket: str | None = planned["change"]["after"].get("bucket")
                        return bucket
    return None
