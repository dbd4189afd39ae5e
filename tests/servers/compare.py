"""What of an answer is compared: all of it but what no two answers share."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError, FlexibleChecksumError

from tests.servers.server import KEY
from tests.servers.stage import Side

#: Headers of one answer, or of one hop. `x-amz-id-2` the gateway adds to its own errors.
_PASSING = frozenset(
    "connection content-length date keep-alive server transfer-encoding x-amz-id-2 "
    "x-amz-request-id x-amzn-requestid".split()
)
_TIMES = frozenset({"last-modified", "x-amz-meta-mtime"})
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
                if key not in {"ResponseMetadata", "RequestId", "HostId"}
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
        case "ContentEncoding":
            return _stored(value)
        case _:
            return comparable(value, side)


def _stored(encoding: str) -> str:
    """Without aws-chunked, which is for the transfer alone: S3 drops it, versitygw stores it."""
    parts = (part.strip() for part in encoding.split(","))
    return ",".join(part for part in parts if part != "aws-chunked")


def digest(content: bytes) -> str:
    """Length and hash."""
    return f"{len(content)} bytes {hashlib.sha256(content).hexdigest()[:16]}"


def headers(received: Mapping[str, str], side: Side) -> dict[str, Any]:
    """Names in lower case; times by their presence."""
    lower = {name.lower(): text for name, text in received.items()}
    if "content-encoding" in lower:
        lower["content-encoding"] = _stored(lower["content-encoding"])
    return {
        name: "<time>" if name in _TIMES else comparable(text, side)
        for name, text in sorted(lower.items())
        if name not in _PASSING
    }


def outcome(call: Callable[[], Mapping[str, Any]], side: Side) -> dict[str, Any]:
    """What a botocore client returns or raises."""
    try:
        answer = call()
    except ClientError as error:
        shown = error.response
        return {
            "status": shown["ResponseMetadata"]["HTTPStatusCode"],
            "error": shown["Error"]["Code"],
            "message": comparable(shown["Error"].get("Message", ""), side),
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


def differences(direct: Any, gateway: Any, place: str = "") -> list[str]:
    """Where two results differ, a line each."""
    match direct, gateway:
        case dict(), dict():
            names = [*direct, *(name for name in gateway if name not in direct)]
            inner = [(f"{place}.{n}", direct.get(n) or "", gateway.get(n) or "") for n in names]
        case list(), list() if len(direct) == len(gateway):
            inner = [
                (f"{place}[{index}]", *both)
                for index, both in enumerate(zip(direct, gateway, strict=True))
            ]
        case _:
            same = direct == gateway
            return [] if same else [f"{place}: direct {direct!r}, gateway {gateway!r}"]
    return [line for where, one, other in inner for line in differences(one, other, where)]
