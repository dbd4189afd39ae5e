"""Claim -> secret -> verified -> Principal, and what that principal may touch."""

import hmac
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from gateway.core.errors import AccessDenied, AuthenticationError
from gateway.core.ports import Clock, CredentialStore, KnownKey, Principal
from gateway.core.s3.address import Root
from gateway.core.s3.copy_source import named_buckets
from gateway.core.s3.operations import Group, Operation
from gateway.core.s3.request import S3Request
from gateway.core.sigv4.claim import Claim
from gateway.core.sigv4.credential import Credential
from gateway.core.sigv4.signature import signature_holds
from gateway.core.sigv4.validity import check_validity


class Authenticator:
    """Verifies claims.

    Args:
        keys: the clients' keys.
        clock: the wall clock, aware.
        regions: globs of Regions that may stand in a credential scope.
    """

    def __init__(self, keys: CredentialStore, clock: Clock, regions: Sequence[str]) -> None:
        self._keys = keys
        self._clock = clock
        self._regions = regions

    def authenticate(self, claim: Claim, payload: str) -> KnownKey:
        """Believe a claim, or refuse it.

        Args:
            claim: as read from the request.
            payload: the last line of the canonical request: what the client declared, or the
                body's hash where it declared nothing.

        Raises:
            AuthenticationError: the signature does not hold, is out of its time or scope, or its
                session token is not one that the gateway knows.
        """
        if claim.presigned_v2 is None:
            check_validity(claim, self._clock(), self._regions)
        else:
            claim.presigned_v2.check_expiry(self._clock())
        found = self._keys.find(claim.access_key.access_key_id)
        key = found or _nobody(claim.access_key.access_key_id)
        holds = _holds(claim, payload, key.credential.secret_access_key)
        if not holds or found is None:
            raise AuthenticationError(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. "
                "Check your key and signing method.",
            )
        _check_session_token(claim.session_token, key.credential.session_token)
        return found


def _nobody(access_key_id: str) -> KnownKey:
    """Stands in for an unknown key, so that both failures cost the same and answer alike.

    The secret is the id's own: one for all would have its signing keys derived already, where those
    of a known id are derived on the first try.
    """
    secret = f"no such key: {access_key_id}"
    return KnownKey(Credential("", secret), Principal("", buckets=(), groups=frozenset()))


def _holds(claim: Claim, payload: str, secret: str) -> bool:
    if claim.presigned_v2 is not None:
        return claim.presigned_v2.holds(secret, claim.signature)
    return signature_holds(
        claim.signable,
        payload,
        claim.timestamp,
        claim.access_key.scope,
        secret,
        claim.signature,
    )


def _check_session_token(claimed: str | None, known: str | None) -> None:
    same = hmac.compare_digest((claimed or "").encode(), (known or "").encode())
    if not same:
        raise AuthenticationError(
            "InvalidToken",
            "The provided token is malformed or otherwise invalid: this gateway knows its own "
            "access keys only. Unset AWS_SESSION_TOKEN where you use them.",
        )


def authorize(principal: Principal, operation: Operation, request: S3Request) -> None:
    """Confine a principal to its operation groups and to its buckets, wherever they are named.

    Raises:
        AccessDenied: in words that say what was asked for and who could grant it.
        RequestError: a copy source is malformed.
    """
    if operation.group is Group.REFUSED:
        raise AccessDenied(
            f"The gateway never performs {operation.name}: it would hand out S3 credentials "
            "that bypass it.",
            code="NotImplemented",
        )
    if operation.group not in principal.groups:
        raise AccessDenied(
            f"{principal.name} may not perform {operation.name}: it is in the operation group "
            f"{operation.group.value!r}, which this access key was not given. Ask the operator "
            "of this gateway for it."
        )
    if isinstance(request.path, Root):
        return  # names no bucket; its answer does, and is held against the globs
    for bucket in (request.path.bucket, *sorted(named_buckets(request))):
        authorize_bucket(principal, bucket)


def authorize_bucket(principal: Principal, bucket: str) -> None:
    """Confine a principal to its buckets.

    Raises:
        AccessDenied: in words that say who could grant it.
    """
    if not _is_one_of(bucket, principal.buckets):
        raise AccessDenied(
            f"{principal.name} may not use the bucket {bucket!r}. "
            "Ask the operator of this gateway for access."
        )


def authorize_destination(principal: Principal, bucket: str) -> None:
    """Confine where S3 may write on a principal's behalf, before anything is asked about it.

    A report may go where its owner need not be able to read: hence globs of their own.

    Raises:
        AccessDenied: in words that say who could grant it.
    """
    globs = principal.destinations or principal.buckets
    if not any(fnmatchcase(bucket, glob) for glob in globs):
        raise AccessDenied(
            f"{principal.name} may not have S3 deliver to the bucket {bucket[:80]!r}, only "
            f"to: {', '.join(globs)}. Ask the operator of this gateway for it."
        )


@lru_cache(maxsize=4096)  # for names that were checked: short, and a few for each principal
def _is_one_of(bucket: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(bucket, glob) for glob in globs)
