"""What a request says of its sender, before any of it is believed.

Exactly one mechanism, and it is SigV4 in an Authorization header or in the query (presigned); where
a setting says so, a plain object's URL may be presigned with SigV2. Everything else is refused in
words that say what to set.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from gateway.core.errors import AuthenticationError, GatewayError, RequestError
from gateway.core.s3.operations import SIGV2_PARAMETERS
from gateway.core.s3.query import Query
from gateway.core.s3.request import S3Request
from gateway.core.sigv2 import presigned as sigv2
from gateway.core.sigv2.presigned import PresignedV2
from gateway.core.sigv4.canonical import Signable, split_signed_headers
from gateway.core.sigv4.credential import ALGORITHM, CredentialScope, ScopedAccessKey
from gateway.core.sigv4.payload import PayloadMode, UnsignedPayload, read_payload_mode

#: The query parameters that are authentication and nothing else; none of them goes upstream.
PRESIGN_PARAMETERS: Final = frozenset(
    "X-Amz-Algorithm X-Amz-Credential X-Amz-Date X-Amz-Expires X-Amz-SignedHeaders "
    "X-Amz-Signature X-Amz-Security-Token X-Amz-Content-Sha256".split()
)
#: The same, and what SigV2 has for them.
AUTHENTICATION_PARAMETERS: Final = (
    PRESIGN_PARAMETERS | sigv2.AUTHENTICATION | {"x-amz-security-token"}
)
#: SigV2 names no Region. This is where S3's first endpoint was, and the only guess there is.
_REGION_OF_SIGV2: Final = "us-east-1"
_LOWER_PRESIGN: Final = {name.lower(): name for name in PRESIGN_PARAMETERS}
_FIELD = re.compile(r"\s*(Credential|SignedHeaders|Signature)=([^,\s]+)\s*", re.ASCII)
#: Characters of an Authorization header that are kept: SDKs write less, strangers write more.
_LONGEST_REMEMBERED: Final = 1024
_NEEDED: Final = "it must hold Credential, SignedHeaders and Signature once each."
_EXPIRES = re.compile(r"[0-9]{1,10}", re.ASCII)
_DIGITS_OF_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SIGV4_HINT = (
    'Sign with SigV4: boto3/botocore Config(signature_version="s3v4") (its presigned URLs are '
    "SigV2 by default in us-east-1), AWS CLI `aws configure set default.s3.signature_version s3v4`."
)


@dataclass(slots=True)
class Claim:
    """The parts of a signature, as claimed.

    Args:
        mechanism: `sigv4-header`, `sigv4-query` or `sigv2-query`.
        access_key: access key id and credential scope.
        signature: as claimed; out of every repr.
        timestamp: `YYYYMMDDTHHMMSSZ` as claimed, unchecked; empty in SigV2.
        payload: how the body is protected.
        session_token: of temporary credentials, else None; out of every repr.
        expires: seconds of validity from `timestamp`, presigned only.
        signable: what the signature is made over; out of every repr, as it holds the headers.
        presigned_v2: the same of SigV2, and its expiry; None for SigV4.
    """

    mechanism: str
    access_key: ScopedAccessKey
    signature: str = field(repr=False)
    timestamp: str
    payload: PayloadMode
    session_token: str | None = field(repr=False)
    expires: int | None
    signable: Signable = field(repr=False)
    presigned_v2: PresignedV2 | None = None

    @property
    def canonical_payload(self) -> str:
        """The last line of the canonical request."""
        return self.payload.text


def read_claim(request: S3Request, *, sigv2_presigned: bool = False) -> Claim:
    """Find the one authentication mechanism of a request and take it apart.

    Args:
        request: as received.
        sigv2_presigned: take a plain object's URL that is presigned with SigV2.

    Raises:
        AuthenticationError: none, several, malformed, or one that is not taken here.
        RequestError: `x-amz-content-sha256` is not one of its values.
    """
    header = request.header("authorization")
    query = request.query
    presigned = _presign_names(query)
    presigned_v2 = bool(query.parameters) and not SIGV2_PARAMETERS.isdisjoint(query.names)
    if (header is not None) + presigned + presigned_v2 > 1:
        raise AuthenticationError(
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
            "query string parameter or the Authorization header should be specified",
            members={"ArgumentName": "Authorization"},
        )
    if header is not None:
        return _from_header(request, header)
    if presigned:
        return _from_query(request)
    if presigned_v2 and sigv2_presigned:
        return _from_sigv2(request)
    if presigned_v2:
        raise _unsupported("This presigned URL is signed with SigV2 (AWSAccessKeyId, Signature).")
    raise AuthenticationError(
        "AccessDenied",
        "Anonymous requests are not allowed. Sign the request with SigV4, with an access key that "
        "the operator of this gateway gave you.",
    )


def _presign_names(query: Query) -> bool:
    """Whether the query claims a presigned SigV4 signature, in whatever case."""
    found = False
    for item in query.parameters:
        proper = _LOWER_PRESIGN.get(item.name.lower())
        if proper is None or proper in {"X-Amz-Security-Token", "X-Amz-Content-Sha256"}:
            continue
        if item.name != proper:
            raise _bad_query(f"The query parameter {item.name[:40]!r} must be spelled {proper}.")
        found = True
    return found


def _from_header(request: S3Request, value: str) -> Claim:
    algorithm, _, rest = value.strip().partition(" ")
    if algorithm != ALGORITHM:
        raise _other_scheme(algorithm)
    before, equals, after = rest.rpartition("Signature=")
    signature, comma, others = after.partition(",")
    read = _read_terms if len(rest) <= _LONGEST_REMEMBERED else _read_terms.__wrapped__
    terms = read(f"{before}{equals}_{comma}{others}")
    timestamp = request.header("x-amz-date")
    if timestamp is None:
        raise AuthenticationError(
            "AccessDenied", "AWS authentication requires a valid x-amz-date header."
        )
    _check_all_amz_headers_signed(
        request.header_names, terms.signed_headers, exempt="x-amz-content-sha256"
    )
    return Claim(
        mechanism="sigv4-header",
        access_key=terms.access_key,
        signature=_signature(signature.rstrip(), _bad_header),
        timestamp=timestamp,
        payload=read_payload_mode(request.header("x-amz-content-sha256")),
        session_token=request.header("x-amz-security-token"),
        expires=None,
        signable=_signable(request, request.query, terms.signed_headers),
    )


class _Terms(NamedTuple):
    """What an Authorization header says beside its signature."""

    access_key: ScopedAccessKey
    signed_headers: tuple[str, ...]


@lru_cache(maxsize=1024)
def _read_terms(text: str) -> _Terms:
    """Take an Authorization header apart, its signature replaced: then a client repeats it all day.

    Raises:
        AuthenticationError: AuthorizationHeaderMalformed.
    """
    fields: dict[str, str] = {}
    for part in text.split(","):
        match = _FIELD.fullmatch(part)
        if match is None or match[1] in fields:
            raise _bad_header(_NEEDED)
        fields[match[1]] = match[2]
    if len(fields) != 3:  # noqa: PLR2004 - the three named above
        raise _bad_header(_NEEDED)
    access_key = ScopedAccessKey.read(fields["Credential"], "AuthorizationHeaderMalformed")
    return _Terms(access_key, _signed_headers(fields["SignedHeaders"], _bad_header))


def _from_query(request: S3Request) -> Claim:
    query = request.query
    values: dict[str, str] = {}
    for name in PRESIGN_PARAMETERS - {"X-Amz-Security-Token", "X-Amz-Content-Sha256"}:
        value = query.one(name)
        if value is None:
            raise _bad_query(f"Query-string authentication needs the parameter {name}.")
        values[name] = value
    if values["X-Amz-Algorithm"] != ALGORITHM:
        raise _other_scheme(values["X-Amz-Algorithm"])
    if _EXPIRES.fullmatch(values["X-Amz-Expires"]) is None:
        raise _bad_query("X-Amz-Expires should be a number of seconds.")
    access_key = ScopedAccessKey.read(
        values["X-Amz-Credential"], "AuthorizationQueryParametersError"
    )
    signed = _signed_headers(values["X-Amz-SignedHeaders"], _bad_query)
    # The header is bound only where it is signed; unbound, it could change the body's framing.
    _check_all_amz_headers_signed(request.header_names, signed, exempt="")
    declared = request.amz("x-amz-content-sha256")
    return Claim(
        mechanism="sigv4-query",
        access_key=access_key,
        signature=_signature(values["X-Amz-Signature"], _bad_query),
        timestamp=values["X-Amz-Date"],
        payload=read_payload_mode("UNSIGNED-PAYLOAD" if declared is None else declared),
        session_token=query.one("X-Amz-Security-Token"),
        expires=int(values["X-Amz-Expires"]),
        signable=_signable(request, query.without(frozenset({"X-Amz-Signature"})), signed),
    )


def _from_sigv2(request: S3Request) -> Claim:
    """The body is covered by nothing, as with SigV4's presigned URLs."""
    query = request.query
    values = [query.one(name) for name in ("AWSAccessKeyId", "Signature")]
    access_key_id, signature = (value or "" for value in values)
    return Claim(
        mechanism="sigv2-query",
        access_key=ScopedAccessKey(access_key_id, CredentialScope("", _REGION_OF_SIGV2)),
        signature=signature,
        timestamp="",
        payload=UnsignedPayload(),
        session_token=request.amz("x-amz-security-token"),
        expires=None,
        signable=_signable(request, query, ()),
        presigned_v2=sigv2.read_presigned(request),
    )


