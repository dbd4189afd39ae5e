"""Sign what goes to S3 with the gateway's own credentials: the other direction of `signature`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from gateway.core.s3.endpoint import Endpoint
from gateway.core.s3.query import Query
from gateway.core.s3.request import Headers
from gateway.core.sigv4.canonical import Signable
from gateway.core.sigv4.credential import Credential, CredentialScope
from gateway.core.sigv4.signature import authorization, sign

#: Sent but not signed: proxies between here and S3 may touch them.
_UNSIGNED: Final = frozenset({"user-agent", "accept"})


@dataclass(slots=True)
class Signed:
    """A signed request head.

    Args:
        url: scheme, authority, path and query, exactly as signed.
        headers: all of them, Host, Authorization and Content-Length included; out of every repr.
        timestamp: the `x-amz-date` that was signed.
        scope: the credential scope.
        signature: the seed of a chunk chain, where the body is one; out of every repr.
    """

    url: str
    headers: Headers = field(repr=False)
    timestamp: str
    scope: CredentialScope
    signature: str = field(repr=False)


def sign_request(
    method: str,
    endpoint: Endpoint,
    region: str,
    raw_path: str,
    query: Query,
    headers: Iterable[tuple[str, str]],
    payload: str,
    *,
    credential: Credential,
    now: datetime,
) -> Signed:
    """Make a signed head.

    Args:
        method: HTTP method.
        endpoint: the configured upstream.
        region: to sign for, and to fill into the endpoint.
        raw_path: path-style path, percent-encoded; sent and signed as it is.
        query: sent as its raw tokens.
        headers: lower-case names; neither Host nor authentication.
        payload: the payload hash or sentinel.
        credential: the upstream's.
        now: aware.
    """
    timestamp = _timestamp(int(now.timestamp()))
    scope = CredentialScope(timestamp[:8], region)
    lines = [
        ("host", endpoint.authority(region)),
        ("x-amz-date", timestamp),
        ("x-amz-content-sha256", payload),
        *headers,
    ]
    if credential.session_token is not None:
        lines.append(("x-amz-security-token", credential.session_token))
    names = tuple(sorted({name for name, _ in lines} - _UNSIGNED))
    signable = Signable(method, raw_path, query, tuple(lines), names)
    signature = sign(signable, payload, timestamp, scope, credential.secret_access_key)
    value = authorization(credential, scope, ";".join(names), signature)
    lines.append(("authorization", value))
    target = f"{raw_path}?{query.raw}" if query.parameters else raw_path
    return Signed(endpoint.url(region) + target, tuple(lines), timestamp, scope, signature)


@lru_cache(maxsize=4)  # once a second
def _timestamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")
