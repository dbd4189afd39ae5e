"""A request as it arrived: the raw target and header lines, and what they say of themselves.

Nothing here is normalised: the signature was made over these bytes, and S3 does not normalise.
Text is one character per byte (Latin-1), so that no header value is lost or changed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from gateway.core.errors import RequestError
from gateway.core.s3.address import Hosts, S3Path, locate
from gateway.core.s3.query import Query, parse_query

Headers = tuple[tuple[str, str], ...]

#: What may stand raw in an origin-form target: RFC 3986's pchar, slash, question mark and escapes,
#: and what hand-typed curl leaves raw. Everything else (space, `#`, `\\`, controls, bytes above
#: 0x7f) is refused before anything is derived from it.
_TARGET = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@/?%\[\]|^`{}\"<>]*", re.ASCII)
_TOKEN = re.compile(r"[a-z0-9!#$%&'*+\-.^_`|~]+", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,15}", re.ASCII)

#: Headers with one value by definition: a second line is an attempt at two readers.
_SINGLETONS = frozenset(
    "authorization content-encoding content-length content-md5 content-type expect host range "
    "transfer-encoding x-amz-content-sha256 x-amz-copy-source x-amz-copy-source-range x-amz-date "
    "x-amz-decoded-content-length x-amz-expected-bucket-owner x-amz-rename-source "
    "x-amz-security-token x-amz-source-expected-bucket-owner x-amz-trailer date".split()
)
#: What a Connection header may name: hop-by-hop matters only. Naming an end-to-end header would ask
#: the next hop to drop something that was judged (RFC 9110 section 7.6.1).
_CONNECTION_OPTIONS = frozenset({"close", "keep-alive", "te", "upgrade", ""})
#: Characters of all names of a head, up to which what they say is remembered: strangers' names are
#: kept before anything of theirs is verified.
_REMEMBERED_NAMES = 1024


@dataclass(slots=True)
class S3Request:
    """One request head.

    Args:
        method: as received, upper case.
        raw_path: the path as received, still encoded.
        query: the query as received, split.
        headers: (lower-case name, value) in order of arrival, duplicates kept.
        path: what the target and the Host header address.
        remote: the peer's IP address, for the record.
        secure: whether the listener spoke TLS.
    """

    method: str
    raw_path: str
    query: Query = field(repr=False)  # both may hold signatures and tokens
    headers: Headers = field(repr=False)
    path: S3Path
    remote: str = ""
    secure: bool = False
    _first: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._first = dict(self.headers[::-1])

    @property
    def header_names(self) -> tuple[str, ...]:
        """The names that arrived, each once."""
        return tuple(self._first)

    def header(self, name: str) -> str | None:
        """The first value of a header (lower-case name), or None."""
        return self._first.get(name)

    def header_lines(self, name: str) -> list[str]:
        """All lines of a header, in order."""
        return [value for key, value in self.headers if key == name]

    def amz(self, name: str) -> str | None:
        """The value of an `x-amz-*` header, wherever it stands.

        SDKs that presign hoist such headers into the query, and S3 reads them in both places.

        Raises:
            RequestError: InvalidArgument, where two different values are given.
        """
        if name not in self._first and not self.query.parameters:
            return None
        values = self.header_lines(name)
        values += [item.value for item in self.query.parameters if item.name.lower() == name]
        if len(set(values)) > 1:
            raise RequestError(
                "InvalidArgument",
                f"{name} is given more than once, with different values.",
                members={"ArgumentName": name},
            )
        return values[0] if values else None

    @property
    def content_length(self) -> int | None:
        """The declared length of the body in bytes; None where none is declared."""
        value = self._first.get("content-length")
        return None if value is None else int(value)

    @property
    def has_body(self) -> bool:
        """Whether body bytes are to come."""
        return "transfer-encoding" in self._first or bool(self.content_length)


def read_request(
    method: str,
    target: str,
    headers: Iterable[tuple[str, str]],
    hosts: Hosts,
    *,
    remote: str = "",
    secure: bool = False,
) -> S3Request:
    """Check the shape of a request head and say what it addresses.

    Args:
        method: as received.
        target: the request target as received.
        headers: header lines as received; names are lower-cased here.
        hosts: the names that the gateway answers for.
        remote: the peer's IP address.
        secure: whether it came over TLS.

    Raises:
        RequestError: the head is one that two readers could read differently (400).
    """
    lines = tuple([(name.lower(), value) for name, value in headers])
    host = _check_headers(lines)
    if _TARGET.fullmatch(target) is None:
        raise RequestError(
            "InvalidURI",
            "Couldn't parse the specified URI: the request target must be an absolute path of "
            "percent-encoded characters.",
        )
    raw_path, _, raw_query = target.partition("?")
    path = locate(raw_path, hosts.bucket_of(host))
    return S3Request(method, raw_path, parse_query(raw_query), lines, path, remote, secure)


def _check_headers(lines: Headers) -> str:
    """Refuse heads with two readings; return the Host."""
    names = tuple([name for name, _ in lines])
    if len("".join(names)) <= _REMEMBERED_NAMES:
        _check_names(names)
    else:
        _check_names.__wrapped__(names)
    host = ""
    for name, value in lines:
        if not value.isascii():
            _check_utf8(name, value)
        if name == "host":
            host = value
        elif name in _TELLING:
            _TELLING[name](value)
    if not host:
        raise _bad("The Host header is missing.")
    return host


@lru_cache(maxsize=1024)
def _check_names(names: tuple[str, ...]) -> None:
    """What the names alone tell. Remembered: a client sends the same ones all day."""
    for position, name in enumerate(names):
        if name in _SINGLETONS and name in names[:position]:
            raise _bad(f"The header {name} is given twice.")
        if not _is_sound_name(name):
            raise _bad(f"The header name {name[:80]!r} is not one that S3 would read.")
    if {"content-length", "transfer-encoding"} <= set(names):
        raise _bad("Content-Length and Transfer-Encoding are given both.")


def _is_sound_name(name: str) -> bool:
    """A token, and none that a CGI-style server would take for another: `x_amz_acl`.

    User metadata may hold underscores.
    """
    is_token = _TOKEN.fullmatch(name) is not None
    return is_token and ("_" not in name or name.startswith("x-amz-meta-"))


def _check_connection(value: str) -> None:
    for option in value.lower().split(","):
        if option.strip() not in _CONNECTION_OPTIONS:
            raise _bad(f"Connection may not name the header {option.strip()[:80]!r}.")


def _check_utf8(name: str, value: str) -> None:
    """User metadata may be UTF-8; bytes that are nothing would be read by everyone as they like."""
    try:
        value.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        raise _bad(f"The value of the header {name[:80]} is not UTF-8.") from None


def _check_transfer_encoding(value: str) -> None:
    """Only the one coding whose framing everybody reads alike (RFC 9112 section 6.1)."""
    if value.strip(" \t").lower() != "chunked":
        raise RequestError(
            "NotImplemented", "The only Transfer-Encoding that is understood is chunked."
        )


def _check_content_length(value: str) -> None:
    if _DIGITS.fullmatch(value) is None:
        raise _bad("Content-Length is not a number.")


def _bad(message: str) -> RequestError:
    return RequestError("BadRequest", message)


#: The headers whose value says how the head is to be read.
_TELLING = {
    "connection": _check_connection,
    "content-length": _check_content_length,
    "transfer-encoding": _check_transfer_encoding,
}
