"""Method, level and sub-resources decide the operation; what the table does not hold is refused.

The table follows botocore's S3 service model (a test compares them); the reading of sub-resources
follows what S3 answers in practice: selectors are case-sensitive, their value is ignored, several
bucket selectors are honoured at key paths too, and two different ones are an error.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

from gateway.core.errors import AccessDenied, RequestError
from gateway.core.s3.address import Bucket, Object, Root, S3Path
from gateway.core.s3.query import Query
from gateway.core.s3.request import S3Request


class Group(StrEnum):
    """What principals are granted; docs/principals.md says what is in each."""

    OBJECTS = "objects"
    LISTING = "listing"
    BUCKET_READ = "bucket-read"
    INVENTORY = "inventory"
    BUCKET_ADMIN = "bucket-admin"
    EXPORTS = "exports"
    REFUSED = "refused"


#: Granted to a principal that names no groups. `bucket-admin` and `exports` (which leak what
#: inventories leak: analytics, metadata tables, replication, logging, notification) are not.
DEFAULT_GROUPS: Final = frozenset(
    {Group.OBJECTS, Group.LISTING, Group.BUCKET_READ, Group.INVENTORY}
)


class Level(StrEnum):
    """What the path addresses."""

    SERVICE = "service"
    BUCKET = "bucket"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the S3 API, by its API name."""

    name: str
    group: Group

    @property
    def is_gated(self) -> bool:
        """Whether policy decides: the two that need `s3:PutInventoryConfiguration`."""
        return self.name in _GATED


PUT_INVENTORY: Final = "PutBucketInventoryConfiguration"
DELETE_INVENTORY: Final = "DeleteBucketInventoryConfiguration"
GET_INVENTORY: Final = "GetBucketInventoryConfiguration"
LIST_INVENTORY: Final = "ListBucketInventoryConfigurations"
_GATED: Final = frozenset({PUT_INVENTORY, DELETE_INVENTORY})

#: Sub-resources that S3 honours at a bucket path, beside the pagination and filter parameters.
BUCKET_SELECTORS: Final = frozenset(
    "abac accelerate acl analytics cors delete encryption intelligent-tiering inventory lifecycle "
    "location logging metadataConfiguration metadataTable metadataInventoryTable "
    "metadataJournalTable metadataAnnotationTable metrics notification object-lock "
    "ownershipControls policy policyStatus publicAccessBlock replication requestPayment restore "
    "session tagging torrent uploadId uploads versioning versions website partNumber".split()
)
OBJECT_SELECTORS: Final = frozenset(
    "acl annotation attributes encryption legal-hold renameObject restore retention select tagging "
    "torrent uploadId uploads".split()
)
#: Bucket selectors that S3 honours at any key path as well, `GET /b/any/key?inventory` included.
KEY_PATH_SELECTORS: Final = frozenset(
    "accelerate cors inventory lifecycle location notification policy replication requestPayment "
    "versioning website".split()
)
_EVERY_SELECTOR: Final = BUCKET_SELECTORS | OBJECT_SELECTORS
_HONOURED_AT_KEY_PATHS: Final = OBJECT_SELECTORS | KEY_PATH_SELECTORS

