"""Terraform plans, as `terraform show -json` prints them with hashicorp/aws 6."""

import copy
from typing import Any

ADDRESS = "aws_s3_bucket_inventory.daily"
_AFTER: dict[str, Any] = {
    "bucket": "acme-orders",
    "destination": [
        {
            "bucket": [
                {
                    "account_id": "444455556666",
                    "bucket_arn": "arn:aws:s3:::acme-inventory",
                    "encryption": [{"sse_kms": [], "sse_s3": [{}]}],
                    "format": "Parquet",
                    "prefix": "inventory",
                }
            ]
        }
    ],
    "enabled": True,
    "filter": [],
    "included_object_versions": "Current",
    "name": "daily",
    "optional_fields": ["Size", "ETag"],
    "region": "eu-central-1",
    "schedule": [{"frequency": "Daily"}],
}
_UNKNOWN: dict[str, Any] = {
    "destination": [{"bucket": [{"encryption": [{"sse_kms": [], "sse_s3": [{}]}]}]}],
    "filter": [],
    "id": True,
    "optional_fields": [False, False],
    "schedule": [{}],
}


def change(actions: list[str], **values: Any) -> dict[str, Any]:
    """Return a change of the resource; `after` with other values."""
    after = copy.deepcopy(_AFTER) | values
    gone, new = "delete" in actions, {"create", "update"} & set(actions)
    return {
        "address": ADDRESS,
        "mode": "managed",
        "type": "aws_s3_bucket_inventory",
        "name": "daily",
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "change": {
            "actions": actions,
            "before": copy.deepcopy(_AFTER) if gone or not new else None,
            "after": after if new else None,
            "after_unknown": copy.deepcopy(_UNKNOWN) if new else {},
            "before_sensitive": False,
            "after_sensitive": {},
        },
    }


def plan(*changes: dict[str, Any], configuration: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a plan with these changes, beside one of a bucket that has nothing to do with them."""
    other = {
        "address": "aws_s3_bucket.other",
        "mode": "managed",
        "type": "aws_s3_bucket",
        "name": "other",
        "change": {"actions": ["create"], "before": None, "after": {"bucket": "other"}},
    }
    return {
        "format_version": "1.2",
        "terraform_version": "1.14.0",
        "planned_values": {"root_module": {}},
        "resource_changes": [other, *changes],
        "configuration": configuration or {"root_module": {}},
    }
