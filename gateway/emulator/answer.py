"""What a handler hands back: a status, header lines and a body."""

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
PROLOG = '<?xml version="1.0" encoding="UTF-8"?>'

_CONTROL = re.compile("[\x00-\x1f]")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer before the server adds the ids, `Server` and `Date`."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def element(name: str, *content: str) -> str:
    """An XML element around content that is markup already."""
    inner = "".join(content)
    return f"<{name}>{inner}</{name}>" if inner else f"<{name}/>"


def leaf(name: str, value: object) -> str:
    """An XML element around text. Control characters become references, as S3 writes them."""
    escaped = html.escape(str(value), quote=False)
    return element(name, _CONTROL.sub(lambda found: f"&#x{ord(found[0]):x};", escaped))


def url_encoded(value: str, encoding_type: str | None) -> str:
    """Encode a listed key if the caller asked for `encoding-type=url`."""
    return quote(value, safe="/-_.~*") if encoding_type == "url" else value


def xml(root: str, *content: str) -> Answer:
    """A 200 with an XML document: declaration, newline, namespaced root."""
    document = f'{PROLOG}\n<{root} xmlns="{NAMESPACE}">{"".join(content)}</{root}>'
    return Answer(headers=(("Content-Type", "application/xml"),), body=document.encode())


def iso_time(moment: datetime) -> str:
    """The time format of listings: milliseconds, always zero."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def http_time(moment: datetime) -> str:
    """The time format of HTTP headers."""
    return moment.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