_TABLE_TEXT: Final = """
# method level  selector               group        operation
GET    service -                       listing      ListBuckets
GET    bucket  -                       listing      ListObjects
HEAD   bucket  -                       listing      HeadBucket
PUT    bucket  -                       bucket-admin CreateBucket
DELETE bucket  -                       bucket-admin DeleteBucket
POST   bucket  delete                  objects      DeleteObjects
GET    bucket  versions                listing      ListObjectVersions
GET    bucket  uploads                 listing      ListMultipartUploads
GET    bucket  location                bucket-read  GetBucketLocation
GET    bucket  session                 refused      CreateSession
GET    bucket  abac                    bucket-read  GetBucketAbac
PUT    bucket  abac                    bucket-admin PutBucketAbac
GET    bucket  accelerate              bucket-read  GetBucketAccelerateConfiguration
PUT    bucket  accelerate              bucket-admin PutBucketAccelerateConfiguration
GET    bucket  acl                     bucket-read  GetBucketAcl
PUT    bucket  acl                     bucket-admin PutBucketAcl
GET    bucket  analytics               exports      GetBucketAnalyticsConfiguration
PUT    bucket  analytics               exports      PutBucketAnalyticsConfiguration
DELETE bucket  analytics               exports      DeleteBucketAnalyticsConfiguration
GET    bucket  cors                    bucket-read  GetBucketCors
PUT    bucket  cors                    bucket-admin PutBucketCors
DELETE bucket  cors                    bucket-admin DeleteBucketCors
GET    bucket  encryption              bucket-read  GetBucketEncryption
PUT    bucket  encryption              bucket-admin PutBucketEncryption
DELETE bucket  encryption              bucket-admin DeleteBucketEncryption
GET    bucket  intelligent-tiering     bucket-read  GetBucketIntelligentTieringConfiguration
PUT    bucket  intelligent-tiering     bucket-admin PutBucketIntelligentTieringConfiguration
DELETE bucket  intelligent-tiering     bucket-admin DeleteBucketIntelligentTieringConfiguration
GET    bucket  inventory               inventory    GetBucketInventoryConfiguration
PUT    bucket  inventory               inventory    PutBucketInventoryConfiguration
DELETE bucket  inventory               inventory    DeleteBucketInventoryConfiguration
GET    bucket  lifecycle               bucket-read  GetBucketLifecycleConfiguration
PUT    bucket  lifecycle               bucket-admin PutBucketLifecycleConfiguration
DELETE bucket  lifecycle               bucket-admin DeleteBucketLifecycle
GET    bucket  logging                 exports      GetBucketLogging
PUT    bucket  logging                 exports      PutBucketLogging
POST   bucket  metadataConfiguration   exports      CreateBucketMetadataConfiguration
GET    bucket  metadataConfiguration   exports      GetBucketMetadataConfiguration
DELETE bucket  metadataConfiguration   exports      DeleteBucketMetadataConfiguration
POST   bucket  metadataTable           exports      CreateBucketMetadataTableConfiguration
GET    bucket  metadataTable           exports      GetBucketMetadataTableConfiguration
DELETE bucket  metadataTable           exports      DeleteBucketMetadataTableConfiguration
PUT    bucket  metadataInventoryTable  exports      UpdateBucketMetadataInventoryTableConfiguration
PUT    bucket  metadataJournalTable    exports      UpdateBucketMetadataJournalTableConfiguration
PUT    bucket  metadataAnnotationTable exports      UpdateBucketMetadataAnnotationTableConfiguration
GET    bucket  metrics                 bucket-read  GetBucketMetricsConfiguration
PUT    bucket  metrics                 bucket-admin PutBucketMetricsConfiguration
DELETE bucket  metrics                 bucket-admin DeleteBucketMetricsConfiguration
GET    bucket  notification            exports      GetBucketNotificationConfiguration
PUT    bucket  notification            exports      PutBucketNotificationConfiguration
GET    bucket  object-lock             bucket-read  GetObjectLockConfiguration
PUT    bucket  object-lock             bucket-admin PutObjectLockConfiguration
GET    bucket  ownershipControls       bucket-read  GetBucketOwnershipControls
PUT    bucket  ownershipControls       bucket-admin PutBucketOwnershipControls
DELETE bucket  ownershipControls       bucket-admin DeleteBucketOwnershipControls
GET    bucket  policy                  bucket-read  GetBucketPolicy
PUT    bucket  policy                  bucket-admin PutBucketPolicy
DELETE bucket  policy                  bucket-admin DeleteBucketPolicy
GET    bucket  policyStatus            bucket-read  GetBucketPolicyStatus
GET    bucket  publicAccessBlock       bucket-read  GetPublicAccessBlock
PUT    bucket  publicAccessBlock       bucket-admin PutPublicAccessBlock
DELETE bucket  publicAccessBlock       bucket-admin DeletePublicAccessBlock
GET    bucket  replication             exports      GetBucketReplication
PUT    bucket  replication             exports      PutBucketReplication
DELETE bucket  replication             exports      DeleteBucketReplication
GET    bucket  requestPayment          bucket-read  GetBucketRequestPayment
PUT    bucket  requestPayment          bucket-admin PutBucketRequestPayment
GET    bucket  tagging                 bucket-read  GetBucketTagging
PUT    bucket  tagging                 bucket-admin PutBucketTagging
DELETE bucket  tagging                 bucket-admin DeleteBucketTagging
GET    bucket  versioning              bucket-read  GetBucketVersioning
PUT    bucket  versioning              bucket-admin PutBucketVersioning
GET    bucket  website                 bucket-read  GetBucketWebsite
PUT    bucket  website                 bucket-admin PutBucketWebsite
DELETE bucket  website                 bucket-admin DeleteBucketWebsite
GET    object  -                       objects      GetObject
HEAD   object  -                       objects      HeadObject
PUT    object  -                       objects      PutObject
DELETE object  -                       objects      DeleteObject
GET    object  acl                     objects      GetObjectAcl
PUT    object  acl                     bucket-admin PutObjectAcl
GET    object  annotation              objects      GetObjectAnnotation
PUT    object  annotation              objects      PutObjectAnnotation
DELETE object  annotation              objects      DeleteObjectAnnotation
GET    object  attributes              objects      GetObjectAttributes
PUT    object  encryption              objects      UpdateObjectEncryption
GET    object  legal-hold              objects      GetObjectLegalHold
PUT    object  legal-hold              objects      PutObjectLegalHold
PUT    object  renameObject            objects      RenameObject
POST   object  restore                 objects      RestoreObject
GET    object  retention               objects      GetObjectRetention
PUT    object  retention               objects      PutObjectRetention
POST   object  select                  objects      SelectObjectContent
GET    object  tagging                 objects      GetObjectTagging
PUT    object  tagging                 objects      PutObjectTagging
DELETE object  tagging                 objects      DeleteObjectTagging
GET    object  torrent                 objects      GetObjectTorrent
POST   object  uploads                 objects      CreateMultipartUpload
PUT    object  uploadId                objects      UploadPart
POST   object  uploadId                objects      CompleteMultipartUpload
GET    object  uploadId                objects      ListParts
DELETE object  uploadId                objects      AbortMultipartUpload
"""


