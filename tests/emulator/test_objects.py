"""Objects through a real SDK: metadata, ranges, conditions, copies, listings, multipart."""

import asyncio
import hashlib

import pytest
from botocore.exceptions import ClientError

ODD_KEYS = [
    "../x",
    "./y",
    "/",
    "//",
    "a//b/",
    "a+b",
    "a b&<c>",
    "ü/日本/😀",
    "100%",
    "~!*'()",
    "?q#f",
]


async def test_put_and_get(sdk, emulator):
    """Bytes, type and metadata come back; the checksum is echoed."""
    put = await sdk(
        "put_object",
        Bucket="reports",
        Key="k",
        Body=b"hello",
        ContentType="text/plain",
        CacheControl="no-store",
        Metadata={"who": "me"},
        Tagging="a=1&b=",
    )
    assert put["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'  # noqa: S324 - an entity tag
    assert put["ChecksumCRC32"] == "NhCmhg=="
    got = await sdk("get_object", Bucket="reports", Key="k")
    assert got["Body"].read() == b"hello"
    assert (got["ContentType"], got["CacheControl"]) == ("text/plain", "no-store")
    assert (got["Metadata"], got["TagCount"]) == ({"who": "me"}, 2)
    head = await sdk("head_object", Bucket="reports", Key="k", ChecksumMode="ENABLED")
    assert (head["ContentLength"], head["ChecksumCRC32"]) == (5, "NhCmhg==")
    stored = emulator.buckets["reports"].objects["k"]
    assert (stored.body, stored.metadata, stored.etag) == (b"hello", {"who": "me"}, put["ETag"])
    await sdk("delete_object", Bucket="reports", Key="k")
    with pytest.raises(ClientError, match="NoSuchKey"):
        await sdk("get_object", Bucket="reports", Key="k")


async def test_odd_keys(sdk, emulator):
    """Keys are opaque: written, read, listed, copied and deleted as they are."""
    for key in ODD_KEYS:
        await sdk("put_object", Bucket="reports", Key=key, Body=key.encode())
        got = await sdk("get_object", Bucket="reports", Key=key)
        assert got["Body"].read() == key.encode()
        await sdk(
            "copy_object",
            Bucket="reports",
            Key=f"copy/{key}",
            CopySource={"Bucket": "reports", "Key": key},
        )
    listed = await sdk("list_objects_v2", Bucket="reports")
    keys = [found["Key"] for found in listed["Contents"]]
    assert set(keys) == {*ODD_KEYS, *(f"copy/{key}" for key in ODD_KEYS)}
    deleted = await sdk(
        "delete_objects", Bucket="reports", Delete={"Objects": [{"Key": key} for key in keys]}
    )
    assert [found["Key"] for found in deleted["Deleted"]] == keys
    assert not emulator.buckets["reports"].objects


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=5-100", 206, b"56789"),
        ("bytes=4-2", 200, b"0123456789"),
        ("bytes=0-1,3-4", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
        ("bytes=10-", 416, None),
        ("bytes=-0", 416, None),
    ],
)
async def test_ranges(raw, asked, status, body):
    """One range of bytes; what cannot be read is ignored."""
    await raw.send("PUT", "/reports/k", b"0123456789")
    reply = await raw.send("GET", "/reports/k", headers={"Range": asked})
    assert reply.status == status
    if body is None:
        assert (reply.code, reply.error["ActualObjectSize"]) == ("InvalidRange", "10")
    else:
        assert reply.body == body
    if status == 206:
        assert reply.headers["content-range"].endswith("/10")


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"If-None-Match": '"{etag}"'}, 304),
        ("HEAD", {"If-None-Match": "*"}, 304),
        ("GET", {"If-None-Match": '"other"'}, 200),
        ("GET", {"If-Match": "{etag}"}, 200),
        ("GET", {"If-Match": '"other"'}, 412),
        ("GET", {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 304),
        ("GET", {"If-Modified-Since": "not a date"}, 200),
        ("GET", {"If-Unmodified-Since": "Fri, 01 Jan 2010 00:00:00 GMT"}, 412),
        ("PUT", {"If-None-Match": "*"}, 412),
        ("PUT", {"If-Match": '"other"'}, 412),
        ("PUT", {"If-Match": '"{etag}"'}, 200),
    ],
)
async def test_conditions(raw, method, headers, status):
    """Conditional reads and writes."""
    etag = (await raw.send("PUT", "/reports/k", b"x")).headers["etag"].strip('"')
    filled = {name: value.format(etag=etag) for name, value in headers.items()}
    reply = await raw.send(method, "/reports/k", b"x" if method == "PUT" else b"", filled)
    assert reply.status == status


