"""Objects: put, get, head, delete, many at once, tags. Keys are opaque, bodies are bytes."""

from urllib.parse import parse_qsl

from gateway.emulator import checksums
from gateway.emulator.answer import Answer, element, http_time, leaf, xml
from gateway.emulator.bucket import EmulatedBucket, StoredObject
from gateway.emulator.conditions import check_write, not_modified, span
from gateway.emulator.errors import S3Error
from gateway.emulator.exchange import Exchange
from gateway.emulator.reader import Shape, read
from gateway.emulator.request import S3Call

_KEPT = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
)
_REFUSED = ("x-amz-server-side-encryption-customer-", "x-amz-object-lock-")
_OVERRIDES = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)
_METADATA = "x-amz-meta-"
_MAX_KEY = 1024
_MAX_DELETES = 1000
_DELETE = Shape(
    {
        "Object": Shape(
            {
                "Key": Shape(required=True),
                "VersionId": Shape(),
                "ETag": Shape(),
                "LastModifiedTime": Shape(),
                "Size": Shape(),
            },
            required=True,
            repeated=True,
        ),
        "Quiet": Shape(),
    }
)
_TAG = Shape({"Key": Shape(required=True), "Value": Shape(required=True)}, repeated=True)
_TAGGING = Shape({"TagSet": Shape({"Tag": _TAG}, required=True)})


def found(bucket: EmulatedBucket, call: S3Call) -> StoredObject:
    """The object of the path, or the refusal."""
    stored = bucket.objects.get(call.key or "")
    if stored is None:
        raise S3Error("NoSuchKey", members={"Key": call.key or ""})
    if call.parameter("versionId") not in {None, "null"}:
        members = {"Key": call.key or "", "VersionId": call.parameter("versionId") or ""}
        raise S3Error("NoSuchVersion", members=members)
    return stored


def kept_headers(call: S3Call) -> dict[str, str]:
    """The headers an object gives back. `aws-chunked` was the envelope, not the content."""
    for prefix in _REFUSED:
        for name, _ in call.prefixed(prefix):
            raise S3Error("NotImplemented", members={"Header": name})
    kept = {name: value for name in _KEPT if (value := call.header(name)) is not None}
    encodings = [name.strip() for name in kept.pop("content-encoding", "").split(",")]
    rest = [name for name in encodings if name not in {"", "aws-chunked"}]
    if rest:
        kept["content-encoding"] = ",".join(rest)
    kept.setdefault("content-type", "binary/octet-stream")
    sse = call.header("x-amz-server-side-encryption")
    return kept | {"x-amz-server-side-encryption": sse or "AES256"}


def kept_metadata(call: S3Call) -> dict[str, str]:
    """The user's metadata, without the prefix."""
    return {name.removeprefix(_METADATA): value for name, value in call.prefixed(_METADATA)}


def kept_tags(call: S3Call) -> tuple[tuple[str, str], ...]:
    """The tags of an `x-amz-tagging` header."""
    return tuple(parse_qsl(call.header("x-amz-tagging") or "", keep_blank_values=True))


def check_key(call: S3Call) -> str:
    """A key to write to: up to 1,024 bytes of UTF-8."""
    key = call.key or ""
    if len(key.encode()) > _MAX_KEY:
        members = {"Size": str(len(key.encode())), "MaxSizeAllowed": str(_MAX_KEY)}
        raise S3Error("KeyTooLongError", members=members)
    return key


def put_object(exchange: Exchange) -> Answer:
    """PutObject."""
    call = exchange.call
    bucket = exchange.bucket()
    key = check_key(call)
    check_write(call, bucket.objects.get(key))
    stored = StoredObject(
        call.body,
        checksums.etag(call.body),
        exchange.now(),
        kept_headers(call),
        kept_metadata(call),
        call.checksum,
        kept_tags(call),
    )
    bucket.objects[key] = stored
    return Answer(headers=(("ETag", stored.etag), *encryption(stored), *stored.checksum))


