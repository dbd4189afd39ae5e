"""The query string as S3 reads it: split on `&` alone, `+` is a plus, decoded once.

General-purpose form parsers differ on each of these points, and each difference is a way past a
gate: hence a splitter of our own over the raw text. The raw tokens are kept, so that what is sent
upstream is what arrived.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from gateway.core.errors import RequestError

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One `name=value` of a query, decoded once; `raw` is the token as it arrived."""

    name: str
    value: str
    raw: str

    @property
    def name_was_encoded(self) -> bool:
        """Whether the name was spelled with percent escapes on the wire."""
        return "%" in self.raw.partition("=")[0]


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters in the order of arrival. Order and duplicates are part of the meaning."""

    parameters: tuple[Parameter, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The decoded set of names: what decides the operation."""
        return frozenset([parameter.name for parameter in self.parameters])

    @property
    def raw(self) -> str:
        """The query as it arrived, without the question mark and without empty tokens."""
        return "&".join(parameter.raw for parameter in self.parameters)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a name, in order."""
        return tuple(item.value for item in self.parameters if item.name == name)

    def one(self, name: str) -> str | None:
        """The value of a name, or None where it is absent.

        Raises:
            RequestError: the name occurs twice. Under SigV4 the order of duplicates is not signed,
                while S3 uses the first: whoever re-orders them changes the request.
        """
        values = self.all(name)
        if len(values) > 1:
            raise RequestError(
                "InvalidArgument",
                f"The query parameter {name!r} is given {len(values)} times. Give it once.",
                members={"ArgumentName": name, "ArgumentValue": values[0]},
            )
        return values[0] if values else None

    def without(self, names: frozenset[str]) -> "Query":
        """The same query less the parameters of these names."""
        if not self.parameters:
            return self
        kept = tuple(item for item in self.parameters if item.name not in names)
        return self if len(kept) == len(self.parameters) else Query(kept)


def parse_query(raw: str) -> Query:
    """Split a raw query (no leading `?`).

    Raises:
        RequestError: InvalidURI, where an escape is broken, a name holds a control character, or
            the decoded text is not UTF-8.
    """
    if not raw:
        return _EMPTY
    return Query(tuple(_parameter(token) for token in raw.split("&") if token))


def _parameter(token: str) -> Parameter:
    name, _, value = token.partition("=")
    if "%" not in token:
        parameter = Parameter(name, value, token)
    else:
        parameter = Parameter(decode(name), decode(value), token)
    if _CONTROL.search(parameter.name):
        raise RequestError("InvalidURI", "A query parameter's name holds a control character.")
    return parameter


def decode(text: str) -> str:
    """Percent-decode once, strictly: `+` stays, escapes are whole, the bytes are UTF-8.

    Raises:
        RequestError: InvalidURI.
    """
    if "%" not in text:
        return text
    if _BAD_ESCAPE.search(text):
        raise RequestError("InvalidURI", "Couldn't parse the specified URI: a % escape is broken.")
    try:
        return unquote_to_bytes(text).decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        raise RequestError(
            "InvalidURI", "Couldn't parse the specified URI: it is not UTF-8 once decoded."
        ) from None


def encode(text: str) -> str:
    """AWS's UriEncode: everything but the unreserved characters `A-Za-z0-9-._~` is escaped.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    """
    return quote(text, safe="-._~")


_EMPTY = Query()
