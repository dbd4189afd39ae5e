"""URLs presigned with SigV2: what boto3 makes by default in the old Regions, and s3cmd and R paws.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html
SigV2 covers the method, Content-MD5, Content-Type, the expiry, every `x-amz-*`, the path and a list
of query parameters; not the body, and no other parameter. So all that is not covered is refused
here, and what it is taken for is a plain object: no sub-resource, no copy, no configuration.
"""

import hmac
import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from gateway.core.errors import AuthenticationError
from gateway.core.s3.address import Object
from gateway.core.s3.operations import classify
from gateway.core.s3.query import Parameter, Query
from gateway.core.s3.request import S3Request

#: Seconds: S3 knows no bound for SigV2; this is SigV4's, seven days.
MAX_EXPIRES: Final = 604_800
#: What the query holds of the signature itself.
AUTHENTICATION: Final = frozenset({"AWSAccessKeyId", "Expires", "Signature"})
_OPERATIONS: Final = frozenset({"DeleteObject", "GetObject", "HeadObject", "PutObject"})
#: The parameters of a plain object that are part of the CanonicalizedResource.
_IN_RESOURCE: Final = frozenset(
    "response-cache-control response-content-disposition response-content-encoding "
    "response-content-language response-content-type response-expires versionId".split()
)
#: botocore repeats these two headers in the query, where S3 does not look.
_REPEATED: Final = frozenset({"content-md5", "content-type"})
#: They announce payloads that only SigV4 knows.
_SIGV4_ONLY: Final = frozenset(
    {"x-amz-content-sha256", "x-amz-decoded-content-length", "x-amz-trailer"}
)
_EXPIRES: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_BLANK: Final = " \t"
#: No colon, at which a value could be made part of its name: the text to sign would be the same.
_AMZ: Final = re.compile(r"x-amz-[a-z0-9_.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class PresignedV2:
    """What a SigV2 signature is made over, and until when it is good.

    Args:
        string_to_sign: as the client must have written it; out of every repr.
        expires: seconds since 1970.
    """

    string_to_sign: bytes = field(repr=False)
    expires: int

    def check_expiry(self, now: datetime) -> None:
        """Refuse a URL that is out of its time.

        Raises:
            AuthenticationError: AccessDenied, in S3's words where S3 has them.
        """
        moment = int(now.timestamp())
        if moment >= self.expires:
            raise AuthenticationError(
                "AccessDenied",
                "Request has expired",
                members={"Expires": _iso(self.expires), "ServerTime": _iso(moment)},
            )
        if self.expires - moment > MAX_EXPIRES:
            raise AuthenticationError(
                "AccessDenied", "Expires must be at most 604800 seconds (a week) ahead."
            )

    def sign(self, secret: str) -> str:
        """The signature: HMAC-SHA1 in base64, as it stands in the query once decoded."""
        return b64encode(hmac.digest(secret.encode(), self.string_to_sign, "sha1")).decode()

    def holds(self, secret: str, claimed: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.sign(secret).encode(), claimed.encode("utf-8", "replace"))


def read_presigned(request: S3Request) -> PresignedV2:
    """Write the string that a SigV2 URL must have been signed over.

    Raises:
        AuthenticationError: it is not for a plain object, or holds what SigV2 does not cover.
        RequestError: a parameter is given twice, or the operation is none.
    """
    path = request.path
    if not isinstance(path, Object) or classify(request).name not in _OPERATIONS:
        raise _refused(
            "it is taken for GET, HEAD, PUT and DELETE of an object, and nothing else. Sign this "
            'with SigV4: in boto3 Config(signature_version="s3v4")'
        )
    for item in request.query.parameters:
        _check_parameter(request, item)
    expires = request.query.one("Expires")
    if expires is None or _EXPIRES.fullmatch(expires) is None:
        raise _refused("Expires must be a number of seconds since 1970")
    lines = [
        request.method,
        request.header("content-md5") or "",
        request.header("content-type") or "",
        expires,
    ]
    standard = "".join(f"{line.strip(_BLANK)}\n" for line in lines).encode("latin-1")
    text = standard + _amz_headers(request) + _resource(path, request.query)
    return PresignedV2(text, int(expires))


def _check_parameter(request: S3Request, item: Parameter) -> None:
    """Let pass what the signature covers: with another parameter the URL is another request.

    SigV2 escapes nothing, so that a line break or an ampersand would make one value of two.
    """
    name = item.name
    request.query.one(name)
    joins = _CONTROL.search(item.value) or (name in _IN_RESOURCE and "&" in item.value)
    if item.name_was_encoded or joins:
        raise _refused(f"the query parameter {name[:80]!r} is written in a way that is not taken")
    if name in _REPEATED and request.header(name) == item.value:
        return
    known = name in AUTHENTICATION or name in _IN_RESOURCE or _AMZ.fullmatch(name) is not None
    if name in _SIGV4_ONLY or not known:
        raise _refused(f"the query parameter {name[:80]!r} is not one that its signature covers")


def _amz_headers(request: S3Request) -> bytes:
    """CanonicalizedAmzHeaders, of all that arrived: as headers, or hoisted into the query."""
    values: dict[str, list[bytes]] = {}
    for name, value in request.headers:
        if _is_amz(name):
            values.setdefault(name, []).append(value.strip(_BLANK).encode("latin-1"))
    for item in request.query.parameters:
        if not _is_amz(item.name):
            continue
        if item.name in values:
            raise _refused(f"{item.name[:80]} is given twice, in a header and in the query")
        values[item.name] = [item.value.strip(_BLANK).encode()]
    if not _SIGV4_ONLY.isdisjoint(values):
        raise _refused(f"{min(_SIGV4_ONLY & values.keys())} belongs to SigV4")
    return b"".join(
        b"%b:%b\n" % (name.encode(), b",".join(lines)) for name, lines in sorted(values.items())
    )


def _resource(path: Object, query: Query) -> bytes:
    """CanonicalizedResource: path-style in any case, the key as sent, the parameters decoded."""
    items = sorted(query.parameters, key=lambda item: item.name)
    covered = [
        f"{item.name}={item.value}" if "=" in item.raw else item.name
        for item in items
        if item.name in _IN_RESOURCE
    ]
    mark = "?" if covered else ""
    return f"/{path.bucket}/{path.raw_key}{mark}{'&'.join(covered)}".encode()


def _is_amz(name: str) -> bool:
    return name.startswith("x-amz-")


def _refused(why: str) -> AuthenticationError:
    return AuthenticationError("InvalidRequest", f"This URL is presigned with SigV2: {why}.")


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