def _read_table(text: str) -> Mapping[tuple[str, str, str], Operation]:
    rows = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return {
        (method, level, selector): Operation(name, Group(group))
        for method, level, selector, group, name in rows
    }


#: (method, level, selector or "-") -> operation
TABLE: Final = _read_table(_TABLE_TEXT)
#: What a second parameter or header turns an operation into: (operation, sign) -> operation.
VARIANTS: Final[Mapping[str, Operation]] = {
    "ListObjectsV2": Operation("ListObjectsV2", Group.LISTING),
    "CopyObject": Operation("CopyObject", Group.OBJECTS),
    "UploadPartCopy": Operation("UploadPartCopy", Group.OBJECTS),
    "ListObjectAnnotations": Operation("ListObjectAnnotations", Group.OBJECTS),
    LIST_INVENTORY: Operation(LIST_INVENTORY, Group.INVENTORY),
    "ListBucketAnalyticsConfigurations": Operation(
        "ListBucketAnalyticsConfigurations", Group.EXPORTS
    ),
    "ListBucketIntelligentTieringConfigurations": Operation(
        "ListBucketIntelligentTieringConfigurations", Group.BUCKET_READ
    ),
    "ListBucketMetricsConfigurations": Operation(
        "ListBucketMetricsConfigurations", Group.BUCKET_READ
    ),
}

_COPIES: Final = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}
_LISTS: Final = {
    GET_INVENTORY: LIST_INVENTORY,
    "GetBucketAnalyticsConfiguration": "ListBucketAnalyticsConfigurations",
    "GetBucketIntelligentTieringConfiguration": "ListBucketIntelligentTieringConfigurations",
    "GetBucketMetricsConfiguration": "ListBucketMetricsConfigurations",
}

#: What makes a presigned URL one of SigV2, which signs neither `id` nor the body.
SIGV2_PARAMETERS: Final = frozenset({"AWSAccessKeyId", "Signature"})
#: The parameters that a gated write may carry: anything else is a request we do not understand.
_PRESIGN = frozenset(
    "x-amz-algorithm x-amz-credential x-amz-date x-amz-expires x-amz-signedheaders "
    "x-amz-signature x-amz-security-token x-amz-content-sha256 x-amz-expected-bucket-owner".split()
)
#: The parameters of the model that select nothing, and what clients add that means nothing to S3:
#: `x-id`, the parts of a SigV2 signature, and headers that a presigner took into the query.
PARAMETERS: Final = frozenset(
    "annotation-prefix annotationName bucket-region continuation-token delimiter encoding-type "
    "fetch-owner id key-marker list-type marker max-annotation-results max-buckets "
    "max-directory-buckets max-keys max-parts max-uploads part-number-marker prefix "
    "response-cache-control response-content-disposition response-content-encoding "
    "response-content-language response-content-type response-expires select-type start-after "
    "upload-id-marker version-id-marker versionId "
    "x-id AWSAccessKeyId Signature Expires content-md5 content-type date user-agent".split()
)
_READS: Final = frozenset({"GET", "HEAD"})
_KNOWN_NAMES: Final = PARAMETERS | _EVERY_SELECTOR
_SEPARATORS = re.compile(r"[&;]")


