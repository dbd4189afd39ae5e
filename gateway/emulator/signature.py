"""Is this request signed, by whom and for which region? The arithmetic is botocore's, not ours.

The gateway has its own Signature Version 4; an emulator that shared it would share its mistakes.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from gateway.emulator.errors import S3Error
from gateway.emulator.request import S3Call

ALGORITHM = "AWS4-HMAC-SHA256"
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_MAX_SKEW = timedelta(minutes=15)
_MAX_EXPIRES = 604_800  # seven days, AmazonS3/latest/API/sigv4-query-string-auth.html
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=(?P<credential>[^, ]+), *SignedHeaders=(?P<headers>[^, ]+), *"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_SCOPE_PARTS = 5


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its own signature."""

    access_key_id: str
    date: str
    region: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    payload_hash: str
    expires: int | None  # seconds, for a presigned request

    @property
    def scope(self) -> str:
        """The credential scope without the key id."""
        return f"{self.date}/{self.region}/s3/aws4_request"


@dataclass(frozen=True, slots=True)
class Signed:
    """A claim that held. `sign` continues the signature into the chunks of the body."""

    claim: Claim
    sign: Callable[[str], str]


class SignatureVerifier:
    """Verifies Signature Version 4 in the header or in the query."""

    def __init__(
        self,
        credentials: Mapping[str, str],
        session_tokens: Mapping[str, str],
        clock: Callable[[], datetime],
    ) -> None:
        self._credentials = credentials
        self._session_tokens = session_tokens
        self._clock = clock

    def verify(self, call: S3Call) -> Signed:
        """The verified claim of a call, or the refusal S3 would give."""
        claim = _claim(call)
        secret = self._credentials.get(claim.access_key_id)
        if secret is None:
            raise S3Error("InvalidAccessKeyId", members={"AWSAccessKeyId": claim.access_key_id})
        self._check_time(claim)
        _check_coverage(call, claim)
        auth, request = _as_signed(call, claim, secret)
        canonical = auth.canonical_request(request)
        string_to_sign = auth.string_to_sign(request, canonical)
        expected = auth.signature(string_to_sign, request)
        if not hmac.compare_digest(expected, claim.signature):
            members = {
                "AWSAccessKeyId": claim.access_key_id,
                "StringToSign": string_to_sign,
                "SignatureProvided": claim.signature,
                "CanonicalRequest": canonical,
            }
            raise S3Error("SignatureDoesNotMatch", members=members)
        if call.header("x-amz-security-token") != self._session_tokens.get(claim.access_key_id):
            raise S3Error("InvalidToken")

        def sign(text: str) -> str:
            return str(auth.signature(text, request))

        return Signed(claim, sign)

    def _check_time(self, claim: Claim) -> None:
        now = self._clock()
        signed_at = _moment(claim)
        if claim.expires is None:
            if abs(now - signed_at) > _MAX_SKEW:
                members = {
                    "RequestTime": claim.timestamp,
                    "ServerTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "MaxAllowedSkewMilliseconds": "900000",
                }
                raise S3Error("RequestTimeTooSkewed", members=members)
        elif now > signed_at + timedelta(seconds=claim.expires):
            raise S3Error("AccessDenied", "Request has expired")
        elif signed_at > now + _MAX_SKEW:
            raise S3Error("AccessDenied", "Request is not valid yet")


def _claim(call: S3Call) -> Claim:
    authorization = call.header("authorization")
    if authorization is not None:
        return _header_claim(call, authorization)
    if call.parameter("X-Amz-Signature") is not None or call.parameter("X-Amz-Algorithm"):
        return _query_claim(call)
    if call.parameter("AWSAccessKeyId") is not None:
        raise _version_two()
    raise S3Error("AccessDenied")


