"""The signature itself: signing key, string to sign, and the HMAC, for both directions.

To verify is to sign and compare; there is one implementation. botocore is the oracle in the tests.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
from functools import lru_cache
from hashlib import sha256

from gateway.core.sigv4.canonical import Signable, Spelling, canonical_request
from gateway.core.sigv4.credential import ALGORITHM, Credential, CredentialScope

#: Key derivation costs four HMACs; a key is good for a day, so an hour of traffic needs few.
_CACHED_KEYS = 1024
_SPELLINGS = tuple(Spelling)


@lru_cache(maxsize=_CACHED_KEYS)
def signing_key(secret: str, scope: CredentialScope) -> bytes:
    """Derive the signing key of a day, Region and service (32 bytes)."""
    key = f"AWS4{secret}".encode()
    for part in (scope.date, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=_CACHED_KEYS)
def _keyed(secret: str, scope: CredentialScope) -> hmac.HMAC:
    """An HMAC that has taken its key: to copy it is cheaper than to key another one."""
    return hmac.new(signing_key(secret, scope), digestmod="sha256")


def string_to_sign(timestamp: str, scope: CredentialScope, canonical: bytes) -> bytes:
    """Write the string to sign; `timestamp` is `YYYYMMDDTHHMMSSZ`."""
    return f"{ALGORITHM}\n{timestamp}\n{scope}\n{sha256(canonical).hexdigest()}".encode()


def sign(
    request: Signable,
    payload: str,
    timestamp: str,
    scope: CredentialScope,
    secret: str,
    spelling: Spelling = Spelling.STANDARD,
) -> str:
    """Return the signature, 64 lower-case hexadecimal characters."""
    text = string_to_sign(timestamp, scope, canonical_request(request, payload, spelling))
    mac = _keyed(secret, scope).copy()
    mac.update(text)
    return mac.hexdigest()


def signature_holds(
    request: Signable,
    payload: str,
    timestamp: str,
    scope: CredentialScope,
    secret: str,
    claimed: str,
) -> bool:
    """Compare in constant time, trying the known spellings one after the other."""
    claim = claimed.encode("utf-8", "replace")
    for spelling in _SPELLINGS:
        signature = sign(request, payload, timestamp, scope, secret, spelling)
        if hmac.compare_digest(signature.encode(), claim):
            return True
    return False


def authorization(
    credential: Credential, scope: CredentialScope, signed_headers: str, signature: str
) -> str:
    """Write the Authorization header."""
    return (
        f"{ALGORITHM} Credential={credential.access_key_id}/{scope}, "
        f"SignedHeaders={signed_headers}, Signature={signature}"
    )
