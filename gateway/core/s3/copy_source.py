"""The second bucket of a request: `x-amz-copy-source` and `x-amz-rename-source`.

A gateway that checks the path alone is a confused deputy for the source of a copy.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

from gateway.core.errors import RequestError
from gateway.core.s3.address import check_bucket_name
from gateway.core.s3.query import decode
from gateway.core.s3.request import S3Request


def named_buckets(request: S3Request) -> frozenset[str]:
    """The buckets that the headers name beside the one in the path.

    Raises:
        RequestError: the value is not `bucket/key` (access point ARNs are not taken).
    """
    source = request.amz("x-amz-copy-source")
    # RenameObject's source is a key of the same bucket; what looks like another is refused there.
    return frozenset() if source is None else frozenset({_bucket_of(source)})


def _bucket_of(source: str) -> str:
    path = decode(source.partition("?")[0]).removeprefix("/")
    bucket, slash, key = path.partition("/")
    if not slash or not key:
        raise RequestError(
            "InvalidArgument",
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            members={"ArgumentName": "x-amz-copy-source", "ArgumentValue": source[:255]},
        )
    check_bucket_name(bucket)
    return bucket
