"""The buckets that a request's body sends data to: restores, logs, replication, analytics, tables.

S3 writes to them on the owner's behalf, so that a gateway which checks the path alone would be a
confused deputy for the body.
"""

import re
from collections.abc import Mapping
from typing import Final

from lxml import etree

from gateway.core.errors import malformed_xml
from gateway.core.s3.address import is_bucket_name
from gateway.core.s3.strict_xml import read_tree

#: Operations whose body may name another bucket.
OPERATIONS: Final = frozenset(
    {
        "CreateBucketMetadataConfiguration",
        "CreateBucketMetadataTableConfiguration",
        "PutBucketAnalyticsConfiguration",
        "PutBucketLogging",
        "PutBucketReplication",
        "RestoreObject",
    }
)
_ARN: Final = "arn:aws(?:-[a-z]+)*"  # and its partition
_BUCKET: Final = re.compile(rf"(?:{_ARN}:s3:::)?([^:/]*)", re.ASCII)
# "must be in the same Region and Amazon Web Services account as the general purpose bucket", hence
# the name is enough: https://docs.aws.amazon.com/AmazonS3/latest/API/API_S3TablesDestination.html
_TABLE_BUCKET: Final = re.compile(
    rf"{_ARN}:s3tables:[a-z0-9-]+:[0-9]{{12}}:bucket/([^:/]*)", re.ASCII
)
#: What its text must be: `BucketName` of a restore, `TargetBucket` of access logs, `Bucket` (an
#: ARN) of replication and analytics, `TableBucketArn` of metadata tables.
_FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    "Bucket": _BUCKET,
    "BucketName": _BUCKET,
    "TableBucketArn": _TABLE_BUCKET,
    "TargetBucket": _BUCKET,
}
#: The elements that name a bucket.
ELEMENTS: Final = frozenset(_FORMS)
_BLANKS: Final = " \t\r\n"  # XML 1.0, section 2.3


def named_in_body(body: bytes) -> frozenset[str]:
    """The names of the buckets in a body, ARNs taken apart.

    Args:
        body: whole, at most some 64 KiB; empty names nothing.

    Raises:
        RequestError: MalformedXML: it is one that two readers could read differently, or what
            should name a bucket does not.
    """
    if not body.strip():
        return frozenset()
    try:
        root = read_tree(body)
    except ValueError as fault:
        raise malformed_xml(str(fault)) from None
    tagged = [(etree.QName(element).localname, element) for element in root.iter()]
    return frozenset(_named_by(element, tag) for tag, element in tagged if tag in _FORMS)


def _named_by(element: etree._Element, tag: str) -> str:
    """The bucket's name. A child would split the text: readers see its first part, or all of it."""
    match = _FORMS[tag].fullmatch((element.text or "").strip(_BLANKS))
    if len(element) or match is None or not is_bucket_name(match[1]):
        raise malformed_xml(f"{tag} is not the name or the ARN of a bucket")
    return match[1]
