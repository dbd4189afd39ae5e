"""Objects, as boto3 puts, reads, copies and deletes them."""

from typing import Any

from tests.servers.boto3_script import BODY, LARGE, Boto, Table

OPERATIONS = Table()


@OPERATIONS.entry(refused="404 NoSuchKey")
def put_get_head_delete(s3: Boto) -> Any:
    """With all that can be said of an object."""
    return [
        s3(
            "put_object",
            Key="a.csv",
            Body=BODY,
            ContentType="text/csv",
            CacheControl="max-age=1, private",
            ContentDisposition='attachment; filename="a b.csv"',
            ContentEncoding="identity",
            ContentLanguage="de",
            Metadata={"one": "1", "two": "a  b"},
        ),
        s3("get_object", Key="a.csv"),
        s3("head_object", Key="a.csv"),
        s3("delete_object", Key="a.csv"),
        s3("head_object", Key="a.csv"),
        s3("get_object", Key="a.csv"),
        s3("delete_object", Key="a.csv"),
    ]


@OPERATIONS.entry()
def empty_object(s3: Boto) -> Any:
    """No bytes at all; and some behind it on the same connection."""
    return [
        s3("put_object", Key="empty", Body=b""),
        s3("put_object", Key="a", Body=BODY),
        s3("get_object", Key="empty"),
        s3("get_object", Key="a"),
    ]


@OPERATIONS.entry()
def large_object(s3: Boto) -> Any:
    """In one request."""
    return [
        s3("put_object", Key="large", Body=LARGE),
        s3("get_object", Key="large"),
        s3("get_object", Key="large", Range="bytes=20000000-20000100"),
    ]


@OPERATIONS.entry(refused="InvalidRange")
def ranges(s3: Boto) -> Any:
    """Every form, the impossible one and the nonsensical one."""
    s3.put("a")
    size = len(BODY)
    forms = ("0-9", f"{size - 10}-", "-7", f"10-{size * 2}", f"{size}-", "9-3", "x", "0-1,4-5")
    return [s3("get_object", Key="a", Range=f"bytes={form}") for form in forms] + [
        s3("head_object", Key="a", Range="bytes=0-9")
    ]


@OPERATIONS.entry(
    refused="PreconditionFailed 412 304 304 PreconditionFailed 412 PreconditionFailed "
    "PreconditionFailed NoSuchKey PreconditionFailed PreconditionFailed "
    "PreconditionFailed"
)
def conditions(s3: Boto) -> Any:
    """Reads and writes under conditions, both ways."""
    s3.put("a")
    etag = s3.s3.head_object(Bucket=s3.side.bucket, Key="a")["ETag"]
    other = '"00000000000000000000000000000000"'
    past, future = "2001-01-01T00:00:00Z", "2101-01-01T00:00:00Z"
    reads = [
        {"IfMatch": etag},
        {"IfMatch": other},
        {"IfNoneMatch": etag},
        {"IfNoneMatch": other},
        {"IfModifiedSince": past},
        {"IfModifiedSince": future},
        {"IfUnmodifiedSince": past},
        {"IfUnmodifiedSince": future},
    ]
    found = [s3(name, Key="a", **how) for how in reads for name in ("get_object", "head_object")]
    found += [
        s3("put_object", Key="a", Body=b"1", IfNoneMatch="*"),
        s3("put_object", Key="b", Body=b"1", IfNoneMatch="*"),
        s3("put_object", Key="a", Body=b"1", IfMatch=other),
        s3("put_object", Key="a", Body=b"1", IfMatch=etag),
        s3("put_object", Key="none", Body=b"1", IfMatch=etag),
        s3("delete_object", Key="b", IfMatch=other),
    ]
    source = {"Bucket": s3.side.bucket, "Key": "b"}
    copies = [
        {"CopySourceIfMatch": other},
        {"CopySourceIfNoneMatch": other},
        {"CopySourceIfModifiedSince": past},
        {"CopySourceIfUnmodifiedSince": past},
    ]
    return found + [s3("copy_object", Key="c", CopySource=source, **how) for how in copies]