def classify(request: S3Request) -> Operation:
    """Say which operation S3 would perform.

    The order of the checks is S3's: conflicting selectors and `versionId` come before anything
    else, so they are answered before the bucket or the signature is looked at.

    Raises:
        RequestError: InvalidArgument, where a spelling is doubtful, selectors conflict or
            `versionId` stands beside a bucket selector; MethodNotAllowed.
        AccessDenied: NotImplemented, where the table knows no such operation or the query holds a
            name that nobody knows.
    """
    level = _level(request.path)
    names = request.query.names
    _refuse_doubtful_names(request.query)
    selector = _selector(request.query, level, names)
    effective = _honoured_level(level, selector)
    if "versionId" in names and effective is Level.BUCKET and selector is not None:
        raise RequestError(
            "InvalidArgument",
            "This operation does not accept a version-id.",
            members={
                "ArgumentName": "versionId",
                "ArgumentValue": request.query.all("versionId")[0],
            },
        )
    operation = TABLE.get((request.method, effective, selector or "-"))
    if operation is None:
        raise _unlisted(request.method, effective, selector)
    operation = _variant(operation, request, names)
    if selector == "inventory":
        _check_inventory_path(request.path)
    if operation.is_gated:
        _check_gated_query(operation, request.query)
    elif not names <= _KNOWN_NAMES and (selector is None or request.method not in _READS):
        _refuse_unknown_names(names)
    return operation


def _level(path: S3Path) -> Level:
    match path:
        case Root():
            return Level.SERVICE
        case Bucket():
            return Level.BUCKET
        case Object():  # pragma: no branch - the union is closed
            return Level.OBJECT


def _selector(query: Query, level: Level, names: frozenset[str]) -> str | None:
    """The one sub-resource of the query.

    Raises:
        RequestError: two different selectors, in S3's words.
    """
    found = sorted(names & _EVERY_SELECTOR)
    if level is Level.OBJECT and "inventory" not in found:
        # S3 ignores at key paths the bucket selectors that it does not honour there; beside
        # `inventory` every known selector is a conflict.
        found = [name for name in found if name in _HONOURED_AT_KEY_PATHS]
    if len(found) > 1:
        first = next(item.name for item in query.parameters if item.name in found)
        raise RequestError(
            "InvalidArgument",
            f"Conflicting query string parameters: {', '.join(found)}",
            members={"ArgumentName": "ResourceType", "ArgumentValue": first},
        )
    if not found:
        return None
    query.one(found[0])  # the same selector twice has no second meaning, but no use either
    return found[0]


def _honoured_level(level: Level, selector: str | None) -> Level:
    """`?inventory` at a key path is the bucket's inventory; so are a few others."""
    if level is Level.OBJECT and selector in KEY_PATH_SELECTORS:
        return Level.BUCKET
    return level


def _variant(operation: Operation, request: S3Request, names: frozenset[str]) -> Operation:
    """The operations that a parameter or header tells from their sibling in the table."""
    match operation.name:
        case "ListObjects":
            other = "ListObjectsV2" if request.query.one("list-type") == "2" else None
        case "PutObject" | "UploadPart":
            is_copy = request.amz("x-amz-copy-source") is not None
            other = _COPIES[operation.name] if is_copy else None
        case "GetObjectAnnotation":
            other = None if "annotationName" in names else "ListObjectAnnotations"
        case _ if operation.name in _LISTS:  # `id=` lists, as an absent id does
            other = None if request.query.one("id") else _LISTS[operation.name]
        case _:
            other = None
    return operation if other is None else VARIANTS[other]


