"""HTTP requests byte for byte, and SigV4 signed with nothing but hmac: no code of the gateway.

What no SDK would send has to be signed all the same, or it would be refused for the wrong reason.
"""

import hmac
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote

from tests.support.strategies import CHECKSUMS

REGION = "eu-central-1"
EMPTY = sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
#: Not signed by any client: they belong to the connection, or proxies change them.
_NEVER_SIGNED = frozenset(
    "authorization connection content-length expect transfer-encoding user-agent".split()
)


@dataclass(frozen=True, slots=True)
class Key:
    """An access key of a client."""

    access_key_id: str = "GWCLIENTEXAMPLE00001"
    secret: str = field(default="client-secret-client-secret-0001", repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """A request as it goes over the wire; Host included, framing only where it is given."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def lines(self) -> list[tuple[str, str]]:
        """The header lines with names in lower case."""
        return [(name.lower(), value) for name, value in self.headers]

    def plus(self, *headers: tuple[str, str]) -> "Message":
        """The same with further header lines: after signing, they are not signed."""
        return replace(self, headers=(*self.headers, *headers))

    def less(self, *names: str) -> "Message":
        """The same without some headers."""
        kept = tuple(item for item in self.headers if item[0].lower() not in names)
        return replace(self, headers=kept)

    @property
    def head(self) -> bytes:
        """Request line and header lines."""
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    @property
    def wire(self) -> bytes:
        """All of it."""
        return self.head + self.body


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature, and what is needed to sign the chunks that follow."""

    value: str
    key: bytes
    timestamp: str
    scope: str

    def chain(self, algorithm: str, previous: str, rest: str) -> str:
        """The next signature of a chunk chain."""
        text = f"{algorithm}\n{self.timestamp}\n{self.scope}\n{previous}\n{rest}"
        return hmac.digest(self.key, text.encode(), "sha256").hex()


def message(
    method: str,
    target: str,
    body: bytes = b"",
    headers: Iterable[tuple[str, str]] = (),
    *,
    host: str = "localhost",
) -> Message:
    """A request with Host and, where there is a body, Content-Length."""
    length = (("content-length", str(len(body))),) if body or method in {"PUT", "POST"} else ()
    return Message(method, target, (("host", host), *length, *headers), body)


def signed(
    plain: Message,
    key: Key,
    *,
    payload: str | None = None,
    at: datetime | None = None,
    region: str = REGION,
    service: str = "s3",
    day: str | None = None,
    declare: bool = True,
) -> Message:
    """The request with an Authorization header over all that it holds so far."""
    full, _ = sign(
        plain,
        key,
        payload=payload,
        at=at,
        region=region,
        service=service,
        day=day,
        declare=declare,
    )
    return full


def sign(
    plain: Message,
    key: Key,
    *,
    payload: str | None = None,
    at: datetime | None = None,
    region: str = REGION,
    service: str = "s3",
    day: str | None = None,
    declare: bool = True,
) -> tuple[Message, Signature]:
    """The same, with the signature itself; without `declare` the payload hash is signed only."""
    timestamp = _stamp(at)
    scope = f"{day or timestamp[:8]}/{region}/{service}/aws4_request"
    value = sha256(plain.body).hexdigest() if payload is None else payload
    token = [("x-amz-security-token", key.token)] if key.token is not None else []
    declared = [("x-amz-content-sha256", value)] if declare else []
    full = plain.plus(("x-amz-date", timestamp), *declared, *token)
    names = sorted({name for name, _ in full.lines} - _NEVER_SIGNED)
    signature = _sign(full, key, names, value, timestamp, scope)
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={key.access_key_id}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature.value}"
    )
    return full.plus(("authorization", authorization)), signature


def presigned(
    plain: Message,
    key: Key,
    *,
    expires: int | str = 300,
    payload: str = UNSIGNED,
    at: datetime | None = None,
    region: str = REGION,
) -> Message:
    """The request with its signature in the query."""
    timestamp = _stamp(at)
    scope = f"{timestamp[:8]}/{region}/s3/aws4_request"
    names = sorted({name for name, _ in plain.lines} - _NEVER_SIGNED)
    parameters = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{key.access_key_id}/{scope}",
        "X-Amz-Date": timestamp,
        "X-Amz-Expires": str(expires),
        "X-Amz-SignedHeaders": ";".join(names),
    }
    if key.token is not None:
        parameters["X-Amz-Security-Token"] = key.token
    added = "&".join(f"{name}={_encode(value)}" for name, value in parameters.items())
    joint = "&" if "?" in plain.target else "?"
    full = replace(plain, target=f"{plain.target}{joint}{added}")
    signature = _sign(full, key, names, payload, timestamp, scope)
    return replace(full, target=f"{full.target}&X-Amz-Signature={signature.value}")


def presigned_v2(plain: Message, key: Key, *, expires: int) -> Message:
    """The request with a SigV2 signature in the query; for what sends no header that it covers."""
    path, _, query = plain.target.partition("?")
    text = f"{plain.method}\n\n\n{expires}\n"
    token = ""
    if key.token is not None:
        text += f"x-amz-security-token:{key.token}\n"
        token = f"&x-amz-security-token={_encode(key.token)}"
    digest = hmac.digest(key.secret.encode(), (text + path).encode(), "sha1")
    signature = _encode(b64encode(digest).decode())
    added = f"AWSAccessKeyId={key.access_key_id}&Signature={signature}&Expires={expires}{token}"
    return replace(plain, target=f"{path}?{query}&{added}" if query else f"{path}?{added}")


