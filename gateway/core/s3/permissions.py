"""Which IAM actions S3 asks of whoever performs an operation.

From https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html; the
actions' existence and resources are held against IAM's own list by a test. Listed is what an
operation always needs, and what its variants need that ordinary clients use: a `versionId`, tags
beside an upload, tags that a copy takes along. Not listed is what goes further than the operation:
ACLs beside an upload (`PutObjectAcl` is in `bucket-admin`), bypassing governance retention, and
what other services ask: `iam:PassRole` for replication, `s3tables` actions for metadata tables.
RenameObject is for directory buckets, which have actions of their own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.core.s3.operations import Group, operations

#: bucket actions | object actions
_TABLE_TEXT: Final = """
ListObjects                              ListBucket
ListObjectsV2                            ListBucket
HeadBucket                               ListBucket
ListObjectVersions                       ListBucketVersions
ListMultipartUploads                     ListBucketMultipartUploads
CreateBucket                             CreateBucket
DeleteBucket                             DeleteBucket
GetBucketLocation                        GetBucketLocation
GetBucketAbac                            GetBucketAbac
PutBucketAbac                            PutBucketAbac
GetBucketAccelerateConfiguration         GetAccelerateConfiguration
PutBucketAccelerateConfiguration         PutAccelerateConfiguration
GetBucketAcl                             GetBucketAcl
PutBucketAcl                             PutBucketAcl
GetBucketAnalyticsConfiguration          GetAnalyticsConfiguration
ListBucketAnalyticsConfigurations        GetAnalyticsConfiguration
PutBucketAnalyticsConfiguration          PutAnalyticsConfiguration
DeleteBucketAnalyticsConfiguration       PutAnalyticsConfiguration
GetBucketCors                            GetBucketCORS
PutBucketCors                            PutBucketCORS
DeleteBucketCors                         PutBucketCORS
GetBucketEncryption                      GetEncryptionConfiguration
PutBucketEncryption                      PutEncryptionConfiguration
DeleteBucketEncryption                   PutEncryptionConfiguration
GetBucketIntelligentTieringConfiguration GetIntelligentTieringConfiguration
ListBucketIntelligentTieringConfigurations GetIntelligentTieringConfiguration
PutBucketIntelligentTieringConfiguration PutIntelligentTieringConfiguration
DeleteBucketIntelligentTieringConfiguration PutIntelligentTieringConfiguration
GetBucketInventoryConfiguration          GetInventoryConfiguration
ListBucketInventoryConfigurations        GetInventoryConfiguration
PutBucketInventoryConfiguration          PutInventoryConfiguration
DeleteBucketInventoryConfiguration       PutInventoryConfiguration
GetBucketLifecycleConfiguration          GetLifecycleConfiguration
PutBucketLifecycleConfiguration          PutLifecycleConfiguration
DeleteBucketLifecycle                    PutLifecycleConfiguration
GetBucketLogging                         GetBucketLogging
PutBucketLogging                         PutBucketLogging
CreateBucketMetadataConfiguration        CreateBucketMetadataTableConfiguration
GetBucketMetadataConfiguration           GetBucketMetadataTableConfiguration
DeleteBucketMetadataConfiguration        DeleteBucketMetadataTableConfiguration
CreateBucketMetadataTableConfiguration   CreateBucketMetadataTableConfiguration
GetBucketMetadataTableConfiguration      GetBucketMetadataTableConfiguration
DeleteBucketMetadataTableConfiguration   DeleteBucketMetadataTableConfiguration
UpdateBucketMetadataInventoryTableConfiguration UpdateBucketMetadataInventoryTableConfiguration
UpdateBucketMetadataJournalTableConfiguration UpdateBucketMetadataJournalTableConfiguration
UpdateBucketMetadataAnnotationTableConfiguration UpdateBucketMetadataAnnotationTableConfiguration
GetBucketMetricsConfiguration            GetMetricsConfiguration
ListBucketMetricsConfigurations          GetMetricsConfiguration
PutBucketMetricsConfiguration            PutMetricsConfiguration
DeleteBucketMetricsConfiguration         PutMetricsConfiguration
GetBucketNotificationConfiguration       GetBucketNotification
PutBucketNotificationConfiguration       PutBucketNotification
GetObjectLockConfiguration               GetBucketObjectLockConfiguration
PutObjectLockConfiguration               PutBucketObjectLockConfiguration
GetBucketOwnershipControls               GetBucketOwnershipControls
PutBucketOwnershipControls               PutBucketOwnershipControls
DeleteBucketOwnershipControls            PutBucketOwnershipControls
GetBucketPolicy                          GetBucketPolicy
PutBucketPolicy                          PutBucketPolicy
DeleteBucketPolicy                       DeleteBucketPolicy
GetBucketPolicyStatus                    GetBucketPolicyStatus
GetPublicAccessBlock                     GetBucketPublicAccessBlock
PutPublicAccessBlock                     PutBucketPublicAccessBlock
DeletePublicAccessBlock                  PutBucketPublicAccessBlock
GetBucketReplication                     GetReplicationConfiguration
PutBucketReplication                     PutReplicationConfiguration
DeleteBucketReplication                  PutReplicationConfiguration
GetBucketRequestPayment                  GetBucketRequestPayment
PutBucketRequestPayment                  PutBucketRequestPayment
GetBucketTagging                         GetBucketTagging
PutBucketTagging                         PutBucketTagging
DeleteBucketTagging                      PutBucketTagging
GetBucketVersioning                      GetBucketVersioning
PutBucketVersioning                      PutBucketVersioning
GetBucketWebsite                         GetBucketWebsite
PutBucketWebsite                         PutBucketWebsite
DeleteBucketWebsite                      DeleteBucketWebsite
GetObject                                | GetObject GetObjectVersion
HeadObject                               | GetObject GetObjectVersion
PutObject                                | PutObject PutObjectTagging
CopyObject        | GetObject GetObjectVersion GetObjectTagging GetObjectVersionTagging PutObject PutObjectTagging
DeleteObject                             | DeleteObject DeleteObjectVersion
DeleteObjects                            | DeleteObject DeleteObjectVersion
GetObjectAcl                             | GetObjectAcl GetObjectVersionAcl
PutObjectAcl                             | PutObjectAcl PutObjectVersionAcl
GetObjectAnnotation                      | GetObjectAnnotation GetObjectVersionAnnotation
PutObjectAnnotation                      | PutObjectAnnotation PutObjectVersionAnnotation
DeleteObjectAnnotation                   | DeleteObjectAnnotation DeleteObjectVersionAnnotation
ListObjectAnnotations                    | ListObjectAnnotations ListObjectVersionAnnotations
GetObjectAttributes                      | GetObject GetObjectAttributes GetObjectVersion GetObjectVersionAttributes
UpdateObjectEncryption                   | UpdateObjectEncryption
GetObjectLegalHold                       | GetObjectLegalHold
PutObjectLegalHold                       | PutObjectLegalHold
RenameObject                             |
RestoreObject                            | RestoreObject
GetObjectRetention                       | GetObjectRetention
PutObjectRetention                       | PutObjectRetention
SelectObjectContent                      | GetObject
GetObjectTagging                         | GetObjectTagging GetObjectVersionTagging
PutObjectTagging                         | PutObjectTagging PutObjectVersionTagging
DeleteObjectTagging                      | DeleteObjectTagging DeleteObjectVersionTagging
GetObjectTorrent                         | GetObjectTorrent GetObjectVersionTorrent
CreateMultipartUpload                    | PutObject PutObjectTagging
UploadPart                               | PutObject
UploadPartCopy                           | GetObject GetObjectVersion PutObject
CompleteMultipartUpload                  | PutObject
ListParts                                | ListMultipartUploadParts
AbortMultipartUpload                     | AbortMultipartUpload
"""  # noqa: E501 - a table
#: It names no bucket, so that its action takes every resource or none.
LIST_BUCKETS: Final = "ListBuckets"
LIST_BUCKETS_ACTION: Final = "s3:ListAllMyBuckets"


@dataclass(frozen=True, slots=True)
class Permission:
    """The actions of one operation, by the resource that they are granted on."""

    bucket: tuple[str, ...]
    object: tuple[str, ...]


def _read_table(text: str) -> Mapping[str, Permission]:
    found = {}
    for line in filter(None, text.splitlines()):
        name, _, actions = line.partition(" ")
        on_bucket, _, on_object = actions.partition("|")
        found[name] = Permission(_actions(on_bucket), _actions(on_object))
    return found


def _actions(text: str) -> tuple[str, ...]:
    return tuple(f"s3:{action}" for action in text.split())


#: operation -> actions; but for ListBuckets, and what the gateway refuses whatever is granted
PERMISSIONS: Final = _read_table(_TABLE_TEXT)


def permissions_of(groups: Iterable[Group]) -> Permission:
    """Every action that some operation of these groups needs, each once, sorted."""
    wanted = {*groups}
    names = [item.name for item in operations() if item.group in wanted]
    found = [PERMISSIONS[name] for name in names if name in PERMISSIONS]
    return Permission(
        tuple(sorted({action for item in found for action in item.bucket})),
        tuple(sorted({action for item in found for action in item.object})),
    )
