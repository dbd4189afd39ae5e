"""What may be passed back of an upstream's answer."""

import re
from dataclasses import dataclass
from typing import Final

from gateway.core.errors import CredentialsUnavailable, GatewayError, UpstreamUnavailable
from gateway.core.ports import UpstreamResponse
from gateway.core.s3.request import Headers

_ERROR_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,64})</Code>")
#: Errors about the gateway's own signature or credentials. Their documents quote the access key id
#: and the canonical request, session token included: they never go to a client.
_ABOUT_CREDENTIALS: Final = frozenset(
    {
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidSecurity",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)
#: Errors that would send a client elsewhere: R paws and s3cmd follow them with their credentials.
_ABOUT_REGION: Final = frozenset(
    {"AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect"}
)
#: Bytes of an error document or of a configuration that are held in memory.
MAX_SMALL_ANSWER: Final = 64 * 1024
NOT_MODIFIED: Final = 304
_REDIRECTION: Final = 300
_CLIENT_ERROR: Final = 400
#: PermanentRedirect and, for buckets whose DNS name is new, TemporaryRedirect:
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
_REDIRECTED: Final = frozenset({301, 307})


@dataclass(frozen=True, slots=True)
class SmallAnswer:
    """An answer that was read whole: an error, a redirection, or what is small by nature."""

    status: int
    headers: Headers
    body: bytes

    def doubts_region(self, method: str) -> bool:
        """Whether S3 says that the bucket may be in another Region.

        Such an answer comes from routing or from checking the signature's scope, before the
        operation is looked at: S3 has not acted, and to send the request again is no second write.
        HEAD has no document: there a bare 400 may say the same, and reads do no harm.
        """
        if self.status != _CLIENT_ERROR:
            return self.status in _REDIRECTED
        if method == "HEAD":
            return True
        return error_code(self.body) in _ABOUT_REGION


def is_redirect(status: int) -> bool:
    """Whether this would send the client somewhere; 304 answers a condition instead."""
    return _REDIRECTION <= status < _CLIENT_ERROR and status != NOT_MODIFIED


def is_error(status: int) -> bool:
    """Whether an S3 error document follows."""
    return status >= _CLIENT_ERROR


async def read_small_answer(
    response: UpstreamResponse, method: str, limit: int = MAX_SMALL_ANSWER
) -> SmallAnswer:
    """Read an answer that is small by nature.

    Args:
        response: its head is there.
        method: of the request; there is nothing to wait for after HEAD.
        limit: bytes of its body.

    Raises:
        UpstreamUnavailable: it is not small, or broke off.
    """
    body = bytearray()
    if method != "HEAD":
        while chunk := await response.read():
            body += chunk
            if len(body) > limit:
                raise UpstreamUnavailable("answer_too_large")
    return SmallAnswer(response.status, response.headers, bytes(body))


def fault_of(status: int, body: bytes) -> GatewayError | None:
    """The gateway's own error, where an upstream's answer is not for the client's eyes.

    Args:
        status: of the answer.
        body: its error document, or nothing after a HEAD.
    """
    code = error_code(body)
    if code in _ABOUT_CREDENTIALS:
        return CredentialsUnavailable("upstream_refused_credentials", detail=code)
    if is_redirect(status) or code in _ABOUT_REGION:
        return UpstreamUnavailable("upstream_redirect", detail=code or str(status))
    return None


def error_code(body: bytes) -> str:
    """The code in an error document; empty where there is none."""
    match = _ERROR_CODE.search(body)
    return match[1].decode() if match else ""
