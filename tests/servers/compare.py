"""What of an answer is compared: all of it but what no two answers share."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError, FlexibleChecksumError

from tests.servers.server import KEY
from tests.servers.stage import Side

#: Headers that are not compared, and why. Of any other header, name and value must be the same.
UNLIKE = {
    "connection": "belongs to the hop (RFC 9110, section 7.6.1)",
    "keep-alive": "the same",
    "transfer-encoding": "the same",
    "content-length": "the same; of an object it is compared as the answer's ContentLength",
    "x-amzn-requestid": "moto's own: S3 has none, and the gateway passes on what S3 has",
}
#: Headers that must be there on both sides, with a value of their own.
PASSING = {
    "date": "the second of the answer",
    "last-modified": "the second of the upload",
    "x-amz-id-2": "names one answer",
    "x-amz-meta-mtime": "rclone's, of a stream: now",
    "x-amz-request-id": "names one answer",
}
_OF_ONE_ANSWER = frozenset({"ResponseMetadata", "RequestId", "HostId"})
#: The encoding of a transfer, which S3 does not keep: versitygw stores it with the object, and the
#: gateway takes it off.
_AWS_CHUNKED = "aws-chunked"
_NONE = "<none>"
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
#: Where an upload is completed, the gateway passes on the location that the server itself tells.
_ENDPOINT = re.compile(r"https?://127\.0\.0\.1:\d+")
_HEX_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


def comparable(value: Any, side: Side) -> Any:
    """The value without bucket name, endpoint, times and upload ids; long bytes as their hash."""
    match value:
        case Mapping():
            return {
                key: _member(key, inner, side)
                for key, inner in value.items()
                if key not in _OF_ONE_ANSWER and (key, inner) != ("ContentEncoding", _AWS_CHUNKED)
            }
        case list() | tuple():
            return [comparable(inner, side) for inner in value]
        case datetime():
            return "<time>"
        case bytes():
            return digest(value)
        case str():
            text = side.bucket and value.replace(side.bucket, "<bucket>")
            text = _ENDPOINT.sub("<server>", text).replace(KEY.access_key_id, "<key>")
            text = text.replace(side.key.access_key_id, "<key>")
            return _HEX_ID.sub("<id>", _ISO_TIME.sub("<time>", text))
        case _:
            return value


def _member(name: str, value: Any, side: Side) -> Any:
    match name:
        case "UploadId":
            return "<id>"
        case "mtime":  # rclone's, of a stream: now
            return "<time>"
        case "TagSet":  # which versitygw tells in any order
            return sorted(comparable(value, side), key=lambda tag: tag["Key"])
        case _:
            return comparable(value, side)


def digest(content: bytes) -> str:
    """Length and hash."""
    return f"{len(content)} bytes {hashlib.sha256(content).hexdigest()[:16]}"


def headers(received: Mapping[str, str], side: Side) -> dict[str, Any]:
    """Names in lower case; what passes, by its presence."""
    lower = {name.lower(): text for name, text in received.items()}
    return {
        name: "<passing>" if name in PASSING else comparable(text, side)
        for name, text in sorted(lower.items())
        if name not in UNLIKE and (name, text) != ("content-encoding", _AWS_CHUNKED)
    }


def outcome(call: Callable[[], Mapping[str, Any]], side: Side) -> dict[str, Any]:
    """What a botocore client returns or raises."""
    try:
        answer = call()
    except ClientError as error:
        shown = error.response
        metadata = shown["ResponseMetadata"]
        return {
            "status": metadata["HTTPStatusCode"],
            "error": shown["Error"]["Code"],
            "members": comparable(shown["Error"], side),
            "headers": headers(metadata["HTTPHeaders"], side),
        }
    metadata = answer["ResponseMetadata"]
    found: dict[str, Any] = {"status": metadata["HTTPStatusCode"]}
    found["headers"] = headers(metadata["HTTPHeaders"], side)
    body = answer.get("Body")
    if body is not None and hasattr(body, "read"):
        with body:
            try:
                answer = {**answer, "Body": body.read()}
            except FlexibleChecksumError:  # moto's checksums of multipart uploads
                answer = {**answer, "Body": "not what the checksum says"}
    found.update(comparable(answer, side))
    return found


def refusals(result: Any) -> tuple[str, ...]:
    """The codes of all errors in a result, in order."""
    return tuple(_refusals(result))


def _refusals(result: Any) -> Iterator[str]:
    match result:
        case {"error": code}:
            yield code
        case Mapping():
            for inner in result.values():
                yield from _refusals(inner)
        case list():
            for inner in result:
                yield from _refusals(inner)


def differences(direct: Any, gateway: Any, place: str = "") -> list[str]:
    """Where two results differ, a line each."""
    match direct, gateway:
        case dict(), dict():
            names = [*direct, *(name for name in gateway if name not in direct)]
            inner = [(f"{place}.{n}", direct.get(n, _NONE), gateway.get(n, _NONE)) for n in names]
        case list(), list() if len(direct) == len(gateway):
            inner = [
                (f"{place}[{index}]", *both)
                for index, both in enumerate(zip(direct, gateway, strict=True))
            ]
        case _:
            same = direct == gateway
            return [] if same else [f"{place}: direct {direct!r}, gateway {gateway!r}"]
    return [line for where, one, other in inner for line in differences(one, other, where)]
