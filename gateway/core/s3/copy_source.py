"""The second bucket of a request: `x-amz-copy-source` and `x-amz-rename-source`.

A gateway that checks the path alone is a confused deputy for the source of a copy.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

from typing import Final

from gateway.core.errors import RequestError
from gateway.core.s3.address import check_bucket_name
from gateway.core.s3.query import decode
from gateway.core.s3.request import S3Request

_SOURCES: Final = ("x-amz-copy-source", "x-amz-rename-source")


def named_buckets(request: S3Request) -> frozenset[str]:
    """The buckets that the headers name beside the one in the path.

    RenameObject is of directory buckets, which are not taken here. A server that takes it for
    others may read a bucket in its source, so that one without a bucket is refused.

    Raises:
        RequestError: the value is not `bucket/key` (access point ARNs are not taken).
    """
    sources = {name: request.amz(name) for name in _SOURCES}
    return frozenset(
        _bucket_of(source, name) for name, source in sources.items() if source is not None
    )


def _bucket_of(source: str, name: str) -> str:
    path = decode(source.partition("?")[0]).removeprefix("/")
    bucket, slash, key = path.partition("/")
    if not slash or not key:
        raise RequestError(
            "InvalidArgument",
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            members={"ArgumentName": name, "ArgumentValue": source[:255]},
        )
    check_bucket_name(bucket)
    return bucket
