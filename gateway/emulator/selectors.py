"""Which sub-resource a query selects: names are case-sensitive, values ignored, two are refused."""

from gateway.emulator.errors import S3Error
from gateway.emulator.request import S3Call

# At a bucket path every one of these selects (measured on real S3, autumn 2026).
BUCKET_SELECTORS = frozenset(
    {
        "abac",
        "accelerate",
        "acl",
        "analytics",
        "cors",
        "delete",
        "encryption",
        "intelligent-tiering",
        "inventory",
        "lifecycle",
        "location",
        "logging",
        "metadataConfiguration",
        "metadataTable",
        "metadataInventoryTable",
        "metadataJournalTable",
        "metadataAnnotationTable",
        "metrics",
        "notification",
        "object-lock",
        "ownershipControls",
        "partNumber",
        "policy",
        "policyStatus",
        "publicAccessBlock",
        "replication",
        "requestPayment",
        "restore",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versioning",
        "versions",
        "website",
    }
)
# These select the operation of the BUCKET even at the path of a key: `GET /b/any/key?inventory`
# lists the inventories of b (measured).
BUCKET_SELECTORS_AT_KEYS = frozenset(
    {
        "accelerate",
        "cors",
        "inventory",
        "lifecycle",
        "location",
        "notification",
        "policy",
        "replication",
        "requestPayment",
        "versioning",
        "website",
    }
)
_KEY_SELECTORS = BUCKET_SELECTORS_AT_KEYS | frozenset(
    {
        "acl",
        "attributes",
        "legal-hold",
        "partNumber",
        "renameObject",
        "restore",
        "retention",
        "select",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
    }
)


def select(call: S3Call) -> str:
    """The one selector of a call, or "" for none."""
    if call.bucket is None:
        return ""
    known = BUCKET_SELECTORS if call.key is None else _KEY_SELECTORS
    found = sorted({name for name, _ in call.query if name in known})
    if call.key is not None and found == ["partNumber", "uploadId"]:
        return "uploadId"
    if len(found) > 1:
        raise S3Error(
            "InvalidArgument",
            f"Conflicting query string parameters: {', '.join(found)}",
            members={"ArgumentName": "ResourceType", "ArgumentValue": found[0]},
        )
    if not found:
        return ""
    at_bucket = call.key is None or found[0] in BUCKET_SELECTORS_AT_KEYS
    version = call.parameter("versionId")
    if at_bucket and version is not None:
        raise S3Error(
            "InvalidArgument",
            "This operation does not accept a version-id.",
            members={"ArgumentName": "versionId", "ArgumentValue": version},
        )
    return found[0]
