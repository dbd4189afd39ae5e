"""The canonical request: the text that both sides hash, built from what really arrived.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
S3's rules: the path as received (never normalised, never encoded twice), the query decoded and
re-encoded and sorted, header values trimmed with runs of spaces collapsed, all lines of a header
joined by commas in order of arrival.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from gateway.core.s3.query import Query, encode
from gateway.core.s3.request import Headers

_SPACES = re.compile(r" {2,}")


class Spelling(Enum):
    """Ways in which real clients build their canonical request.

    Each still binds every byte that arrived, so that accepting it grants nothing:
    S3's own form; the query as sent (curl 7.88 neither sorts it nor adds the `=`); values
    trimmed but not collapsed (s3cmd, R paws); an empty content-length signed where `0` is sent
    with a body-less request (R paws, unreleased).
    """

    STANDARD = "standard"
    QUERY_AS_SENT = "query-as-sent"
    TRIM_ONLY = "trim-only"
    EMPTY_CONTENT_LENGTH = "empty-content-length"


@dataclass(slots=True)
class Signable:
    """What a signature is made over, less the payload hash."""

    method: str
    raw_path: str
    query: Query
    headers: Headers = field(repr=False)
    signed_headers: Sequence[str]


def canonical_request(
    request: Signable, payload: str, spelling: Spelling = Spelling.STANDARD
) -> bytes:
    """Write the canonical request.

    Args:
        request: the parts as received (to verify) or as they will be sent (to sign); presign
            parameters other than the signature are still in the query.
        payload: the value for the last line: a hash or a sentinel.
        spelling: the client's way of building it.

    Returns:
        One byte per character, as headers arrived.
    """
    as_sent = spelling is Spelling.QUERY_AS_SENT
    query = request.query.raw if as_sent else canonical_query(request.query)
    signed = request.signed_headers
    values = _signed_values(request.headers, signed, spelling)
    # S3 takes an absent header for an empty one, which says SignatureDoesNotMatch where it was
    # signed with a value. Left out, it says so however it was signed: nobody can take away or add
    # an empty line.
    lines = "".join([f"{name}:{value}\n" for name, value in values.items() if value is not None])
    return (
        f"{request.method}\n{request.raw_path}\n{query}\n{lines}\n{';'.join(signed)}\n{payload}"
    ).encode("latin-1")


def canonical_query(query: Query) -> str:
    """Sort the re-encoded pairs by name, then value; a valueless name gets its `=`."""
    if not query.parameters:
        return ""
    pairs = sorted((encode(item.name), encode(item.value)) for item in query.parameters)
    return "&".join(f"{name}={value}" for name, value in pairs)


def _signed_values(
    headers: Headers, signed: Sequence[str], spelling: Spelling
) -> dict[str, str | None]:
    """The value of each signed header, all of its lines joined; None for one that did not arrive.

    In the order of the names, each of which stands there once.
    """
    values: dict[str, str | None] = dict.fromkeys(signed)
    for name, value in headers:
        if name in values:
            text = value.strip(" \t")
            if "  " in text and spelling is not Spelling.TRIM_ONLY:
                text = _SPACES.sub(" ", text)
            before = values[name]
            values[name] = text if before is None else f"{before},{text}"
    if spelling is Spelling.EMPTY_CONTENT_LENGTH and values.get("content-length") == "0":
        values["content-length"] = ""
    return values


def split_signed_headers(text: str) -> tuple[str, ...] | None:
    """`host;x-amz-date` -> its names; None where they are not lower-case, sorted, each once."""
    names = tuple(text.split(";"))
    in_order = list(names) == sorted(set(names)) and all(names) and text == text.lower()
    return names if in_order else None
