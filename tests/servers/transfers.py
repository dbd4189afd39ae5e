"""Large objects in parts: by hand, and by boto3's own transfer manager."""

import io
from typing import Any

from boto3.s3.transfer import TransferConfig

from tests.servers import checksums
from tests.servers.boto3_script import BODY, LARGE, MIB, Boto, Table, Unseekable
from tests.servers.compare import digest

OPERATIONS = Table()


@OPERATIONS.entry(refused="NoSuchUpload NoSuchUpload")
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


@OPERATIONS.entry(refused="PreconditionFailed NoSuchKey")
def multipart_of_copies(s3: Boto) -> Any:
    """UploadPartCopy: of a range, of all, under a condition; completed where nothing is yet."""
    s3.put("a ü+", body=LARGE)
    upload = s3.s3.create_multipart_upload(Bucket=s3.side.bucket, Key="m")["UploadId"]
    one = {"Key": "m", "UploadId": upload}
    source = {"Bucket": s3.side.bucket, "Key": "a ü+"}
    ranged = {"CopySourceRange": f"bytes=17-{5 * MIB + 16}"}
    found = [
        s3("upload_part_copy", **one, PartNumber=1, CopySource=source, **ranged),
        s3("upload_part_copy", **one, PartNumber=2, CopySource=source),
        s3("upload_part_copy", **one, PartNumber=3, CopySource=source, CopySourceIfMatch='"0"'),
        s3("upload_part_copy", **one, PartNumber=3, CopySource={**source, "Key": "none"}),
    ]
    parts = [
        {"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]}
        for number, copied in enumerate(found[:2], 1)
    ]
    done = {**one, "MultipartUpload": {"Parts": parts}}
    return [
        *found,
        s3("complete_multipart_upload", **done, IfNoneMatch="*"),
        s3("get_object", Key="m"),
    ]


@OPERATIONS.entry(refused="EntityTooSmall EntityTooSmall InvalidPart MalformedXML")
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


@OPERATIONS.entry()
def transfer(s3: Boto) -> Any:
    """boto3's own transfer manager: 8 MiB parts in ten threads, up and down."""
    config, file = TransferConfig(), io.BytesIO()
    s3.s3.upload_fileobj(io.BytesIO(LARGE), s3.side.bucket, "large", Config=config)
    s3.s3.download_fileobj(s3.side.bucket, "large", file, Config=config)
    path = s3.side.folder / "file"
    path.write_bytes(LARGE)
    s3.s3.upload_file(str(path), s3.side.bucket, "file", ExtraArgs={"ChecksumAlgorithm": "SHA256"})
    return [digest(file.getvalue()), s3("head_object", Key="large"), s3("get_object", Key="file")]


@OPERATIONS.entry()
def transfer_of_a_stream(s3: Boto) -> Any:
    """Which cannot be sought."""
    s3.s3.upload_fileobj(io.BufferedReader(Unseekable(LARGE)), s3.side.bucket, "large")
    s3.s3.upload_fileobj(io.BufferedReader(Unseekable(BODY)), s3.side.bucket, "small")
    return [s3("get_object", Key="large"), s3("get_object", Key="small")]


@OPERATIONS.entry()
def put_of_a_stream(s3: Boto) -> Any:
    """Which cannot be sought, in one request: over TLS; in plain text botocore seeks to sign it."""
    source = Unseekable if s3.side.is_secure else io.BytesIO
    return [
        found
        for name in checksums.OPERATIONS
        for found in (
            s3(
                "put_object",
                Key=name,
                Body=io.BufferedReader(source(BODY)),
                ContentLength=len(BODY),
                ChecksumAlgorithm=name,
            ),
            s3("get_object", Key=name, ChecksumMode="ENABLED"),
        )
    ]


@OPERATIONS.entry()
def transfer_copy(s3: Boto) -> Any:
    """Multipart by UploadPartCopy."""
    s3.put("a", body=LARGE)
    config = TransferConfig(multipart_threshold=8 * MIB)
    source = {"Bucket": s3.side.bucket, "Key": "a"}
    s3.s3.copy(source, s3.side.bucket, "b", Config=config)
    return s3("get_object", Key="b")
