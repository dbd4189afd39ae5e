"""The inventory configurations of a bucket: put, get, list, delete, exactly as S3 answers."""

import base64
import binascii
import re
from types import MappingProxyType

from gateway.emulator.answer import NAMESPACE, PROLOG, Answer, element, leaf
from gateway.emulator.errors import S3Error
from gateway.emulator.exchange import Exchange
from gateway.emulator.reader import Node, Shape, read

PAGE = 100
LIMIT = 1000

# The enumeration of botocore 1.43; it grows about once a year.
OPTIONAL_FIELDS = frozenset(
    {
        "Size",
        "LastModifiedDate",
        "StorageClass",
        "ETag",
        "IsMultipartUploaded",
        "ReplicationStatus",
        "EncryptionStatus",
        "ObjectLockRetainUntilDate",
        "ObjectLockMode",
        "ObjectLockLegalHoldStatus",
        "IntelligentTieringAccessTier",
        "BucketKeyStatus",
        "ChecksumAlgorithm",
        "ObjectAccessControlList",
        "ObjectOwner",
        "LifecycleExpirationDate",
        "ObjectLockEventHoldStatus",
        "ObjectLockEventHoldDuration",
        "IntelligentTieringReferenceDate",
    }
)
_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ARN_PARTS = 6
_TOKEN = b"inventory-after:"
_ROOT = "InventoryConfiguration"


def _choice(*values: str) -> Shape:
    return Shape(required=True, values=frozenset(values))


_ENCRYPTION = Shape(
    {"SSE-S3": Shape(empty=True), "SSE-KMS": Shape({"KeyId": Shape(required=True)})}
)
_DESTINATION = Shape(
    {
        "AccountId": Shape(),
        "Bucket": Shape(required=True),
        "Format": _choice("CSV", "ORC", "Parquet"),
        "Prefix": Shape(),
        "Encryption": _ENCRYPTION,
    },
    required=True,
)
_SHAPE = Shape(
    MappingProxyType(
        {
            "Destination": Shape({"S3BucketDestination": _DESTINATION}, required=True),
            "IsEnabled": _choice("true", "false"),
            "Filter": Shape({"Prefix": Shape(required=True)}),
            "Id": Shape(required=True),
            "IncludedObjectVersions": _choice("All", "Current"),
            "OptionalFields": Shape({"Field": Shape(repeated=True, values=OPTIONAL_FIELDS)}),
            "Schedule": Shape({"Frequency": _choice("Daily", "Weekly")}, required=True),
        }
    )
)


def put_inventory(exchange: Exchange) -> Answer:
    """PutBucketInventoryConfiguration: 204. The order of the checks is schema, id, destination."""
    bucket = exchange.bucket()
    inventory_id = exchange.call.parameter("id") or ""
    configuration = read(exchange.call.body, _ROOT, _SHAPE)
    _check_values(configuration)
    if configuration.value("Id") != inventory_id:
        raise S3Error("IdMismatch")
    # S3 looks at the ARN only: neither the existence nor the region nor the owner of the
    # destination is checked before the first report is due.
    _check_destination(configuration.value("Destination", "S3BucketDestination", "Bucket") or "")
    if inventory_id not in bucket.inventories and len(bucket.inventories) >= LIMIT:
        raise S3Error("TooManyConfigurations")
    bucket.inventories[inventory_id] = _document(configuration)
    return Answer(204)


def get_or_list_inventories(exchange: Exchange) -> Answer:
    """One configuration, or the list where `id` is absent or empty (measured)."""
    inventory_id = exchange.call.parameter("id")
    if not inventory_id:
        return _list(exchange)
    document = exchange.bucket().inventories.get(inventory_id)
    if document is None:
        raise S3Error("NoSuchConfiguration")
    return Answer(body=document)  # no Content-Type: measured


def delete_inventory(exchange: Exchange) -> Answer:
    """DeleteBucketInventoryConfiguration: 204, and 404 the second time."""
    bucket = exchange.bucket()
    inventory_id = exchange.call.parameter("id")
    if not inventory_id:
        raise S3Error("MalformedXML")
    if bucket.inventories.pop(inventory_id, None) is None:
        raise S3Error("NoSuchConfiguration")
    return Answer(204)