def _signable(request: S3Request, query: Query, signed: tuple[str, ...]) -> Signable:
    return Signable(request.method, request.raw_path, query, request.headers, signed)


def _signed_headers(text: str, bad: "_Refusal") -> tuple[str, ...]:
    """The names. One that did not arrive is no malformed claim: its signature does not hold."""
    names = split_signed_headers(text)
    if names is None:
        raise bad("SignedHeaders must be lower-case names, sorted, each once.")
    if "host" not in names:
        raise bad("SignedHeaders must include host.")
    return names


def _check_all_amz_headers_signed(
    arrived: tuple[str, ...], signed: tuple[str, ...], *, exempt: str
) -> None:
    """Enumerate what arrived, not what was claimed.

    A header that is added after signing (`x-amz-copy-source`, say) would be laundered by our own
    signature: the bug class of CVE-2026-54330. S3 answers AccessDenied with `HeadersNotSigned`.
    """
    unsigned = [
        name
        for name in arrived
        if name.startswith("x-amz-") and name not in signed and name != exempt
    ]
    if unsigned:
        raise AuthenticationError(
            "AccessDenied",
            "There were headers present in the request which were not signed",
            members={"HeadersNotSigned": ", ".join(sorted(unsigned))[:500]},
        )


def _signature(text: str, bad: "_Refusal") -> str:
    if _DIGITS_OF_SIGNATURE.fullmatch(text) is None:
        raise bad("Signature must be 64 lower-case hexadecimal characters.")
    return text


