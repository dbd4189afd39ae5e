"""Multipart uploads: create, upload or copy parts, list, complete, abort."""

import hashlib
import secrets
from itertools import pairwise

from gateway.emulator import checksums
from gateway.emulator.answer import Answer, element, iso_time, leaf, xml
from gateway.emulator.bucket import EmulatedBucket, StoredObject, Upload
from gateway.emulator.conditions import check_write
from gateway.emulator.copying import HEADER, copied_part, copied_part_answer
from gateway.emulator.errors import S3Error
from gateway.emulator.exchange import Exchange
from gateway.emulator.objects import check_key, kept_headers, kept_metadata, kept_tags
from gateway.emulator.reader import Node, Shape, read

_MAX_PARTS = 10_000
_MIN_PART = 5 * 1024 * 1024
_CHECKSUMS = {
    f"Checksum{name}": Shape()
    for name in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5")
}
_PART = Shape(
    {"PartNumber": Shape(required=True), "ETag": Shape(required=True), **_CHECKSUMS},
    required=True,
    repeated=True,
)
_COMPLETE = Shape({"Part": _PART})


def create_upload(exchange: Exchange) -> Answer:
    """CreateMultipartUpload."""
    call = exchange.call
    bucket = exchange.bucket()
    key = check_key(call)
    upload_id = secrets.token_urlsafe(48)
    bucket.uploads[upload_id] = Upload(
        key, exchange.now(), kept_headers(call), kept_metadata(call), kept_tags(call)
    )
    content = (leaf("Bucket", bucket.name), leaf("Key", key), leaf("UploadId", upload_id))
    return xml("InitiateMultipartUploadResult", *content)


def upload_part(exchange: Exchange) -> Answer:
    """UploadPart, and UploadPartCopy when the request names a source."""
    call = exchange.call
    _, upload = _upload(exchange)
    number = call.parameter("partNumber") or ""
    if not number.isdecimal() or not 1 <= int(number) <= _MAX_PARTS:
        raise S3Error(
            "InvalidArgument",
            "Part number must be an integer between 1 and 10000, inclusive",
            members={"ArgumentName": "partNumber", "ArgumentValue": number},
        )
    if call.header(HEADER) is not None:
        part = copied_part(exchange)
        upload.parts[int(number)] = part
        return copied_part_answer(part)
    part = StoredObject(
        call.body, checksums.etag(call.body), exchange.now(), checksum=call.checksum
    )
    upload.parts[int(number)] = part
    return Answer(headers=(("ETag", part.etag), *part.checksum))


def list_parts(exchange: Exchange) -> Answer:
    """ListParts, in one page."""
    bucket, upload = _upload(exchange)
    parts = [
        element(
            "Part",
            leaf("PartNumber", number),
            leaf("LastModified", iso_time(part.last_modified)),
            leaf("ETag", part.etag),
            leaf("Size", len(part.body)),
        )
        for number, part in sorted(upload.parts.items())
    ]
    return xml(
        "ListPartsResult",
        leaf("Bucket", bucket.name),
        leaf("Key", upload.key),
        leaf("UploadId", exchange.call.parameter("uploadId") or ""),
        leaf("IsTruncated", "false"),
        *parts,
    )


def list_uploads(exchange: Exchange) -> Answer:
    """ListMultipartUploads, in one page."""
    bucket = exchange.bucket()
    prefix = exchange.call.parameter("prefix") or ""
    found = sorted((upload.key, name, upload) for name, upload in bucket.uploads.items())
    uploads = [
        element(
            "Upload",
            leaf("Key", key),
            leaf("UploadId", upload_id),
            leaf("Initiated", iso_time(upload.initiated)),
        )
        for key, upload_id, upload in found
        if key.startswith(prefix)
    ]
    return xml(
        "ListMultipartUploadsResult",
        leaf("Bucket", bucket.name),
        leaf("IsTruncated", "false"),
        *uploads,
    )


def complete_upload(exchange: Exchange) -> Answer:
    """CompleteMultipartUpload: the parts named, in order, each but the last at least 5 MiB."""
    call = exchange.call
    bucket, upload = _upload(exchange)
    named = read(call.body, "CompleteMultipartUpload", _COMPLETE).every("Part")
    if not named:
        raise S3Error("MalformedXML")
    check_write(call, bucket.objects.get(upload.key))
    numbers = [node.value("PartNumber") or "" for node in named]
    if not all(number.isdecimal() for number in numbers):
        raise S3Error("MalformedXML")
    order = [int(number) for number in numbers]
    if any(later <= earlier for earlier, later in pairwise(order)):
        raise S3Error("InvalidPartOrder")
    parts = [_part(upload, number, node) for number, node in zip(order, named, strict=True)]
    for part in parts[:-1]:
        if len(part.body) < _MIN_PART:
            members = {"ProposedSize": str(len(part.body)), "MinSizeAllowed": str(_MIN_PART)}
            raise S3Error("EntityTooSmall", members=members)
    digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
    digest = hashlib.md5(digests, usedforsecurity=False).hexdigest()
    stored = StoredObject(
        b"".join(part.body for part in parts),
        f'"{digest}-{len(parts)}"',
        exchange.now(),
        upload.headers,
        upload.metadata,
        tags=upload.tags,
    )
    bucket.objects[upload.key] = stored
    del bucket.uploads[call.parameter("uploadId") or ""]
    return xml(
        "CompleteMultipartUploadResult",
        leaf("Location", f"http://{call.header('host')}{call.path}"),
        leaf("Bucket", bucket.name),
        leaf("Key", upload.key),
        leaf("ETag", stored.etag),
    )


def abort_upload(exchange: Exchange) -> Answer:
    """AbortMultipartUpload."""
    bucket, _ = _upload(exchange)
    del bucket.uploads[exchange.call.parameter("uploadId") or ""]
    return Answer(204)


def _upload(exchange: Exchange) -> tuple[EmulatedBucket, Upload]:
    bucket = exchange.bucket()
    upload_id = exchange.call.parameter("uploadId") or ""
    upload = bucket.uploads.get(upload_id)
    if upload is None or upload.key != exchange.call.key:
        raise S3Error("NoSuchUpload", members={"UploadId": upload_id})
    return bucket, upload


def _part(upload: Upload, number: int, node: Node) -> StoredObject:
    part = upload.parts.get(number)
    if part is None or part.etag.strip('"') != (node.value("ETag") or "").strip('"'):
        raise S3Error("InvalidPart", members={"PartNumber": str(number)})
    for name, value in part.checksum:
        algorithm = checksums.algorithm_of(name) or ""
        if node.value(f"Checksum{algorithm.upper()}") not in {None, value}:
            raise S3Error("InvalidPart", members={"PartNumber": str(number)})
    return part
