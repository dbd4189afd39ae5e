"""Conditional requests and ranges (RFC 9110, as far as S3 goes)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from gateway.emulator.bucket import StoredObject
from gateway.emulator.errors import S3Error
from gateway.emulator.request import S3Call

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def not_modified(call: S3Call, stored: StoredObject) -> bool:
    """Whether the answer is 304; a failed If-Match or If-Unmodified-Since is a refusal."""
    check(call, stored, "if-match", "if-unmodified-since")
    none_match = call.header("if-none-match")
    if none_match is not None:
        return _names(none_match, stored.etag)
    since = _moment(call.header("if-modified-since"))
    return since is not None and stored.last_modified <= since


def check(call: S3Call, stored: StoredObject, match: str, unmodified: str) -> None:
    """The two conditions that refuse; a copy source has them under other names."""
    wanted = call.header(match)
    if wanted is not None:
        if not _names(wanted, stored.etag):
            raise _failed(match)
        return
    since = _moment(call.header(unmodified))
    if since is not None and stored.last_modified > since:
        raise _failed(unmodified)


def check_write(call: S3Call, existing: StoredObject | None) -> None:
    """Conditional writes: `If-None-Match: *` creates only, `If-Match` replaces only this one."""
    if call.header("if-none-match") == "*" and existing is not None:
        raise _failed("if-none-match")
    wanted = call.header("if-match")
    if wanted is None:
        return
    if existing is None:
        raise S3Error("NoSuchKey", members={"Key": call.key or ""})
    if not _names(wanted, existing.etag):
        raise _failed("if-match")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end`, the end not included."""

    start: int
    end: int


def span(header: str | None, size: int) -> Span | None:
    """The range asked for; None for the whole. Like S3, ignores what it cannot read."""
    found = _RANGE.fullmatch(header or "")
    if found is None or not (found[1] or found[2]):
        return None
    if found[1]:
        start, end = int(found[1]), min(int(found[2] or size) + 1, size)
        if found[2] and int(found[2]) < start:
            return None
    else:
        start, end = max(size - int(found[2]), 0), size
    if start >= end:
        members = {"RangeRequested": header or "", "ActualObjectSize": str(size)}
        raise S3Error("InvalidRange", members=members)
    return Span(start, end)


def _names(header: str, etag: str) -> bool:
    names = {name.strip().removeprefix("W/").strip('"') for name in header.split(",")}
    return "*" in names or etag.strip('"') in names


def _moment(header: str | None) -> datetime | None:
    if header is None:
        return None
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None


def _failed(name: str) -> S3Error:
    canonical = "-".join(part.capitalize() for part in name.split("-"))
    return S3Error("PreconditionFailed", members={"Condition": canonical})
