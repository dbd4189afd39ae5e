"""What boto3 does. Every operation starts with an empty bucket and returns what is compared."""

import io
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import urllib3
from boto3.s3.transfer import TransferConfig

from tests.servers.compare import comparable, digest, headers, outcome
from tests.servers.stage import Side, boto3_client

MIB = 1024 * 1024
BODY = b"key,size\r\n\x00\xff" * 4000
LARGE = random.Random(20).randbytes(20 * MIB + 123)  # noqa: S311 - the same at every run
ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")
#: Keys that normalisers would spoil. Where a server refuses one, it must do so either way.
ODD_KEYS = (
    "a b",
    "a+b",
    "100%",
    "a%2Fb%20c",
    "ü/é/日本/😀",
    "e\u0301",
    "!*'()",
    "$&=;:@,?#[]",
    "~tilde-._",
    '<"quoted">',
    "back\\slash",
    " lead and trail ",
    "folder/",
    "/leading",
    "double//slash",
    "end//",
    "./dot",
    "a/./b",
    "a/../b",
    "../up",
    "..",
    "a/..",
    "..hidden/...",
    "inventory",
    "x?inventory&id=1",
    "tab\tnewline\n",
    "long/" + "k" * 250,
)


@dataclass(frozen=True, slots=True)
class Boto:
    """One side's client, and what its answers come to."""

    side: Side
    s3: Any

    def __call__(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call an operation on this side's bucket."""
        call = getattr(self.s3, method)
        return outcome(lambda: call(Bucket=self.side.bucket, **arguments), self.side)

    def put(self, *keys: str, body: bytes = BODY) -> None:
        """Objects that must be there."""
        for key in keys:
            self.s3.put_object(Bucket=self.side.bucket, Key=key, Body=body)


Operation = Callable[[Boto], Any]
OPERATIONS: dict[str, Operation] = {}


def operation(made: Operation) -> Operation:
    """Enter a function in the table."""
    OPERATIONS[made.__name__] = made
    return made


@contextmanager
def boto(side: Side) -> Iterator[Boto]:
    """Return a client for one side."""
    with boto3_client(side) as s3:
        yield Boto(side, s3)


class Unseekable(io.RawIOBase):
    """A stream that can be read once, such as a pipe."""

    def __init__(self, content: bytes) -> None:
        self._inner = io.BytesIO(content)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is not."""
        return False

    def readinto(self, buffer: Any) -> int:
        """Read on."""
        return self._inner.readinto(buffer)


@operation
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


@operation
def empty_object(s3: Boto) -> Any:
    """No bytes at all."""
    return [s3("put_object", Key="empty", Body=b""), s3("get_object", Key="empty")]


@operation
def large_object(s3: Boto) -> Any:
    """In one request."""
    return [
        s3("put_object", Key="large", Body=LARGE),
        s3("get_object", Key="large"),
        s3("get_object", Key="large", Range="bytes=20000000-20000100"),
    ]


@operation
def ranges(s3: Boto) -> Any:
    """Every form, the impossible one and the nonsensical one."""
    s3.put("a")
    size = len(BODY)
    forms = ("0-9", f"{size - 10}-", "-7", f"10-{size * 2}", f"{size}-", "9-3", "x", "0-1,4-5")
    return [s3("get_object", Key="a", Range=f"bytes={form}") for form in forms] + [
        s3("head_object", Key="a", Range="bytes=0-9")
    ]


@operation
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
    return [s3(name, Key="a", **how) for how in reads for name in ("get_object", "head_object")] + [
        s3("put_object", Key="a", Body=b"1", IfNoneMatch="*"),
        s3("put_object", Key="b", Body=b"1", IfNoneMatch="*"),
        s3("put_object", Key="a", Body=b"1", IfMatch=other),
        s3("put_object", Key="a", Body=b"1", IfMatch=etag),
        s3("put_object", Key="none", Body=b"1", IfMatch=etag),
    ]


@operation
def multipart_by_hand(s3: Boto) -> Any:
    """Create, parts, list, complete, read; and one that is aborted."""
    where = {"Bucket": s3.side.bucket, "Key": "m p"}
    found = [s3("create_multipart_upload", Key="m p", Metadata={"one": "1"})]
    upload = s3.s3.create_multipart_upload(**where, ContentType="text/csv")["UploadId"]
    parts, etags = (LARGE[: 5 * MIB], LARGE[5 * MIB : 10 * MIB], b"end"), []
    for number, body in enumerate(parts, 1):
        one = {"Key": "m p", "UploadId": upload, "PartNumber": number}
        found.append(s3("upload_part", **one, Body=body))
        etags.append({"PartNumber": number, "ETag": found[-1].get("ETag")})
    found += [
        s3("list_parts", Key="m p", UploadId=upload),
        s3("list_parts", Key="m p", UploadId=upload, MaxParts=1),
        s3(
            "complete_multipart_upload",
            Key="m p",
            UploadId=upload,
            MultipartUpload={"Parts": etags},
        ),
        s3("get_object", Key="m p"),
        s3("head_object", Key="m p", PartNumber=2),
        s3("get_object", Key="m p", PartNumber=3),
    ]
    aborted = s3.s3.create_multipart_upload(Bucket=s3.side.bucket, Key="aborted")["UploadId"]
    return [
        *found,
        s3("abort_multipart_upload", Key="aborted", UploadId=aborted),
        s3("upload_part", Key="aborted", UploadId=aborted, PartNumber=1, Body=b"late"),
        s3("list_parts", Key="aborted", UploadId=aborted),
    ]


@operation
def multipart_mistakes(s3: Boto) -> Any:
    """Parts too small, in the wrong order, unknown."""
    upload = s3.s3.create_multipart_upload(Bucket=s3.side.bucket, Key="m")["UploadId"]
    one = {"Key": "m", "UploadId": upload}
    etags = [s3("upload_part", **one, PartNumber=n, Body=b"small").get("ETag") for n in (1, 2)]
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    unknown = [{"PartNumber": 7, "ETag": etags[0]}]
    return [
        s3("complete_multipart_upload", **one, MultipartUpload={"Parts": given})
        for given in (parts, parts[::-1], unknown, [])
    ]


@operation
def transfer(s3: Boto) -> Any:
    """boto3's own transfer manager: 8 MiB parts in ten threads, up and down."""
    config, file = TransferConfig(), io.BytesIO()
    s3.s3.upload_fileobj(io.BytesIO(LARGE), s3.side.bucket, "large", Config=config)
    s3.s3.download_fileobj(s3.side.bucket, "large", file, Config=config)
    path = s3.side.folder / "file"
    path.write_bytes(LARGE)
    s3.s3.upload_file(str(path), s3.side.bucket, "file", ExtraArgs={"ChecksumAlgorithm": "SHA256"})
    return [digest(file.getvalue()), s3("head_object", Key="large"), s3("get_object", Key="file")]


@operation
def transfer_of_a_stream(s3: Boto) -> Any:
    """Which cannot be sought."""
    s3.s3.upload_fileobj(io.BufferedReader(Unseekable(LARGE)), s3.side.bucket, "large")
    s3.s3.upload_fileobj(io.BufferedReader(Unseekable(BODY)), s3.side.bucket, "small")
    return [s3("get_object", Key="large"), s3("get_object", Key="small")]


@operation
def transfer_copy(s3: Boto) -> Any:
    """Multipart by UploadPartCopy."""
    s3.put("a", body=LARGE)
    config = TransferConfig(multipart_threshold=8 * MIB)
    source = {"Bucket": s3.side.bucket, "Key": "a"}
    s3.s3.copy(source, s3.side.bucket, "b", Config=config)
    return s3("get_object", Key="b")


@operation
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


@operation
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


@operation
def listings(s3: Boto) -> Any:
    """Version 1 and 2: pages, prefixes, delimiters, encodings, beyond the end."""
    s3.put("a b/1", "a b/2", "a+b", "c/d/e", "c/f", "ü%&<>\"'", body=b"1")
    ways: list[dict[str, Any]] = [
        {},
        {"Prefix": "c/"},
        {"Prefix": "a b/", "Delimiter": "/"},
        {"Delimiter": "/"},
        {"MaxKeys": 2},
        {"MaxKeys": 0},
        {"MaxKeys": 2, "Delimiter": "/"},
        {"EncodingType": "url"},
        {"Prefix": "nothing"},
        {"Prefix": "a+"},
        {"Prefix": "ü%"},
    ]
    found: list[Any] = [
        s3(name, **way) for way in ways for name in ("list_objects", "list_objects_v2")
    ]
    found += [s3("list_objects", Marker="a b/2"), s3("list_objects_v2", StartAfter="a b/2")]
    found.append(s3("list_objects_v2", FetchOwner=True))
    pages = s3.s3.get_paginator("list_objects_v2").paginate(
        Bucket=s3.side.bucket, PaginationConfig={"PageSize": 2}
    )
    found += [[item["Key"] for item in page["Contents"]] for page in pages]
    return found


@operation
def tagging(s3: Boto) -> Any:
    """Of an object, at its creation and later; of the bucket."""
    tags = [{"Key": "a b", "Value": "ü+&"}, {"Key": "x", "Value": ""}]
    return [
        s3("put_object", Key="a", Body=b"1", Tagging="a%20b=1&c=%26"),
        s3("get_object_tagging", Key="a"),
        s3("put_object_tagging", Key="a", Tagging={"TagSet": tags}),
        s3("get_object_tagging", Key="a"),
        s3("head_object", Key="a"),
        s3("delete_object_tagging", Key="a"),
        s3("get_object_tagging", Key="a"),
        s3("put_bucket_tagging", Tagging={"TagSet": tags}),
        s3("get_bucket_tagging"),
        s3("delete_bucket_tagging"),
        s3("get_bucket_tagging"),
    ]


@operation
def acls(s3: Boto) -> Any:
    """Of the bucket and of an object, where there are any."""
    s3.put("a")
    return [
        s3("get_bucket_acl"),
        s3("put_bucket_acl", ACL="public-read"),
        s3("get_bucket_acl"),
        s3("put_object_acl", Key="a", ACL="private"),
        s3("get_object_acl", Key="a"),
        s3("put_object", Key="b", Body=b"1", ACL="bucket-owner-full-control"),
    ]


@operation
def bucket_settings(s3: Boto) -> Any:
    """Reads and a few writes at the bucket, and what the server does not know."""
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://a.example"]}
    return [
        s3("head_bucket"),
        s3("get_bucket_location"),
        s3("get_bucket_versioning"),
        s3("get_bucket_policy"),
        s3("get_bucket_cors"),
        s3("put_bucket_cors", CORSConfiguration={"CORSRules": [rule]}),
        s3("get_bucket_cors"),
        s3("get_bucket_ownership_controls"),
        s3("get_object_lock_configuration"),
        s3("get_bucket_lifecycle_configuration"),
        s3("get_bucket_encryption"),
        s3("get_public_access_block"),
        s3("list_multipart_uploads"),
        s3("list_object_versions"),
    ]


@operation
def object_attributes(s3: Boto) -> Any:
    """GetObjectAttributes."""
    s3.put("a")
    wanted = ["ETag", "Checksum", "ObjectSize", "StorageClass", "ObjectParts"]
    return s3("get_object_attributes", Key="a", ObjectAttributes=wanted)


@operation
def a_bucket_comes_and_goes(s3: Boto) -> Any:
    """CreateBucket, again, not empty, DeleteBucket, gone."""
    name, call = f"{s3.side.bucket}-two", s3.s3
    steps: list[tuple[Any, dict[str, Any]]] = [
        (call.create_bucket, {}),
        (call.create_bucket, {}),
        (call.put_object, {"Key": "a", "Body": b"1"}),
        (call.delete_bucket, {}),
        (call.delete_object, {"Key": "a"}),
        (call.delete_bucket, {}),
        (call.head_bucket, {}),
        (call.list_objects_v2, {}),
        (call.put_object, {"Key": "a", "Body": b"1"}),
    ]
    return [outcome(partial(step, Bucket=name, **more), s3.side) for step, more in steps]


@operation
def presigned(s3: Boto) -> Any:
    """GET with overrides and PUT, with signed headers and without; a spoilt signature; too late."""
    answers: list[Any] = []
    pool = urllib3.PoolManager(ca_certs=s3.side.ca and str(s3.side.ca), retries=False, timeout=30)
    config = {"signature_version": "s3v4"}
    with boto3_client(s3.side, **config) as signer, pool:

        def send(method: str, what: str, body: bytes | None = None, **more: Any) -> None:
            sent = more.pop("sent", {})
            spoil = more.pop("spoil", str)
            url = signer.generate_presigned_url(
                what, {"Bucket": s3.side.bucket, **more}, ExpiresIn=300
            )
            answer = pool.request(method, spoil(url), body=body, headers=sent)
            got: dict[str, Any] = {"status": answer.status}
            got["headers"] = headers(dict(answer.headers), s3.side)
            is_error = answer.status >= 400
            if is_error:
                got["body"] = _code(answer.data)
            elif answer.headers.get("Content-Type", "").startswith("application/xml"):
                got["body"] = comparable(answer.data.decode(), s3.side)
            else:
                got["body"] = digest(answer.data)
            answers.append(got)

        key = "a b+ü!*'().csv"
        send("PUT", "put_object", BODY, Key=key)
        send("GET", "get_object", Key=key)
        send("GET", "get_object", Key=key, ResponseContentType="text/x; charset=utf-8")
        send("GET", "get_object", Key=key, sent={"Range": "bytes=3-9"})
        send("HEAD", "head_object", Key=key)
        typed = {"Content-Type": "text/csv", "x-amz-meta-one": "1"}
        send(
            "PUT",
            "put_object",
            BODY,
            Key="typed",
            ContentType="text/csv",
            Metadata={"one": "1"},
            sent=typed,
        )
        send("GET", "get_object", Key="typed")
        other = {"Content-Type": "text/other"}
        send("PUT", "put_object", BODY, Key="typed", ContentType="text/csv", sent=other)
        send("GET", "get_object", Key="typed", spoil=lambda url: url[:-2] + "00")
        send("GET", "get_object", Key="other", spoil=lambda url: url.replace("other", "typed"))
        send("GET", "list_objects_v2", Prefix="t")
        send("DELETE", "delete_object", Key="typed")
        send("GET", "get_object", Key="typed")
    return answers


def _code(document: bytes) -> str:
    return document.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()


def _with_key(key: str) -> Operation:
    def use(s3: Boto) -> Any:
        source = {"Bucket": s3.side.bucket, "Key": key}
        prefix = key[: max(1, len(key) // 2)]
        return [
            s3("put_object", Key=key, Body=b"1"),
            s3("get_object", Key=key),
            s3("head_object", Key=key),
            s3("list_objects_v2"),
            s3("list_objects", Prefix=prefix, EncodingType="url"),
            s3("list_objects_v2", StartAfter=key),
            s3("copy_object", Key="copy", CopySource=source),
            s3("put_object_tagging", Key=key, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}),
            s3("create_multipart_upload", Key=key),
            s3("delete_objects", Delete={"Objects": [{"Key": key}]}),
            s3("delete_object", Key=key),
            s3("list_objects_v2"),
        ]

    return use


def _with_algorithm(algorithm: str) -> Operation:
    def use(s3: Boto) -> Any:
        name = f"Checksum{algorithm}"
        with_mode = {"Key": "a", "ChecksumMode": "ENABLED"}
        kind = {"ChecksumType": "FULL_OBJECT"} if algorithm.startswith("CRC") else {}
        found = [
            s3("put_object", Key="a", Body=BODY, ChecksumAlgorithm=algorithm),
            s3("head_object", **with_mode),
            s3("get_object", **with_mode),
            s3("put_object", Key="b", Body=BODY, **{name: "AAAAAA=="}),
            s3("head_object", Key="b"),
        ]
        where = {"Bucket": s3.side.bucket, "Key": "m"}
        upload = s3.s3.create_multipart_upload(**where, ChecksumAlgorithm=algorithm, **kind)
        one = {"Key": "m", "UploadId": upload["UploadId"]}
        parts = []
        for number, body in enumerate((LARGE[: 5 * MIB], BODY), 1):
            sent = s3(
                "upload_part", **one, PartNumber=number, Body=body, ChecksumAlgorithm=algorithm
            )
            parts.append({"PartNumber": number, "ETag": sent.get("ETag"), name: sent.get(name)})
            found.append(sent)
        given = [{key: value for key, value in part.items() if value} for part in parts]
        found.append(s3("complete_multipart_upload", **one, MultipartUpload={"Parts": given}))
        return [*found, s3("get_object", Key="m", ChecksumMode="ENABLED")]

    return use


ODD = {key: _with_key(key) for key in ODD_KEYS}
CHECKSUMS = {algorithm: _with_algorithm(algorithm) for algorithm in ALGORITHMS}
