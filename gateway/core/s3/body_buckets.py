"""The buckets that a request's body sends data to: restores, access logs, replication, analytics.

S3 writes to them on the owner's behalf, so that a gateway which checks the path alone would be a
confused deputy for the body.
"""

import re
from typing import Final

from lxml import etree

from gateway.core.errors import malformed_xml

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
_DECLARATION: Final = re.compile(
    rb"""<\?xml\s+version="1\.0"(?:\s+encoding="[uU][tT][fF]-8")?\s*\?>"""
)


def named_in_body(body: bytes) -> frozenset[str]:
    """The names of the buckets in a body, ARNs taken apart.

    Args:
        body: whole, at most some 64 KiB; empty names nothing.

    Raises:
        RequestError: MalformedXML: it is one that two readers could read differently.
    """
    if not body.strip():
        return frozenset()
    rest = _DECLARATION.sub(b"", body, count=1) if _DECLARATION.match(body) else body
    if b"<!" in rest or b"<?" in rest:
        raise malformed_xml("comments, CDATA, document types and instructions are not taken")
    try:
        rest.decode("utf-8", errors="strict")
        parser = etree.XMLParser(
            encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False
        )
        root = etree.XML(rest, parser)
    except (UnicodeDecodeError, etree.XMLSyntaxError):
        raise malformed_xml("it is not well-formed UTF-8") from None
    return frozenset(
        "".join(element.itertext()).strip().rpartition(":")[2]
        for element in root.iter()
        if etree.QName(element).localname in _ELEMENTS
    )
