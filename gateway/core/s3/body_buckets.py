"""The buckets that a request's body sends data to: restores, access logs, replication, analytics.

S3 writes to them on the owner's behalf, so that a gateway which checks the path alone would be a
confused deputy for the body.
"""

from typing import Final

from lxml import etree

from gateway.core.errors import malformed_xml
from gateway.core.s3.strict_xml import read_tree

#: Operations whose body may name another bucket.
OPERATIONS: Final = frozenset(
    {
        "PutBucketAnalyticsConfiguration",
        "PutBucketLogging",
        "PutBucketReplication",
        "RestoreObject",
    }
)
#: `BucketName` of a restore, `TargetBucket` of access logs, `Bucket` (an ARN) of the others.
_ELEMENTS: Final = frozenset({"Bucket", "BucketName", "TargetBucket"})


def named_in_body(body: bytes) -> frozenset[str]:
    """The names of the buckets in a body, ARNs taken apart.

    Args:
        body: whole, at most some 64 KiB; empty names nothing.

    Raises:
        RequestError: MalformedXML: it is one that two readers could read differently.
    """
    if not body.strip():
        return frozenset()
    try:
        root = read_tree(body)
    except ValueError as fault:
        raise malformed_xml(str(fault)) from None
    return frozenset(
        "".join(element.itertext()).strip().rpartition(":")[2]
        for element in root.iter()
        if etree.QName(element).localname in _ELEMENTS
    )
