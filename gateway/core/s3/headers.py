"""Which headers cross the gateway. Framing is generated on each side, never copied.

Request: what S3's operations take (botocore's model) and CORS; all `x-amz-*` but authentication.
Response: what S3 sends; an upstream is only semi-trusted, since bucket owners choose metadata.
"""

from typing import Final

from gateway.core.s3.request import Headers

_REQUEST: Final = frozenset(
    "accept access-control-request-headers access-control-request-method cache-control "
    "content-disposition content-encoding content-language content-md5 content-type expires "
    "if-match if-modified-since if-none-match if-unmodified-since origin range user-agent".split()
)
#: Made anew by our own signature, or describing a framing that ends here.
_NOT_FORWARDED: Final = frozenset(
    "x-amz-content-sha256 x-amz-date x-amz-security-token x-amz-decoded-content-length "
    "x-amz-trailer".split()
)
_RESPONSE: Final = frozenset(
    "accept-ranges access-control-allow-credentials access-control-allow-headers "
    "access-control-allow-methods access-control-allow-origin access-control-expose-headers "
    "access-control-max-age cache-control content-disposition content-encoding content-language "
    "content-length content-range content-type date etag expires last-modified location server "
    "vary".split()
)


def forwarded_request_headers(headers: Headers) -> list[tuple[str, str]]:
    """The client's headers that go upstream, in order, aws-chunked taken off Content-Encoding."""
    kept = [
        (name, value)
        for name, value in headers
        if (name.startswith("x-amz-") and name not in _NOT_FORWARDED) or name in _REQUEST
    ]
    return [
        (name, value)
        for name, value in (
            (name, without_aws_chunked(value) if name == "content-encoding" else value)
            for name, value in kept
        )
        if value or name != "content-encoding"
    ]


def forwarded_response_headers(headers: Headers) -> list[tuple[str, str]]:
    """The upstream's headers that go to the client, in order."""
    return [
        (name, value) for name, value in headers if name.startswith("x-amz-") or name in _RESPONSE
    ]


def without_aws_chunked(content_encoding: str) -> str:
    """`gzip,aws-chunked` -> `gzip`: the framing is no property of the stored object."""
    codings = [coding.strip() for coding in content_encoding.split(",")]
    return ",".join(coding for coding in codings if coding.lower() not in {"aws-chunked", ""})