async def test_copy(sdk, raw):
    """Metadata travels with a copy unless it is replaced; a source may be in another bucket."""
    await sdk("put_object", Bucket="reports", Key="a", Body=b"x", Metadata={"from": "a"})
    source = {"Bucket": "reports", "Key": "a"}
    await sdk("copy_object", Bucket="reports", Key="b", CopySource=source)
    assert (await sdk("head_object", Bucket="reports", Key="b"))["Metadata"] == {"from": "a"}
    await sdk(
        "copy_object",
        Bucket="reports",
        Key="b",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"to": "b"},
    )
    assert (await sdk("head_object", Bucket="reports", Key="b"))["Metadata"] == {"to": "b"}
    for header, code in [
        ("/reports/absent", "NoSuchKey"),
        ("absent/k", "NoSuchBucket"),
        ("reports", "InvalidArgument"),
        ("reports/b?versionId=3", "NoSuchVersion"),
        ("reports/c", "NoSuchKey"),
    ]:
        reply = await raw.send("PUT", "/reports/c", headers={"x-amz-copy-source": header})
        assert reply.code == code
    itself = await raw.send("PUT", "/reports/a", headers={"x-amz-copy-source": "reports/a"})
    assert itself.code == "InvalidRequest"
    confined = {"key_id": "AKIDCONFINED", "secret": "confined"}
    foreign = {"x-amz-copy-source": "foreign/k"}
    refused = await raw.send("PUT", "/reports/c", headers=foreign, **confined)
    assert refused.code == "AccessDenied"


async def test_listing(sdk, emulator, raw):
    """Prefix, delimiter and pages, in both versions."""
    keys = [f"{folder}/{number}" for folder in "ab" for number in range(3)] + ["top", "über"]
    for key in keys:
        await sdk("put_object", Bucket="reports", Key=key, Body=b"x")
    client = await sdk("client")

    def pages(operation, **arguments):
        found, prefixes, count = [], [], 0
        for page in client.get_paginator(operation).paginate(Bucket="reports", **arguments):
            found += [entry["Key"] for entry in page.get("Contents", ())]
            prefixes += [entry["Prefix"] for entry in page.get("CommonPrefixes", ())]
            count += 1
        return found, prefixes, count

    for operation in ("list_objects", "list_objects_v2"):
        small = {"PaginationConfig": {"PageSize": 3}}
        assert await asyncio.to_thread(pages, operation, **small) == (keys, [], 3)
        delimited = await asyncio.to_thread(
            pages, operation, Delimiter="/", PaginationConfig={"PageSize": 1}
        )
        assert delimited == (["top", "über"], ["a/", "b/"], 4)
        assert (await asyncio.to_thread(pages, operation, Prefix="b/"))[0] == keys[3:6]
    bad = await raw.send("GET", "/reports?list-type=2&continuation-token=bad")
    assert bad.code == "InvalidArgument"
    assert (await raw.send("GET", "/reports?max-keys=-1")).code == "InvalidArgument"
    assert len(emulator.requests) > 10


