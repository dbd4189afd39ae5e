"""Who signs, and for which day, Region and service."""

from dataclasses import dataclass, field
from typing import NamedTuple, Self

from gateway.core.errors import AuthenticationError

ALGORITHM = "AWS4-HMAC-SHA256"
_SCOPE_PARTS = 5
#: Characters: an access key id has at most 128, and what follows is remembered with its keys.
_LONGEST = 256


@dataclass(frozen=True, slots=True)
class Credential:
    """An access key pair. The secret parts stay out of every repr.

    Args:
        access_key_id: public half.
        secret_access_key: never leaves the process.
        session_token: of temporary credentials, else None.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


class CredentialScope(NamedTuple):
    """`YYYYMMDD/region/service/aws4_request`: what a signing key is good for."""

    date: str
    region: str
    service: str = "s3"

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


class ScopedAccessKey(NamedTuple):
    """The value of `Credential=`: an access key id and its scope."""

    access_key_id: str
    scope: CredentialScope

    @classmethod
    def read(cls, text: str, code: str) -> Self:
        """Split `AKID/date/region/service/aws4_request`; an access key id may hold slashes.

        Args:
            text: the value as received.
            code: the S3 code for a malformed one; header and query form have their own.

        Raises:
            AuthenticationError: `code`.
        """
        parts = text.rsplit("/", _SCOPE_PARTS - 1)
        well_formed = len(parts) == _SCOPE_PARTS and all(parts) and parts[4] == "aws4_request"
        if not well_formed or len(text) > _LONGEST:
            raise AuthenticationError(
                code,
                "The Credential is mal-formed; expecting "
                '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
            )
        return cls(parts[0], CredentialScope(parts[1], parts[2], parts[3]))