def encryption(stored: StoredObject) -> list[tuple[str, str]]:
    """The encryption headers every answer about an object carries."""
    prefix = "x-amz-server-side-encryption"
    return [(name, value) for name, value in stored.headers.items() if name.startswith(prefix)]


def get_object(exchange: Exchange) -> Answer:
    """GetObject and HeadObject; the server leaves out the body of the latter."""
    call = exchange.call
    stored = found(exchange.bucket(), call)
    headers = [
        ("Last-Modified", http_time(stored.last_modified)),
        ("ETag", stored.etag),
        ("Accept-Ranges", "bytes"),
    ]
    if not_modified(call, stored):
        return Answer(304, tuple(headers))
    content = stored.headers | {
        name: value
        for name in _OVERRIDES
        if (value := call.parameter(f"response-{name}")) is not None
    }
    headers += content.items()
    headers += [(_METADATA + name, value) for name, value in stored.metadata.items()]
    if stored.tags:
        headers.append(("x-amz-tagging-count", str(len(stored.tags))))
    part = span(call.header("range"), len(stored.body))
    if part is not None:
        headers.append(("Content-Range", f"bytes {part.start}-{part.end - 1}/{len(stored.body)}"))
        return Answer(206, tuple(headers), stored.body[part.start : part.end])
    if stored.checksum and (call.header("x-amz-checksum-mode") or "").upper() == "ENABLED":
        headers += [*stored.checksum, ("x-amz-checksum-type", "FULL_OBJECT")]
    return Answer(200, tuple(headers), stored.body)


def delete_object(exchange: Exchange) -> Answer:
    """DeleteObject: 204 whether or not there was one."""
    exchange.bucket().objects.pop(exchange.call.key or "", None)
    return Answer(204)


def delete_objects(exchange: Exchange) -> Answer:
    """DeleteObjects; it insists on a digest of its body."""
    call = exchange.call
    bucket = exchange.bucket()
    if call.header("content-md5") is None and not call.checksum:
        raise S3Error(
            "InvalidRequest",
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
        )
    request = read(call.body, "Delete", _DELETE)
    objects = request.every("Object")
    if len(objects) > _MAX_DELETES:
        raise S3Error("MalformedXML")
    deleted = []
    for node in objects:
        key = node.value("Key") or ""
        bucket.objects.pop(key, None)
        deleted.append(element("Deleted", leaf("Key", key)))
    return xml("DeleteResult", *([] if request.value("Quiet") == "true" else deleted))


def get_tags(exchange: Exchange) -> Answer:
    """GetObjectTagging."""
    stored = found(exchange.bucket(), exchange.call)
    tags = [element("Tag", leaf("Key", key), leaf("Value", value)) for key, value in stored.tags]
    return xml("Tagging", f"<TagSet>{''.join(tags)}</TagSet>")


def put_tags(exchange: Exchange) -> Answer:
    """PutObjectTagging."""
    bucket = exchange.bucket()
    stored = found(bucket, exchange.call)
    tag_set = read(exchange.call.body, "Tagging", _TAGGING).find("TagSet")
    nodes = () if tag_set is None else tag_set.every("Tag")
    tags = tuple((node.value("Key") or "", node.value("Value") or "") for node in nodes)
    _retag(bucket, exchange.call.key or "", stored, tags)
    return Answer()


def delete_tags(exchange: Exchange) -> Answer:
    """DeleteObjectTagging."""
    bucket = exchange.bucket()
    _retag(bucket, exchange.call.key or "", found(bucket, exchange.call), ())
    return Answer(204)


def _retag(
    bucket: EmulatedBucket, key: str, stored: StoredObject, tags: tuple[tuple[str, str], ...]
) -> None:
    bucket.objects[key] = StoredObject(
        stored.body,
        stored.etag,
        stored.last_modified,
        stored.headers,
        stored.metadata,
        stored.checksum,
        tags,
    )