def _unlisted(method: str, level: Level, selector: str | None) -> RequestError | AccessDenied:
    """405 where S3 knows the sub-resource under other methods, else 501."""
    allowed = sorted(m for (m, lvl, sel) in TABLE if lvl == level and sel == (selector or "-"))
    if selector == "inventory" and level is not Level.SERVICE:
        return RequestError(
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            members={"Method": method, "ResourceType": "INVENTORY"},
            headers={"Allow": ", ".join(allowed)},
        )
    if method == "POST" and level is Level.BUCKET and selector is None:
        return AccessDenied(
            "The gateway does not take browser form uploads (POST policy). "
            "Use PUT with a SigV4 signature, or a presigned URL.",
            code="NotImplemented",
        )
    where = f"{level} request" + (f" with ?{selector}" if selector else "")
    return AccessDenied(
        f"The gateway does not implement {method[:20]} for a {where}. "
        "Operations that it does not know are never passed on.",
        code="NotImplemented",
    )


def _refuse_unknown_names(names: frozenset[str]) -> None:
    """S3 ignores a name that it does not know, until it makes a sub-resource of it.

    From that day `PUT /b/k?new` would be another operation, signed here as PutObject. Beside a
    selector a read is safe: two of them are a conflict to S3. Names that begin with `x-` stay
    free for what clients want to see in their access logs:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html#LogFormatCustom
    """
    unknown = [
        name
        for name in names - _KNOWN_NAMES
        if not (name.startswith("x-") or name.lower().startswith("x-amz-"))
    ]
    if unknown:
        raise AccessDenied(
            f"The gateway does not know the query parameter {min(unknown)[:80]!r}. What it does "
            "not know is never passed on.",
            code="NotImplemented",
        )


def _refuse_doubtful_names(query: Query) -> None:
    """Refuse every spelling that some reader might take for `inventory`.

    S3 ignores `?Inventory`, so that `DELETE /b?Inventory` deletes the bucket; a reader that splits
    at semicolons sees `inventory` in `?x;inventory`; how S3 takes `%69nventory` is not known.
    """
    if not query.parameters:
        return
    raw = query.raw
    if "%" not in raw and "inventory" not in raw.lower():
        return
    spelled = [token.partition("=")[0] for token in _SEPARATORS.split(raw)]
    for name in spelled:
        if name == "inventory" or "inventory" not in _folded(name):
            continue
        if name in BUCKET_SELECTORS:
            continue
        raise RequestError(
            "InvalidArgument",
            f"The query parameter {name[:80]!r} is not an operation that this gateway knows. "
            "Spell it ?inventory, in lower case, unescaped and once.",
            members={"ArgumentName": "ResourceType", "ArgumentValue": name[:80]},
        )
    if ";" in raw and "inventory" in spelled:
        raise RequestError(
            "InvalidArgument", "A semicolon does not separate query parameters. Escape it as %3B."
        )


def _folded(name: str) -> str:
    """The name as the laxest of readers might see it: unescaped to the end, one case, one form."""
    for _ in range(4):
        decoded = unquote(name)
        if decoded == name:
            break
        name = decoded
    return unicodedata.normalize("NFKC", name).casefold()


def _check_inventory_path(path: S3Path) -> None:
    """At a key path the bucket must be beyond doubt, for readers that resolve dot segments too."""
    if isinstance(path, Object) and not {".", ".."}.isdisjoint(path.key.split("/")):
        raise RequestError("InvalidURI", "A path with dot segments cannot name a bucket.")


def _check_gated_query(operation: Operation, query: Query) -> None:
    """A gated write carries `inventory`, one `id`, and what signing adds: nothing else."""
    if not SIGV2_PARAMETERS.isdisjoint(query.names):
        return  # refused next, by `read_claim`, in words that say what to set
    allowed = _PRESIGN | {"inventory", "id", "x-id"}
    for item in query.parameters:
        if item.name not in allowed and item.name.lower() not in _PRESIGN:
            raise RequestError(
                "InvalidArgument",
                f"The query parameter {item.name[:80]!r} is not one of {operation.name}.",
                members={"ArgumentName": item.name[:80], "ArgumentValue": item.value[:80]},
            )
        if item.name_was_encoded:
            raise RequestError(
                "InvalidArgument", "Write the names of query parameters without % escapes."
            )
    if query.one("id") is None:
        raise RequestError(
            "InvalidArgument",
            f"{operation.name} needs the query parameter id.",
            members={"ArgumentName": "id", "ArgumentValue": ""},
        )


def operations() -> Iterable[Operation]:
    """Every operation that the gateway knows, for the tests."""
    yield from TABLE.values()
    yield from VARIANTS.values()