async def test_multipart(sdk, emulator):
    """Create, upload and copy parts, list them, complete."""
    target = {"Bucket": "reports", "Key": "big"}
    piece = b"p" * (5 * 1024 * 1024)
    created = await sdk(
        "create_multipart_upload", **target, Metadata={"a": "b"}, ContentType="text/plain"
    )
    upload = {**target, "UploadId": created["UploadId"]}
    first = await sdk("upload_part", **upload, PartNumber=1, Body=piece)
    await sdk("put_object", Bucket="reports", Key="source", Body=b"0123456789")
    second = await sdk(
        "upload_part_copy",
        **upload,
        PartNumber=2,
        CopySource={"Bucket": "reports", "Key": "source"},
        CopySourceRange="bytes=2-4",
    )
    listed = await sdk("list_parts", **upload)
    assert [part["Size"] for part in listed["Parts"]] == [len(piece), 3]
    assert (await sdk("list_multipart_uploads", Bucket="reports"))["Uploads"][0]["Key"] == "big"
    parts = [
        {"PartNumber": 1, "ETag": first["ETag"], "ChecksumCRC32": first["ChecksumCRC32"]},
        {"PartNumber": 2, "ETag": second["CopyPartResult"]["ETag"]},
    ]
    done = await sdk("complete_multipart_upload", **upload, MultipartUpload={"Parts": parts})
    assert done["ETag"].endswith('-2"')
    stored = emulator.buckets["reports"].objects["big"]
    assert stored.body == piece + b"234"
    assert (stored.metadata, stored.headers["content-type"]) == ({"a": "b"}, "text/plain")
    assert not emulator.buckets["reports"].uploads


async def test_refused_multipart(sdk):
    """Unknown uploads and parts, wrong order, small parts; aborting forgets."""
    target = {"Bucket": "reports", "Key": "big"}
    created = await sdk("create_multipart_upload", **target)
    upload = {**target, "UploadId": created["UploadId"]}
    tags = [
        (await sdk("upload_part", **upload, PartNumber=number, Body=b"x"))["ETag"]
        for number in (1, 2)
    ]
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
    for bad, code in [
        (parts, "EntityTooSmall"),
        (parts[::-1], "InvalidPartOrder"),
        ([{"PartNumber": 3, "ETag": tags[0]}], "InvalidPart"),
        ([{"PartNumber": 1, "ETag": '"other"'}], "InvalidPart"),
        ([], "MalformedXML"),
    ]:
        with pytest.raises(ClientError, match=code):
            await sdk("complete_multipart_upload", **upload, MultipartUpload={"Parts": bad})
    with pytest.raises(ClientError, match="InvalidArgument"):
        await sdk("upload_part", **upload, PartNumber=10_001, Body=b"x")
    await sdk("abort_multipart_upload", **upload)
    with pytest.raises(ClientError, match="NoSuchUpload"):
        await sdk("upload_part", **upload, PartNumber=1, Body=b"x")


async def test_tags_and_acl(sdk):
    """The small operations around an object."""
    target = {"Bucket": "reports", "Key": "k"}
    await sdk("put_object", **target, Body=b"x")
    tags = [{"Key": "a", "Value": "1"}]
    await sdk("put_object_tagging", **target, Tagging={"TagSet": tags})
    assert (await sdk("get_object_tagging", **target))["TagSet"] == tags
    await sdk("delete_object_tagging", **target)
    assert (await sdk("get_object_tagging", **target))["TagSet"] == []
    assert (await sdk("get_object_acl", **target))["Grants"][0]["Permission"] == "FULL_CONTROL"


@pytest.mark.parametrize(
    ("method", "target", "code"),
    [
        ("GET", "/reports/absent", "NoSuchKey"),
        ("GET", "/reports/absent?acl", "NoSuchKey"),
        ("GET", "/reports/k?versionId=3", "NoSuchVersion"),
        ("PUT", "/reports/" + "k" * 1025, "KeyTooLongError"),
        ("POST", "/reports?delete", "InvalidRequest"),
        ("POST", "/reports/k", "MethodNotAllowed"),
        ("GET", "/reports/k?torrent", "NotImplemented"),
        ("PUT", "/reports?policy", "NotImplemented"),
        ("GET", "/reports/%ff", "InvalidURI"),
    ],
)
async def test_refused(raw, method, target, code):
    """What is absent, malformed or not implemented."""
    await raw.send("PUT", "/reports/k", b"x")
    reply = await raw.send(method, target)
    assert reply.code == code
    assert reply.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<Error>')


async def test_response_overrides(raw):
    """A signed query may rename what it downloads."""
    await raw.send("PUT", "/reports/k", b"x")
    reply = await raw.send("GET", "/reports/k?response-content-type=text%2Fcsv")
    assert reply.headers["content-type"] == "text/csv"
