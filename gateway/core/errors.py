"""What can go wrong, split by whose fault it is; the S3 error code is data.

A verdict is never an exception: `core.policy` returns `Allow` or `Deny`. What is here is raised.
Codes and statuses: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from collections.abc import Mapping
from typing import ClassVar
from xml.sax.saxutils import escape

#: S3 error code -> HTTP status. Only codes that the gateway itself answers with.
STATUS: Mapping[str, int] = {
    "AccessDenied": 403,
    "AuthorizationHeaderMalformed": 400,
    "AuthorizationQueryParametersError": 400,
    "BadDigest": 400,
    "BadRequest": 400,
    "EntityTooLarge": 400,
    "IdMismatch": 400,
    "IncompleteBody": 400,
    "InternalError": 500,
    "InvalidArgument": 400,
    "InvalidBucketName": 400,
    "InvalidBucketOwnerAWSAccountID": 400,
    "InvalidChunkSizeError": 403,
    "InvalidDigest": 400,
    "InvalidRequest": 400,
    "InvalidS3DestinationBucket": 400,
    "InvalidToken": 400,
    "InvalidURI": 400,
    "KeyTooLongError": 400,
    "MalformedXML": 400,
    "MaxMessageLengthExceeded": 400,
    "MethodNotAllowed": 405,
    "MissingContentLength": 411,
    "MissingRequestBodyError": 400,
    "NoSuchBucket": 404,
    "NotImplemented": 501,
    "RequestHeaderSectionTooLarge": 431,
    "RequestTimeTooSkewed": 403,
    "RequestTimeout": 400,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "SlowDown": 503,
    "UpstreamTimeout": 504,
    "UpstreamUnavailable": 502,
    "XAmzContentSHA256Mismatch": 400,
}


class GatewayError(Exception):
    """The one root: an answer in S3's terms.

    Args:
        code: S3 error code, a key of `STATUS`.
        message: what the client's user reads; says what to do. Never holds a secret.
        members: further elements of the error document, in order (`ArgumentName`, `Region`, ...).
        headers: further response headers (`Allow`, `Retry-After`).
    """

    level: ClassVar[str] = "info"

    def __init__(
        self,
        code: str,
        message: str,
        *,
        members: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.members: Mapping[str, str] = members or {}
        self.headers: Mapping[str, str] = headers or {}

    @property
    def status(self) -> int:
        """The HTTP status that S3 pairs with the code."""
        return STATUS[self.code]

    @property
    def public_code(self) -> str:
        """The code that the client reads."""
        return self.code


class AuthenticationError(GatewayError):
    """The client could not prove who it is (400 or 403)."""


class RequestError(GatewayError):
    """The request is not one that S3 would take, or that the gateway understands (4xx)."""


def malformed_xml(why: str) -> RequestError:
    """S3's sentence, then ours: S3 does not say what is wrong, which is what users ask first."""
    return RequestError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published "
        f"schema: {why}.",
    )


class AccessDenied(GatewayError):  # noqa: N818 - named as the S3 code it answers with
    """A known principal may not use this bucket or operation (403, or 501 for the unlisted)."""

    def __init__(self, message: str, *, code: str = "AccessDenied") -> None:
        super().__init__(code, message)


class DependencyUnavailable(GatewayError):  # noqa: N818 - a state, as S3's ServiceUnavailable
    """Facts, credentials or the journal cannot be had now: 503, and nothing is forwarded.

    Args:
        reason: a constant for records and metrics, such as `facts_timeout`.
        detail: for the log only; the client reads no internals.
    """

    level = "error"
    what = "a part it depends on"

    def __init__(self, reason: str, *, detail: str = "") -> None:
        super().__init__(
            "ServiceUnavailable",
            f"The gateway cannot decide now because {self.what} is unavailable ({reason}). "
            "Nothing was changed in S3. Please try again.",
            headers={"Retry-After": "2"},
        )
        self.reason = reason
        self.detail = detail


class PolicyUnavailable(DependencyUnavailable):
    """The policy engine gave no answer that can be trusted: deny, count, record."""

    what = "its policy engine"


class FactsUnavailable(DependencyUnavailable):
    """Bucket facts could not be looked up just now (a time-out, not a "no such bucket")."""

    what = "the look-up of bucket facts"


class CredentialsUnavailable(DependencyUnavailable):
    """The gateway has no valid upstream credentials. It never falls back to anonymous."""

    what = "its credential provider"


class JournalUnavailable(DependencyUnavailable):
    """The decision could not be made durable. No record, no action."""

    what = "its journal"


class UpstreamUnavailable(GatewayError):  # noqa: N818 - a state, as S3's ServiceUnavailable
    """The upstream gave no answer (502), or none in time (504).

    Args:
        reason: a constant for records and metrics, such as `connect_refused`.
        timeout: whether it was a matter of time.
        detail: for the log only.
        sent: whether any byte of the request may have reached the upstream.
    """

    level = "warning"

    def __init__(
        self, reason: str, *, timeout: bool = False, detail: str = "", sent: bool = True
    ) -> None:
        code = "UpstreamTimeout" if timeout else "UpstreamUnavailable"
        words = "did not answer in time" if timeout else "cannot be reached"
        super().__init__(code, f"S3 {words} from the gateway ({reason}). Please try again.")
        self.reason = reason
        self.detail = detail
        self.sent = sent

    @property
    def public_code(self) -> str:
        """The code that SDKs know how to retry; the status tells 502 from 504."""
        return "ServiceUnavailable"


class BucketMoved(UpstreamUnavailable):
    """S3 has the bucket in another Region than was believed, and did not act (503).

    The right Region is known by now, so that the client's own retry succeeds.

    Args:
        region: where the bucket is; for the log only.
    """

    def __init__(self, region: str) -> None:
        super().__init__("bucket_moved", detail=region)
        self.code = "ServiceUnavailable"
        self.message = (
            "The bucket is in another Region than the gateway knew of. It knows now, and nothing "
            "was changed in S3. Please try again."
        )
        self.headers = {"Retry-After": "1"}


def error_document(
    code: str, message: str, members: Mapping[str, str], request_id: str, host_id: str
) -> bytes:
    """Write the S3 error document: root `Error`, no namespace, RequestId and HostId last.

    Real S3 answers inventory errors without an XML declaration, so none is written.
    Characters that XML 1.0 cannot carry are replaced, so that an error about a hostile name is
    itself always well-formed.
    """
    rows = {"Code": code, "Message": message, **members}
    rows |= {"RequestId": request_id, "HostId": host_id}
    inner = "".join(f"<{name}>{_text(value)}</{name}>" for name, value in rows.items())
    return f"<Error>{inner}</Error>".encode()


def _text(value: str) -> str:
    """Escape for element content and drop what XML 1.0 section 2.2 does not allow."""
    return escape(
        "".join(char if _is_xml_char(char) else "\N{REPLACEMENT CHARACTER}" for char in value)
    )


def _is_xml_char(char: str) -> bool:
    return (
        char in "\t\n\r"
        or " " <= char <= "\ud7ff"
        or "\ue000" <= char <= "\ufffd"
        or char >= "\U00010000"
    )
