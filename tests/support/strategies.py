"""Hypothesis strategies, and the oracles beside them: botocore's signer, CRCs by definition."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import strategies as st

from gateway.core.inventory.configuration import (
    FORMATS,
    FREQUENCIES,
    OPTIONAL_FIELDS,
    VERSIONS,
    Destination,
    Encryption,
    InventoryConfiguration,
    SseKms,
    SseS3,
)
from gateway.core.s3.integrity import Hasher
from gateway.core.s3.query import encode

ACCESS_KEY = "AKIDEXAMPLEGATEWAY01"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REGION = "eu-central-1"
HOST = "gateway.example:8080"


@dataclass(frozen=True, slots=True)
class Wire:
    """A request as it would come over the wire.

    Args:
        method: the method.
        path: the raw path.
        query: the raw query, without the question mark.
        headers: header lines, Host included.
        body: the body.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def target(self) -> str:
        """The request target."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def header(self, name: str) -> str:
        """The value of a header that is there once."""
        return next(value for key, value in self.headers if key.lower() == name.lower())

    def with_header(self, name: str, value: str) -> "Wire":
        """The same request with one header's value exchanged."""
        lines = ((key, value if key.lower() == name.lower() else old) for key, old in self.headers)
        return replace(self, headers=tuple(lines))

    def plus_header(self, name: str, value: str) -> "Wire":
        """The same request with one more header line."""
        return replace(self, headers=(*self.headers, (name, value)))

    def minus_header(self, name: str) -> "Wire":
        """The same request less the lines of one header."""
        kept = tuple(item for item in self.headers if item[0].lower() != name.lower())
        return replace(self, headers=kept)

    @property
    def moment(self) -> datetime:
        """The moment at which the request says that it was signed."""
        for key, value in self.headers:
            if key.lower() == "x-amz-date":
                return _moment(value)
        values = dict(item.partition("=")[::2] for item in self.query.split("&"))
        return _moment(values["X-Amz-Date"])


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def signed_by_botocore(wire: Wire, *, token: str | None = None) -> Wire:
    """Sign in the Authorization header, as boto3 does over http."""
    request = _request(wire)
    S3SigV4Auth(Credentials(ACCESS_KEY, SECRET, token), "s3", REGION).add_auth(request)
    lines = tuple((name, str(value)) for name, value in request.headers.items())
    return replace(wire, headers=(("Host", HOST), *lines))


def presigned_by_botocore(wire: Wire, *, expires: int = 3600, token: str | None = None) -> Wire:
    """Presign, as boto3 does with `signature_version="s3v4"`; the body is not covered."""
    request = _request(replace(wire, body=b""))
    credentials = Credentials(ACCESS_KEY, SECRET, token)
    S3SigV4QueryAuth(credentials, "s3", REGION, expires=expires).add_auth(request)
    lines = tuple((name, str(value)) for name, value in request.headers.items())
    query = urlsplit(request.url).query
    return replace(wire, query=query, headers=(("Host", HOST), *lines))


def _request(wire: Wire) -> AWSRequest:
    request = AWSRequest(method=wire.method, url=f"http://{HOST}{wire.target}", data=wire.body)
    for name, value in wire.headers:
        request.headers.add_header(name, value)
    return request


#: Text that UTF-8 can carry.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
#: Text as keys have it: without NUL, with what normalisers and form parsers get wrong.
keys = st.lists(
    st.one_of(
        st.sampled_from(["/", "//", ".", "..", "+", "%", "%2F", " ", "?", "&", "=", ";", "~", "*"]),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
    ),
    max_size=6,
).map("".join)
#: Not those of a signature, which are to be added: Hypothesis takes texts from the code under test.
_names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=10).filter(
    lambda name: not name.lower().startswith("x-amz-")
) | st.sampled_from(["inventory", "id", "prefix", "list-type", "a+b", "é", "versionId", "x-id"])


def _raw_query(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in pairs)


queries = st.lists(st.tuples(_names, texts), max_size=4, unique_by=lambda item: item[0]).map(
    _raw_query
)
_values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20).map(str.strip)
_headers = st.dictionaries(
    st.sampled_from(
        [
            "Content-Type",
            "Range",
            "If-Match",
            "x-amz-acl",
            "X-Amz-Meta-One",
            "x-amz-meta-two_words",
            "x-amz-expected-bucket-owner",
        ]
    ),
    _values,
    max_size=4,
)

#: Requests before they are signed.
requests = st.builds(
    Wire,
    method=st.sampled_from(["GET", "PUT", "DELETE", "HEAD", "POST"]),
    path=keys.map(lambda key: "/" + encode_path("bucket/" + key)),
    query=queries,
    headers=_headers.map(lambda items: tuple(items.items())),
    body=st.binary(max_size=40),
)


def encode_path(path: str) -> str:
    """Escape everything but the unreserved characters and slashes, as S3's clients do."""
    return "/".join(encode(part) for part in path.split("/"))


#: Moments around a request's own, in seconds.
skews = st.integers(-3600, 3600).map(lambda seconds: timedelta(seconds=seconds))

_prefix_text = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=40
)
_prefixes = st.none() | _prefix_text.filter(bool)
_ascii = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=60)
encryptions: st.SearchStrategy[Encryption | None] = st.one_of(
    st.none(), st.just(SseS3()), st.builds(SseKms, key_id=_ascii)
)
#: Configurations such as the reader can return.
configurations = st.builds(
    InventoryConfiguration,
    id=st.from_regex(r"[A-Za-z0-9_.-]{1,64}", fullmatch=True),
    is_enabled=st.booleans(),
    destination=st.builds(
        Destination,
        bucket_arn=_ascii,
        format=st.sampled_from(FORMATS),
        account_id=st.none() | _ascii,
        prefix=_prefixes,
        encryption=encryptions,
    ),
    included_object_versions=st.sampled_from(VERSIONS),
    frequency=st.sampled_from(FREQUENCIES),
    filter_prefix=_prefixes,
    optional_fields=st.lists(st.sampled_from(OPTIONAL_FIELDS), max_size=22).map(tuple),
)
#: What JSON can say.
json_values: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


class SlowCrc:
    """A reflected CRC by its definition, with a table: slow, and obviously right.

    Args:
        polynomial: bit-reversed.
        size: bytes of the digest.
    """

    def __init__(self, polynomial: int, size: int) -> None:
        self._table = _crc_table(polynomial)
        self._size = size
        self._ones = (1 << 8 * size) - 1
        self._value = self._ones

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""
        value = self._value
        for byte in data:
            value = self._table[(value ^ byte) & 0xFF] ^ (value >> 8)
        self._value = value

    def digest(self) -> bytes:
        """The checksum, big-endian."""
        return (self._value ^ self._ones).to_bytes(self._size, "big")


@cache
def _crc_table(polynomial: int) -> list[int]:
    return [_crc_of_byte(byte, polynomial) for byte in range(256)]


def _crc_of_byte(value: int, polynomial: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (polynomial if value & 1 else 0)
    return value


#: One hasher of each algorithm that S3 knows.
CHECKSUMS: Mapping[str, Callable[[], Hasher]] = {
    "crc32": lambda: SlowCrc(0xEDB88320, 4),
    "crc32c": lambda: SlowCrc(0x82F63B78, 4),
    "crc64nvme": lambda: SlowCrc(0x9A6C9329AC4BC9B5, 8),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
}