class _Refusal:
    """Words for a malformed claim, under the code of its form."""

    def __init__(self, code: str, prefix: str) -> None:
        self._code = code
        self._prefix = prefix

    def __call__(self, why: str) -> AuthenticationError:
        return AuthenticationError(self._code, f"{self._prefix} {why}")


_bad_header = _Refusal(
    "AuthorizationHeaderMalformed", "The authorization header that you provided is not valid:"
)
_bad_query = _Refusal(
    "AuthorizationQueryParametersError", "Error parsing the query-string authentication:"
)


def _other_scheme(algorithm: str) -> GatewayError:
    match algorithm:
        case "AWS":
            return _unsupported("This request is signed with SigV2.")
        case "Bearer":
            return _unsupported(
                "Bearer (IAM) tokens cannot be verified here. With the IBM COS SDK use HMAC "
                "credentials: ibm_boto3.client(aws_access_key_id=…, aws_secret_access_key=…)."
            )
        case _ if algorithm.startswith("AWS4-ECDSA"):
            return _unsupported(
                "This request is signed with SigV4A, which Multi-Region Access Points use. "
                "Address a bucket in one Region."
            )
        case _:
            return RequestError(
                "InvalidArgument",
                f"Unsupported Authorization Type. Please use {ALGORITHM}.",
                members={"ArgumentName": "Authorization"},
            )


def _unsupported(what: str) -> AuthenticationError:
    """S3's own words in Regions that know SigV4 only, and ours on what to set."""
    return AuthenticationError(
        "InvalidRequest",
        "The authorization mechanism you have provided is not supported. "
        f"Please use {ALGORITHM}. {what} {_SIGV4_HINT}",
    )
