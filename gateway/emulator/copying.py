"""CopyObject and UploadPartCopy: the second bucket of a request stands in a header."""

from dataclasses import replace
from urllib.parse import unquote

from gateway.emulator import checksums
from gateway.emulator.answer import Answer, iso_time, leaf, xml
from gateway.emulator.bucket import StoredObject
from gateway.emulator.conditions import check, check_write, span
from gateway.emulator.errors import S3Error
from gateway.emulator.exchange import Exchange
from gateway.emulator.objects import check_key, encryption, kept_headers, kept_metadata, kept_tags

HEADER = "x-amz-copy-source"


def source_of(exchange: Exchange) -> StoredObject:
    """The object a copy reads: `bucket/key` or `/bucket/key`, percent-encoded."""
    raw, _, version = (exchange.call.header(HEADER) or "").partition("?versionId=")
    name, separator, key = unquote(raw).removeprefix("/").partition("/")
    if not name or not separator or not key:
        raise S3Error(
            "InvalidArgument",
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            members={"ArgumentName": HEADER, "ArgumentValue": raw},
        )
    bucket = exchange.usable(name, "x-amz-source-expected-bucket-owner")
    stored = bucket.objects.get(key)
    if stored is None:
        raise S3Error("NoSuchKey", members={"Key": key})
    if version not in {"", "null"}:
        raise S3Error("NoSuchVersion", members={"Key": key, "VersionId": version})
    check(exchange.call, stored, f"{HEADER}-if-match", f"{HEADER}-if-unmodified-since")
    if exchange.call.header(f"{HEADER}-if-none-match") == stored.etag:
        raise S3Error("PreconditionFailed", members={"Condition": f"{HEADER}-If-None-Match"})
    return stored


def copy_object(exchange: Exchange) -> Answer:
    """CopyObject: metadata and tags come along unless a directive replaces them."""
    call = exchange.call
    bucket = exchange.bucket()
    key = check_key(call)
    check_write(call, bucket.objects.get(key))
    source = source_of(exchange)
    replaces = call.header("x-amz-metadata-directive") == "REPLACE"
    if bucket.objects.get(key) is source and not replaces:
        raise S3Error(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself "
            "without changing the object's metadata, storage class, website redirect location or "
            "encryption attributes.",
        )
    copied = replace(source, etag=checksums.etag(source.body), last_modified=exchange.now())
    if replaces:
        copied = replace(copied, headers=kept_headers(call), metadata=kept_metadata(call))
    if call.header("x-amz-tagging-directive") == "REPLACE":
        copied = replace(copied, tags=kept_tags(call))
    bucket.objects[key] = copied
    answer = xml("CopyObjectResult", *_result(copied))
    return replace(answer, headers=(*answer.headers, *encryption(copied)))


def copied_part(exchange: Exchange) -> StoredObject:
    """The bytes an UploadPartCopy takes from its source."""
    source = source_of(exchange)
    part = span(exchange.call.header(f"{HEADER}-range"), len(source.body))
    body = source.body if part is None else source.body[part.start : part.end]
    return StoredObject(body, checksums.etag(body), exchange.now())


def copied_part_answer(stored: StoredObject) -> Answer:
    """The document an UploadPartCopy answers with."""
    return xml("CopyPartResult", *_result(stored))


def _result(stored: StoredObject) -> list[str]:
    return [leaf("LastModified", iso_time(stored.last_modified)), leaf("ETag", stored.etag)]
