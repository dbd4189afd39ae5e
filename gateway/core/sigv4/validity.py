"""When and where a signature is good: skew, expiry, scope.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from gateway.core.errors import AuthenticationError
from gateway.core.s3.region import is_region
from gateway.core.sigv4.claim import Claim

MAX_SKEW: Final = timedelta(minutes=15)
MAX_EXPIRES: Final = 604_800  # seconds: seven days
_TIMESTAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z", re.ASCII)


def check_validity(claim: Claim, now: datetime, regions: Sequence[str]) -> None:
    """Refuse a claim that is out of its time or scope.

    Args:
        claim: as read from the request.
        now: the clock, aware.
        regions: globs of the Regions that may stand in a credential scope.

    Raises:
        AuthenticationError: RequestTimeTooSkewed, AccessDenied (expired), or the malformed code of
            the claim's form, with S3's words.
    """
    timestamp = _parse(claim.timestamp)
    _check_scope(claim, regions)
    if claim.expires is None:
        if abs(now - timestamp) > MAX_SKEW:
            raise _skewed(claim.timestamp, now)
        return
    if not 1 <= claim.expires <= MAX_EXPIRES:
        raise AuthenticationError(
            "AuthorizationQueryParametersError",
            "X-Amz-Expires must be between 1 and 604800 seconds (a week).",
        )
    if timestamp - now > MAX_SKEW:
        raise AuthenticationError("AccessDenied", "Request is not valid yet")
    expiry = timestamp + timedelta(seconds=claim.expires)
    if now >= expiry:
        raise AuthenticationError(
            "AccessDenied",
            "Request has expired",
            members={
                "X-Amz-Expires": str(claim.expires),
                "Expires": _iso(expiry),
                "ServerTime": _iso(now),
            },
        )


@lru_cache(maxsize=64)  # requests of the same second share it
def _parse(text: str) -> datetime:
    if _TIMESTAMP.fullmatch(text) is not None:
        with suppress(ValueError):
            return datetime.fromisoformat(text)  # a tenth of strptime's cost
    raise AuthenticationError(
        "AccessDenied", "AWS authentication requires a valid x-amz-date: YYYYMMDDTHHMMSSZ, in UTC."
    )


def _check_scope(claim: Claim, regions: Sequence[str]) -> None:
    scope = claim.access_key.scope
    code = (
        "AuthorizationHeaderMalformed"
        if claim.mechanism == "sigv4-header"
        else "AuthorizationQueryParametersError"
    )
    if scope.date != claim.timestamp[:8]:
        raise AuthenticationError(
            code, f"The credential's date {scope.date[:20]!r} is not the day of x-amz-date."
        )
    if scope.service != "s3":
        raise AuthenticationError(
            code, f"incorrect service {scope.service[:40]!r}. This endpoint belongs to 's3'."
        )
    if not is_region(scope.region, tuple(regions)):
        raise AuthenticationError(
            code,
            f"the region {scope.region[:40]!r} is wrong; this gateway takes: "
            f"{', '.join(regions)}. Set the client's region to the bucket's.",
        )


def _skewed(timestamp: str, now: datetime) -> AuthenticationError:
    return AuthenticationError(
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large. "
        "Set the client's clock (NTP).",
        members={
            "RequestTime": timestamp,
            "ServerTime": _iso(now),
            "MaxAllowedSkewMilliseconds": str(int(MAX_SKEW.total_seconds() * 1000)),
        },
    )


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
