"""A request as it arrived, and as S3 reads it: bucket, key, query, header lines, all verbatim."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from gateway.emulator.errors import S3Error


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """What came over the wire; `body` is still framed (aws-chunked), free of HTTP chunking only."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    complete: bool = True

    def header(self, name: str) -> str | None:
        """The value of a header, repeated lines joined by a comma."""
        values = [value for line, value in self.headers if line.lower() == name]
        return ",".join(values) if values else None


@dataclass(frozen=True, slots=True)
class S3Call:
    """The same request, read: the path split into bucket and key, the query into decoded pairs.

    `bucket` is None for the service itself; `key` is None for a bucket. Keys are opaque: nothing
    is normalised, `//`, `.` and `..` are ordinary characters.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    bucket: str | None
    key: str | None
    body: bytes = b""
    # the checksum that came with the body and was verified: header name -> value
    checksum: tuple[tuple[str, str], ...] = ()

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter: S3 uses the first of several."""
        return next((value for found, value in self.query if found == name), None)

    def header(self, name: str) -> str | None:
        """A header by lower-case name; `x-amz-*` may stand in the query instead (presigned)."""
        values = [value for found, value in self.headers if found.lower() == name]
        if values:
            return ",".join(values)
        if not name.startswith("x-amz-"):
            return None
        return next((value for found, value in self.query if found.lower() == name), None)

    def prefixed(self, prefix: str) -> Iterator[tuple[str, str]]:
        """All headers (and signed query parameters) whose lower-case name starts like this."""
        seen: set[str] = set()
        for name, _ in (*self.headers, *self.query):
            lower = name.lower()
            if lower.startswith(prefix) and lower not in seen:
                seen.add(lower)
                yield lower, self.header(lower) or ""


def read_call(
    method: str,
    target: str,
    headers: tuple[tuple[str, str], ...],
    virtual_host_suffix: str | None,
) -> S3Call:
    """Read a raw request target. Only origin-form is S3; `+` is a plus, never a space."""
    path, _, raw_query = target.partition("?")
    if not path.startswith("/") or "#" in target:
        raise S3Error("InvalidURI", members={"URI": target})
    query = tuple(
        (_decoded(name), _decoded(value))
        for name, _, value in (pair.partition("=") for pair in raw_query.split("&") if pair)
    )
    host = next((value for name, value in headers if name.lower() == "host"), "")
    bucket = _bucket_of_host(host, virtual_host_suffix)
    rest = path[1:]
    if bucket is None and rest:
        raw_bucket, _, rest = rest.partition("/")
        bucket = _decoded(raw_bucket)
    return S3Call(method, path, query, headers, bucket, _decoded(rest) if rest else None)


def _bucket_of_host(host: str, suffix: str | None) -> str | None:
    name = host.rsplit(":", 1)[0].lower()
    if suffix is None or not name.endswith("." + suffix.lower()):
        return None
    return name[: -len(suffix) - 1]


def _decoded(raw: str) -> str:
    try:
        return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeError:
        raise S3Error("InvalidURI", members={"URI": ascii(raw)}) from None