def chunked_upload(
    target: str,
    data: bytes,
    key: Key,
    *,
    mode: str = SIGNED_CHUNKS,
    chunk: int = 16 * 1024,
    trailer: tuple[str, str] | None = None,
    headers: Sequence[tuple[str, str]] = (),
    at: datetime | None = None,
    tamper: Callable[[bytes], bytes] = lambda framed: framed,
    declared: int | None = None,
    encoding: str | None = "aws-chunked",
) -> Message:
    """An aws-chunked PUT; `tamper` changes its framed body after all has been signed."""
    more = [
        ("x-amz-decoded-content-length", str(len(data) if declared is None else declared)),
        *headers,
    ]
    if encoding is not None:
        more.append(("content-encoding", encoding))
    if trailer is not None:
        more.append(("x-amz-trailer", trailer[0]))
    plain = Message("PUT", target, (("host", "localhost"), *more))
    head, seed = sign(plain, key, payload=mode, at=at)
    body = tamper(_framed(data, seed, mode, chunk, trailer))
    return replace(head.plus(("content-length", str(len(body)))), body=body)


def in_framing(
    framing: str, target: str, data: bytes, key: Key, *, mode: str, algorithm: str, **options: Any
) -> Message:
    """The same in one of the four ways in which real clients announce it.

    Args:
        framing: `te` (in HTTP chunks, without Content-Length: botocore, JavaScript, C++), `length`
            (CRT, minio-go), `bare` (no Content-Encoding: minio-go), or `gzip` (beside another).
        target: of the PUT.
        data: the object.
        key: whose.
        mode: for `x-amz-content-sha256`.
        algorithm: of the trailer's checksum, where the mode has one.
        options: of `chunked_upload`.
    """
    trailer = None
    if mode != SIGNED_CHUNKS:
        hasher = CHECKSUMS[algorithm]()
        hasher.update(data)
        value = b64encode(hasher.digest()).decode()
        trailer = (f"x-amz-checksum-{algorithm}", value)
    encoding = {"bare": None, "gzip": "gzip,aws-chunked"}.get(framing, "aws-chunked")
    wire = chunked_upload(
        target, data, key, mode=mode, trailer=trailer, encoding=encoding, **options
    )
    if framing != "te":
        return wire
    return wire.less("content-length").plus(("transfer-encoding", "chunked"))


#: The four framings, and the three modes, of aws-chunked.
FRAMINGS = ("te", "length", "bare", "gzip")
CHUNKED_MODES = (SIGNED_CHUNKS, SIGNED_CHUNKS_TRAILER, UNSIGNED_TRAILER)


def _framed(
    data: bytes, seed: Signature, mode: str, chunk: int, trailer: tuple[str, str] | None
) -> bytes:
    chunks_are_signed = mode in {SIGNED_CHUNKS, SIGNED_CHUNKS_TRAILER}
    previous, parts = seed.value, []
    blocks = [data[start : start + chunk] for start in range(0, len(data), chunk)]
    for block in [*blocks, b""]:
        extension = ""
        if chunks_are_signed:
            rest = f"{EMPTY}\n{sha256(block).hexdigest()}"
            previous = seed.chain("AWS4-HMAC-SHA256-PAYLOAD", previous, rest)
            extension = f";chunk-signature={previous}"
        parts.append(
            f"{len(block):x}{extension}\r\n".encode() + block + (b"\r\n" if block else b"")
        )
    if trailer is not None:
        name, value = trailer
        parts.append(f"{name}:{value}\r\n".encode())
        if chunks_are_signed:
            digest = sha256(f"{name}:{value}\n".encode()).hexdigest()
            previous = seed.chain("AWS4-HMAC-SHA256-TRAILER", previous, digest)
            parts.append(f"x-amz-trailer-signature:{previous}\r\n".encode())
    return b"".join([*parts, b"\r\n"])


def _sign(
    full: Message, key: Key, names: Sequence[str], payload: str, timestamp: str, scope: str
) -> Signature:
    path, _, query = full.target.partition("?")
    pairs = sorted(
        (_encode(unquote(name)), _encode(unquote(value)))
        for name, _, value in (item.partition("=") for item in query.split("&") if item)
    )
    joined: dict[str, list[str]] = {name: [] for name in names}
    for name, value in full.lines:
        if name in joined:
            joined[name].append(" ".join(value.strip().split(" ")))
    canonical = "\n".join(
        [
            full.method,
            path,
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{','.join(values)}" for name, values in joined.items()),
            "",
            ";".join(names),
            payload,
        ]
    )
    digest = sha256(canonical.encode("latin-1")).hexdigest()
    secret = f"AWS4{key.secret}".encode()
    for part in scope.split("/"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{digest}"
    value = hmac.digest(secret, text.encode(), "sha256").hex()
    return Signature(value, secret, timestamp, scope)


def _stamp(at: datetime | None) -> str:
    return (at or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")


def _encode(text: str) -> str:
    return quote(text, safe="-._~")