@OPERATIONS.entry(refused="PreconditionFailed InvalidRequest NoSuchKey NoSuchBucket")
def copy(s3: Boto) -> Any:
    """Within the bucket: under odd names, with other metadata, under a condition, onto itself."""
    s3.put("a b+ü%2F")
    source = {"Bucket": s3.side.bucket, "Key": "a b+ü%2F"}
    replaced = {"MetadataDirective": "REPLACE", "Metadata": {"new": "1"}, "ContentType": "a/b"}
    gone = {"Bucket": s3.side.bucket, "Key": "gone"}
    abroad = {"Bucket": "acme-no-such-bucket", "Key": "a"}
    return [
        s3("copy_object", Key="c d", CopySource=source),
        s3("get_object", Key="c d"),
        s3("copy_object", Key="e", CopySource=source, **replaced),
        s3("head_object", Key="e"),
        s3("copy_object", Key="f", CopySource=source, CopySourceIfMatch='"0"'),
        s3("copy_object", Key="a b+ü%2F", CopySource=source),
        s3("copy_object", Key="g", CopySource=gone),
        s3("copy_object", Key="g", CopySource=abroad),
    ]


@OPERATIONS.entry()
def delete_many(s3: Boto) -> Any:
    """Some that are there, one that is not; quietly and not."""
    s3.put("a b", "ü", "c&<d>", "e", body=b"1")
    wanted = [{"Key": key} for key in ("a b", "ü", "c&<d>", "gone")]
    return [
        s3("delete_objects", Delete={"Objects": wanted}),
        s3("delete_objects", Delete={"Objects": [{"Key": "e"}], "Quiet": True}),
        s3("delete_objects", Delete={"Objects": []}),
        s3("list_objects_v2"),
    ]


@OPERATIONS.entry()
def delete_a_thousand(s3: Boto) -> Any:
    """As many as S3 takes at once, in a document of 800 KB; three are there."""
    long = "/".join(["ü <&>%+" * 20] * 4)
    keys = [f"{number:04d}/{long}" for number in range(1000)]
    s3.put(keys[0], keys[500], keys[999], body=b"1")
    wanted = [{"Key": key} for key in keys]
    return [s3("delete_objects", Delete={"Objects": wanted}), s3("list_objects_v2")]


@OPERATIONS.entry(refused="InvalidTag NoSuchTagSet")
def tagging(s3: Boto) -> Any:
    """Of an object, at its creation and later; of the bucket."""
    tags = [{"Key": "a b", "Value": "1+2 = x@y/z:_.-"}, {"Key": "x", "Value": ""}]
    source = {"Bucket": s3.side.bucket, "Key": "a"}
    return [
        s3("put_object", Key="a", Body=b"1", Tagging="a%20b=1%2B2&c="),
        s3("get_object_tagging", Key="a"),
        s3("put_object_tagging", Key="a", Tagging={"TagSet": tags}),
        s3("get_object_tagging", Key="a"),
        s3("head_object", Key="a"),
        s3("copy_object", Key="b", CopySource=source, TaggingDirective="REPLACE", Tagging="d=4"),
        s3("get_object_tagging", Key="b"),
        s3("put_object_tagging", Key="a", Tagging={"TagSet": [{"Key": "a", "Value": "&"}]}),
        s3("delete_object_tagging", Key="a"),
        s3("get_object_tagging", Key="a"),
        s3("put_bucket_tagging", Tagging={"TagSet": tags}),
        s3("get_bucket_tagging"),
        s3("delete_bucket_tagging"),
        s3("get_bucket_tagging"),
    ]


@OPERATIONS.entry(refused="NotImplemented NotImplemented")
def acls(s3: Boto) -> Any:
    """Of the bucket and, where there are any, of an object."""
    s3.put("a")
    return [
        s3("get_bucket_acl"),
        s3("put_bucket_acl", ACL="public-read"),
        s3("get_bucket_acl"),
        s3("put_object_acl", Key="a", ACL="private"),
        s3("get_object_acl", Key="a"),
        s3("put_object", Key="b", Body=b"1", ACL="bucket-owner-full-control"),
    ]


@OPERATIONS.entry()
def object_attributes(s3: Boto) -> Any:
    """GetObjectAttributes."""
    s3.put("a")
    wanted = ["ETag", "Checksum", "ObjectSize", "StorageClass", "ObjectParts"]
    return s3("get_object_attributes", Key="a", ObjectAttributes=wanted)
