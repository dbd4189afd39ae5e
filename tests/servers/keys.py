"""Keys that normalisers would spoil. Where a server refuses one, it must do so either way."""

from typing import Any

from tests.servers.boto3_script import Boto, script
from tests.servers.script import Script

#: S3's limit, in bytes; no part is longer than a file name may be.
_LONGEST = "/".join(["k" * 204] * 5)
_LONGEST_IN_TWO_BYTES = "/".join(["ü" * 102] * 5)
_PUT_GET_HEAD = 3

#: By name: keys themselves would not all do as names of tests.
KEYS = {
    "space": "a b",
    "plus": "a+b",
    "percent": "100%",
    "escapes": "a%2Fb%20c",
    "unicode": "ü/é/日本/😀",
    "decomposed": "e\u0301",
    "marks": "!*'()",
    "reserved": "$&=;:@,?#[]",
    "unreserved": "~tilde-._",
    "xml": '<"quoted">&amp;',
    "backslash": "back\\slash",
    "spaces-around": " lead and trail ",
    "folder": "folder/",
    "leading-slash": "/leading",
    "two-slashes": "double//slash",
    "two-slashes-at-the-end": "end//",
    "dot-first": "./dot",
    "dot-within": "a/./b",
    "dots-within": "a/../b",
    "dots-first": "../up",
    "dots-alone": "..",
    "dots-last": "a/..",
    "dotted-names": "..hidden/...",
    "inventory": "inventory",
    "a-query": "x?inventory&id=1",
    "controls": "tab\tnewline\n",
    "long-name": "long/" + "k" * 250,
    "1024-bytes": _LONGEST,
    "1024-bytes-of-unicode": _LONGEST_IN_TWO_BYTES,
    "1024-bytes-in-one-name": "k" * 1024,
}
#: What versitygw does not store, and why.
REFUSED = {
    "folder": "a name that ends with a slash is a folder on its file system, without content",
    "two-slashes-at-the-end": "the same",
    "dots-first": "its HTTP server and it itself refuse paths that lead out of the bucket",
    "dots-alone": "the same",
    "dots-last": "the same",
    "1024-bytes-in-one-name": "a name in its file system has 255 bytes",
}


def is_stored(results: list[Any]) -> bool:
    """Whether the object was put, got and described."""
    return all(found["status"] == 200 for found in results[:_PUT_GET_HEAD])


def _with_key(key: str) -> Script:
    def use(s3: Boto) -> Any:
        source = {"Bucket": s3.side.bucket, "Key": key}
        prefix = key[: max(1, len(key) // 2)]
        return [
            s3("put_object", Key=key, Body=b"1"),
            s3("get_object", Key=key),
            s3("head_object", Key=key),
            s3("list_objects_v2"),
            s3("list_objects_v2", Delimiter="/"),
            s3("list_objects", Prefix=prefix, EncodingType="url"),
            s3("list_objects_v2", Prefix=prefix, Delimiter="/", EncodingType="url"),
            s3("list_objects", Marker=key),
            s3("list_objects_v2", StartAfter=key),
            s3("copy_object", Key="copy", CopySource=source),
            s3("put_object_tagging", Key=key, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}),
            s3("create_multipart_upload", Key=key),
            s3("list_multipart_uploads", Prefix=prefix),
            s3("delete_objects", Delete={"Objects": [{"Key": key}]}),
            s3("delete_object", Key=key),
            s3("list_objects_v2"),
        ]

    return script(use)


OPERATIONS = {name: _with_key(key) for name, key in KEYS.items()}
