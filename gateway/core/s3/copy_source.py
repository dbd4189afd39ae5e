"""The second bucket of a request: `x-amz-copy-source` and `x-amz-rename-source`.

A gateway that checks the path alone is a confused deputy for the source of a copy.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

from typing import Final

from gateway.core.errors import RequestError
from gateway.core.s3.address import check_bucket_name
from gateway.core.s3.query import decode
from gateway.core.s3.request import S3Request

_COPIED: Final = "x-amz-copy-source"
_RENAMED: Final = "x-amz-rename-source"
_NONE: Final[frozenset[str]] = frozenset()


def named_buckets(request: S3Request) -> frozenset[str]:
    """The buckets that the headers name beside the one in the path.

    RenameObject is of directory buckets, which are not taken here. A server that takes it for
    others may read a bucket in its source, so that one without a bucket is refused.

    Raises:
        RequestError: the value is not `bucket/key` (access point ARNs are not taken).
    """
    copied, renamed = request.amz(_COPIED), request.amz(_RENAMED)
    if copied is None and renamed is None:  # as good as always
        return _NONE
    sources = ((_COPIED, copied), (_RENAMED, renamed))
    return frozenset(_bucket_of(source, name) for name, source in sources if source is not None)


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
