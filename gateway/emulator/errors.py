"""The refusals of S3 as this emulator knows them: code -> status and message, and the document."""

import html
from collections.abc import Mapping
from types import MappingProxyType

# Wire constants of the S3 error table (AmazonS3/latest/API/ErrorResponses.html) and of recorded
# answers; a message given at the raise replaces the one here.
_CATALOG: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "AccessDenied": (403, "Access Denied"),
        "AuthorizationHeaderMalformed": (400, "The authorization header is malformed"),
        "AuthorizationQueryParametersError": (400, "Error parsing the authorization parameters"),
        "BadDigest": (400, "The Content-MD5 or checksum value that you specified did not match."),
        "BucketAlreadyExists": (409, "The requested bucket name is not available."),
        "BucketAlreadyOwnedByYou": (
            409,
            "Your previous request to create the named bucket succeeded and you already own it.",
        ),
        "BucketNotEmpty": (409, "The bucket you tried to delete is not empty"),
        "EntityTooSmall": (
            400,
            "Your proposed upload is smaller than the minimum allowed size",
        ),
        "IdMismatch": (400, "Document ID does not match the specified configuration ID."),
        "IllegalLocationConstraintException": (
            400,
            (
                "The location constraint is incompatible for the region specific endpoint this "
                "request was sent to."
            ),
        ),
        "IncompleteBody": (400, "The request body terminated unexpectedly"),
        "InvalidAccessKeyId": (
            403,
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        "InvalidArgument": (400, "Invalid Argument"),
        "InvalidBucketName": (400, "The specified bucket is not valid."),
        "InvalidBucketOwnerAWSAccountID": (
            400,
            "The value of the expected bucket owner parameter must be an AWS Account ID...",
        ),
        "InvalidChunkSizeError": (
            403,
            "Only the last chunk is allowed to have a size less than 8192 bytes",
        ),
        "InvalidDigest": (400, "The Content-MD5 you specified was invalid."),
        "InvalidPart": (
            400,
            (
                "One or more of the specified parts could not be found.  The part may not have "
                "been uploaded, or the specified entity tag may not match the part's entity tag."
            ),
        ),
        "InvalidPartOrder": (
            400,
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
        ),
        "InvalidRange": (416, "The requested range is not satisfiable"),
        "InvalidRequest": (400, "Invalid Request"),
        "InvalidS3DestinationBucket": (400, "Invalid bucket ARN."),
        "InvalidToken": (400, "The provided token is malformed or otherwise invalid."),
        "InvalidURI": (400, "Couldn't parse the specified URI."),
        "KeyTooLongError": (400, "Your key is too long"),
        "MalformedContinuationToken": (400, "The continuation-token you provided invalid."),
        "MalformedTrailerError": (
            400,
            (
                "The request contained trailing data that was not well-formed or did not conform "
                "to our published schema."
            ),
        ),
        "MalformedXML": (
            400,
            (
                "The XML you provided was not well-formed or did not validate against our "
                "published schema"
            ),
        ),
        "MethodNotAllowed": (405, "The specified method is not allowed against this resource."),
        "MissingContentLength": (411, "You must provide the Content-Length HTTP header."),
        "MissingRequestBodyError": (400, "Request Body is empty"),
        "NoSuchBucket": (404, "The specified bucket does not exist"),
        "NoSuchBucketPolicy": (404, "The bucket policy does not exist"),
        "NoSuchConfiguration": (404, "The specified configuration does not exist."),
        "NoSuchKey": (404, "The specified key does not exist."),
        "NoSuchPublicAccessBlockConfiguration": (
            404,
            "The public access block configuration was not found",
        ),
        "NoSuchTagSet": (404, "The TagSet does not exist"),
        "NoSuchUpload": (
            404,
            (
                "The specified upload does not exist. The upload ID may be invalid, or the upload"
                " may have been aborted or completed."
            ),
        ),
        "NoSuchVersion": (404, "The specified version does not exist."),
        "NotImplemented": (
            501,
            "A header you provided implies functionality that is not implemented",
        ),
        "PreconditionFailed": (
            412,
            "At least one of the pre-conditions you specified did not hold",
        ),
        "RequestTimeTooSkewed": (
            403,
            "The difference between the request time and the current time is too large.",
        ),
        "SignatureDoesNotMatch": (
            403,
            (
                "The request signature we calculated does not match the signature you provided. "
                "Check your key and signing method."
            ),
        ),
        "TooManyConfigurations": (
            400,
            (
                "You are attempting to create a new configuration but have already reached the "
                "1,000-configuration limit."
            ),
        ),
        "XAmzContentSHA256Mismatch": (
            400,
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        ),
    }
)


class S3Error(Exception):
    """A refusal: what the caller gets instead of an answer."""

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        status: int | None = None,
        members: Mapping[str, str] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        known_status, known_message = _CATALOG.get(code, (400, code))
        super().__init__(f"{code}: {message or known_message}")
        self.code = code
        self.message = known_message if message is None else message
        self.status = known_status if status is None else status
        self.members = dict(members or {})
        self.headers = headers

    def document(self, request_id: str, host_id: str, *, prolog: bool) -> bytes:
        """Render the error document: root `Error` without a namespace, the ids last.

        Inventory errors come without an XML declaration, all others with one and a newline
        (recorded from real S3).
        """
        pairs = [
            ("Code", self.code),
            ("Message", self.message),
            *self.members.items(),
            ("RequestId", request_id),
            ("HostId", host_id),
        ]
        body = "".join(f"<{name}>{html.escape(text, quote=False)}</{name}>" for name, text in pairs)
        declaration = '<?xml version="1.0" encoding="UTF-8"?>\n' if prolog else ""
        return f"{declaration}<Error>{body}</Error>".encode()