def _header_claim(call: S3Call, authorization: str) -> Claim:
    if authorization.startswith("AWS "):
        raise _version_two()
    found = _AUTHORIZATION.fullmatch(authorization)
    if found is None:
        raise S3Error("AuthorizationHeaderMalformed")
    payload_hash = call.header("x-amz-content-sha256")
    if payload_hash is None:
        raise S3Error(
            "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"
        )
    timestamp = call.header("x-amz-date")
    if timestamp is None:
        raise S3Error(
            "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"
        )
    key_id, date, region = _scope(found["credential"], "AuthorizationHeaderMalformed")
    headers = tuple(found["headers"].split(";"))
    return Claim(key_id, date, region, headers, found["signature"], timestamp, payload_hash, None)


def _query_claim(call: S3Call) -> Claim:
    names = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
    values = {name: call.parameter(f"X-Amz-{name}") or "" for name in names}
    if not all(values.values()) or values["Algorithm"] != ALGORITHM:
        raise S3Error("AuthorizationQueryParametersError")
    if not values["Expires"].isdecimal() or not 0 < int(values["Expires"]) <= _MAX_EXPIRES:
        raise S3Error("AuthorizationQueryParametersError", "X-Amz-Expires must be 1 to 604800")
    key_id, date, region = _scope(values["Credential"], "AuthorizationQueryParametersError")
    return Claim(
        key_id,
        date,
        region,
        tuple(values["SignedHeaders"].split(";")),
        values["Signature"],
        values["Date"],
        call.header("x-amz-content-sha256") or "UNSIGNED-PAYLOAD",
        int(values["Expires"]),
    )


def _scope(credential: str, code: str) -> tuple[str, str, str]:
    parts = credential.rsplit("/", _SCOPE_PARTS - 1)
    if len(parts) != _SCOPE_PARTS or parts[3:] != ["s3", "aws4_request"]:
        raise S3Error(code)
    return parts[0], parts[1], parts[2]


def _version_two() -> S3Error:
    # Regions opened since 2014 never knew Signature Version 2.
    return S3Error(
        "InvalidRequest",
        "The authorization mechanism you have provided is not supported. "
        "Please use AWS4-HMAC-SHA256.",
    )


def _moment(claim: Claim) -> datetime:
    try:
        moment = datetime.strptime(claim.timestamp, _TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        raise S3Error(
            "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"
        ) from None
    if not claim.timestamp.startswith(claim.date):
        raise S3Error("AuthorizationHeaderMalformed", "Invalid credential date.")
    return moment


def _check_coverage(call: S3Call, claim: Claim) -> None:
    """Host and every x-amz-* header must be signed; a signed header must be there."""
    sent = {name.lower() for name, _ in call.headers}
    required = {name for name in sent if name.startswith("x-amz-")} | {"host"}
    if claim.expires is not None:
        required.discard("x-amz-content-sha256")
    missing = sorted(required - set(claim.signed_headers))
    if missing:
        raise S3Error(
            "AccessDenied",
            "There were headers present in the request which were not signed",
            members={"HeadersNotSigned": ", ".join(missing)},
        )


def _as_signed(call: S3Call, claim: Claim, secret: str) -> tuple[Any, Any]:
    """The call as botocore sees it: path as received, only the headers that were signed."""
    signed = set(claim.signed_headers)
    headers = HTTPHeaders()
    for name, value in call.headers:
        if name.lower() in signed:
            headers.add_header(name.lower(), value)
    request = AWSRequest(
        method=call.method,
        url=f"http://{call.header('host')}{call.path}",
        params=[pair for pair in call.query if pair[0] != "X-Amz-Signature"],
    )
    request.headers["X-Amz-Content-SHA256"] = claim.payload_hash
    request.context["timestamp"] = claim.timestamp
    scheme = S3SigV4Auth if claim.expires is None else S3SigV4QueryAuth
    auth = scheme(Credentials(claim.access_key_id, secret), "s3", claim.region)
    # botocore signs what it likes to sign (never user-agent, say); a verifier takes the list the
    # client chose, with the lines it sent.
    auth.headers_to_sign = lambda _request: headers
    return auth, request