def inventory_not_allowed(exchange: Exchange) -> Answer:
    """HEAD, POST and PATCH: refused before the bucket is looked up (measured)."""
    raise S3Error(
        "MethodNotAllowed",
        members={"Method": exchange.call.method, "ResourceType": "INVENTORY"},
        headers=(("Allow", "DELETE, GET, PUT"),),
    )


def _list(exchange: Exchange) -> Answer:
    bucket = exchange.bucket()
    token = exchange.call.parameter("continuation-token")
    after = _after(token) if token else ""
    ids = sorted(name for name in bucket.inventories if name > after)
    page = ids[:PAGE]
    truncated = len(ids) > PAGE
    content = [_item(bucket.inventories[name]) for name in page]
    content.append(leaf("IsTruncated", "true" if truncated else "false"))
    if token is not None:
        content.append(leaf("ContinuationToken", token))
    if truncated:
        content.append(leaf("NextContinuationToken", _token(page[-1])))
    root = "ListInventoryConfigurationsResult"
    body = f'{PROLOG}<{root} xmlns="{NAMESPACE}">{"".join(content)}</{root}>'
    return Answer(body=body.encode())


def _token(last: str) -> str:
    return base64.b64encode(_TOKEN + last.encode()).decode()


def _after(token: str) -> str:
    try:
        decoded = base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError):
        raise S3Error("MalformedContinuationToken") from None
    if not decoded.startswith(_TOKEN):
        raise S3Error("MalformedContinuationToken")
    return decoded.removeprefix(_TOKEN).decode()


def _check_values(configuration: Node) -> None:
    """The rules a closed shape cannot say; S3 answers MalformedXML to all of them."""
    fields = configuration.find("OptionalFields")
    names = [] if fields is None else [node.text for node in fields.every("Field")]
    encryption = configuration.find("Destination", "S3BucketDestination", "Encryption")
    if (
        not _ID.fullmatch(configuration.value("Id") or "")
        or len(names) != len(set(names))
        or (encryption is not None and len(encryption.children) != 1)
    ):
        raise S3Error("MalformedXML")


def _check_destination(arn: str) -> None:
    parts = arn.split(":", _ARN_PARTS - 1)
    if len(parts) != _ARN_PARTS or parts[0] != "arn" or parts[2] != "s3":
        raise S3Error("InvalidS3DestinationBucket")
    if parts[4]:
        raise S3Error("InvalidS3DestinationBucket", "Bucket ARN should not specify a namespace.")
    if not parts[1].startswith("aws") or parts[3] or not _BUCKET_NAME.fullmatch(parts[5]):
        raise S3Error("InvalidS3DestinationBucket")


def _document(configuration: Node) -> bytes:
    """The document S3 gives back, children in the order a recorded answer has them."""
    destination = configuration.find("Destination", "S3BucketDestination")
    schedule = configuration.find("Schedule")
    content = [
        *_copied(configuration, "Id", "IsEnabled"),
        element("Destination", element("S3BucketDestination", *_destination(destination))),
        *(element("Filter", *_copied(node, "Prefix")) for node in configuration.every("Filter")),
        element("Schedule", *_copied(schedule, "Frequency")),
        *_copied(configuration, "IncludedObjectVersions"),
        *(
            element("OptionalFields", *_copied(node, "Field"))
            for node in configuration.every("OptionalFields")
        ),
    ]
    return f'{PROLOG}<{_ROOT} xmlns="{NAMESPACE}">{"".join(content)}</{_ROOT}>'.encode()


def _destination(destination: Node | None) -> list[str]:
    content = _copied(destination, "AccountId", "Bucket", "Format", "Prefix")
    for encryption in () if destination is None else destination.every("Encryption"):
        keys = [element("SSE-KMS", *_copied(node, "KeyId")) for node in encryption.every("SSE-KMS")]
        content.append(element("Encryption", *(keys or ["<SSE-S3/>"])))
    return content


def _copied(node: Node | None, *names: str) -> list[str]:
    if node is None:
        return []
    return [leaf(name, child.text) for name in names for child in node.every(name)]


def _item(document: bytes) -> str:
    """A stored document as a member of the list: no declaration, no namespace of its own."""
    return document.decode().removeprefix(PROLOG).lstrip().replace(f' xmlns="{NAMESPACE}"', "", 1)
