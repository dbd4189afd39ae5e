"""A correction: what findings leave one meaning of."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.app.correction import corrections
from gateway.core.inventory.configuration import Destination, InventoryConfiguration
from gateway.core.policy.catalog import Finding, Severity
from gateway.core.policy.mutation import Mutation

DESTINATION = "/Destination/S3BucketDestination"
WRITTEN = InventoryConfiguration(
    id="daily",
    is_enabled=False,
    destination=Destination("arn:aws:s3:::reports", "CSV", prefix="/a//b/"),
    included_object_versions="All",
    frequency="Daily",
    optional_fields=("Size", "ObjectOwner", "Size", "ETag"),
)


def finding(path: str, *allowed: str) -> Finding:
    """Something that is wrong there."""
    return Finding("INV000", path, Severity.HIGH, "", "", allowed)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(
            [finding(f"{DESTINATION}/Encryption", "SSE-KMS", "SSE-S3")],
            [(f"{DESTINATION}/Encryption", {"SSES3": {}})],
            id="encryption",
        ),
        pytest.param([finding(f"{DESTINATION}/Encryption", "SSE-KMS")], [], id="no key is known"),
        pytest.param(
            [finding(f"{DESTINATION}/Format", "Parquet", "ORC")],
            [(f"{DESTINATION}/Format", "ORC")],
            id="format",
        ),
        pytest.param([finding(f"{DESTINATION}/Format", "XLS")], [], id="no such format"),
        pytest.param(
            [finding("/Schedule/Frequency", "Weekly")],
            [("/Schedule/Frequency", "Weekly")],
            id="frequency",
        ),
        pytest.param(
            [finding("/Schedule/Frequency")], [("/Schedule/Frequency", "Weekly")], id="too dear"
        ),
        pytest.param(
            [finding(f"{DESTINATION}/Prefix")], [(f"{DESTINATION}/Prefix", "a/b/")], id="slashes"
        ),
        pytest.param(
            [finding(f"{DESTINATION}/Prefix", "inventory/{bucket}")], [], id="only policy knows"
        ),
        pytest.param([finding("/IsEnabled")], [("/IsEnabled", True)], id="required"),
        pytest.param(
            [finding("/OptionalFields/2")],
            [("/OptionalFields", ["Size", "ObjectOwner", "ETag"])],
            id="repeated field",
        ),
        pytest.param(
            [finding("/OptionalFields/1"), finding("/OptionalFields", "StorageClass", "Colour")],
            [("/OptionalFields", ["Size", "ETag", "StorageClass"])],
            id="forbidden and missing fields",
        ),
        pytest.param([finding("/OptionalFields", "Colour")], [], id="no such field"),
        pytest.param([finding("/Id", "team-*"), finding("")], [], id="the author's to choose"),
    ],
)
def test_a_finding_is_mended_where_one_thing_can_be_meant(
    found: list[Finding], expected: list[Any]
) -> None:
    """The rest stays as it was written, for its author."""
    assert list(corrections(WRITTEN, found, ())) == expected


def test_what_policy_patches_it_knows_best() -> None:
    """A finding about the same member has nothing to add."""
    path, key = f"{DESTINATION}/Encryption", {"SSEKMS": {"KeyId": "arn:aws:kms:…"}}
    changes = corrections(
        WRITTEN, [finding(path, "SSE-S3", "SSE-KMS")], [Mutation("INV001", "add", path, key)]
    )
    assert changes == ((path, key),)


def test_without_findings_there_is_nothing_to_correct() -> None:
    """And a prefix that is not there has no slashes."""
    assert corrections(WRITTEN, (), ()) == ()
    bare = replace(WRITTEN, destination=replace(WRITTEN.destination, prefix=None))
    assert corrections(bare, [finding(f"{DESTINATION}/Prefix")], ()) == ()
