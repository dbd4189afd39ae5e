"""ListObjects (both versions): prefix, delimiter, paging, in the order of the key's UTF-8 bytes."""

import base64
import binascii
from dataclasses import dataclass

from gateway.emulator.answer import Answer, element, iso_time, leaf, url_encoded, xml
from gateway.emulator.bucket import EmulatedBucket
from gateway.emulator.errors import S3Error
from gateway.emulator.exchange import Exchange, canonical_id

_MAX_KEYS = 1000


@dataclass(frozen=True, slots=True)
class _Page:
    keys: list[str]
    prefixes: list[str]
    truncated: bool
    last: str


def list_objects(exchange: Exchange) -> Answer:
    """ListObjectsV2 with `list-type=2`, else ListObjects."""
    call = exchange.call
    bucket = exchange.bucket()
    version_two = call.parameter("list-type") == "2"
    token = call.parameter("continuation-token") if version_two else None
    if version_two:
        after = _after(token) if token else call.parameter("start-after") or ""
    else:
        after = call.parameter("marker") or ""
    prefix = call.parameter("prefix") or ""
    delimiter = call.parameter("delimiter") or ""
    limit = _limit(call.parameter("max-keys"))
    encoding = call.parameter("encoding-type")
    page = _page(sorted(bucket.objects, key=str.encode), prefix, delimiter, after, limit)
    owned = not version_two or call.parameter("fetch-owner") == "true"
    content = [
        leaf("Name", bucket.name),
        leaf("Prefix", url_encoded(prefix, encoding)),
        leaf("MaxKeys", limit),
        leaf("IsTruncated", "true" if page.truncated else "false"),
        *([leaf("Delimiter", url_encoded(delimiter, encoding))] if delimiter else []),
        *([leaf("EncodingType", encoding)] if encoding else []),
        *(_entry(bucket, key, encoding, owned) for key in page.keys),
        *(
            element("CommonPrefixes", leaf("Prefix", url_encoded(name, encoding)))
            for name in page.prefixes
        ),
    ]
    if version_two:
        content.append(leaf("KeyCount", len(page.keys) + len(page.prefixes)))
        content += [leaf("ContinuationToken", token)] if token is not None else []
        content += [leaf("NextContinuationToken", _token(page.last))] if page.truncated else []
        start = call.parameter("start-after")
        content += [leaf("StartAfter", url_encoded(start, encoding))] if start else []
    else:
        content.append(leaf("Marker", url_encoded(after, encoding)))
        if page.truncated and delimiter:
            content.append(leaf("NextMarker", url_encoded(page.last, encoding)))
    return xml("ListBucketResult", *content)


def _page(keys: list[str], prefix: str, delimiter: str, after: str, limit: int) -> _Page:
    """Keys and rolled-up prefixes share the limit; a page never resumes inside a prefix."""
    found: list[str] = []
    prefixes: list[str] = []
    last = after
    for key in keys:
        if not key.startswith(prefix):
            continue
        rolled = _rolled(key, prefix, delimiter)
        position = rolled or key
        if position.encode() <= after.encode() or position in prefixes:
            continue
        if len(found) + len(prefixes) == limit:
            return _Page(found, prefixes, limit > 0, last)
        (prefixes if rolled else found).append(position)
        last = position
    return _Page(found, prefixes, truncated=False, last=last)


def _rolled(key: str, prefix: str, delimiter: str) -> str | None:
    if not delimiter:
        return None
    end = key.find(delimiter, len(prefix))
    return None if end < 0 else key[: end + len(delimiter)]


def _entry(bucket: EmulatedBucket, key: str, encoding: str | None, owned: bool) -> str:
    stored = bucket.objects[key]
    content = [
        leaf("Key", url_encoded(key, encoding)),
        leaf("LastModified", iso_time(stored.last_modified)),
        leaf("ETag", stored.etag),
        leaf("Size", len(stored.body)),
        leaf("StorageClass", stored.headers.get("x-amz-storage-class", "STANDARD")),
    ]
    if owned:
        content.append(element("Owner", leaf("ID", canonical_id(bucket.owner))))
    return element("Contents", *content)


def _limit(value: str | None) -> int:
    if value is None:
        return _MAX_KEYS
    if not value.isdecimal():
        raise S3Error(
            "InvalidArgument",
            "Provided max-keys not an integer or within integer range",
            members={"ArgumentName": "max-keys", "ArgumentValue": value},
        )
    return min(int(value), _MAX_KEYS)


def _token(last: str) -> str:
    return base64.b64encode(b"1/" + last.encode()).decode()


def _after(token: str) -> str:
    try:
        decoded = base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not decoded.startswith(b"1/"):
        raise S3Error(
            "InvalidArgument",
            "The continuation token provided is incorrect",
            members={"ArgumentName": "continuation-token"},
        )
    return decoded[2:].decode()
