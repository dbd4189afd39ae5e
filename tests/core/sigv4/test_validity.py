"""Skew, expiry and scope, to the second."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import AuthenticationError
from gateway.core.s3.query import parse_query
from gateway.core.sigv4.canonical import Signable
from gateway.core.sigv4.claim import Claim
from gateway.core.sigv4.credential import CredentialScope, ScopedAccessKey
from gateway.core.sigv4.payload import UnsignedPayload
from gateway.core.sigv4.validity import check_validity
from tests.support.strategies import skews

NOW = datetime(2026, 11, 20, 10, 0, 0, tzinfo=UTC)
ANY = ("*",)


def _claim(
    timestamp: str = "20261120T100000Z",
    *,
    expires: int | None = None,
    date: str | None = None,
    region: str = "us-east-1",
    service: str = "s3",
) -> Claim:
    scope = CredentialScope(timestamp[:8] if date is None else date, region, service)
    return Claim(
        mechanism="sigv4-header" if expires is None else "sigv4-query",
        access_key=ScopedAccessKey("AKID", scope),
        signature="0" * 64,
        timestamp=timestamp,
        payload=UnsignedPayload(),
        session_token=None,
        expires=expires,
        signable=Signable("GET", "/", parse_query(""), (), ()),
    )


def _outcome(claim: Claim, now: datetime = NOW, regions: tuple[str, ...] = ANY) -> str:
    try:
        check_validity(claim, now, regions)
    except AuthenticationError as fault:
        return f"{fault.code}: {fault.message}"
    return "valid"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(0, "valid", id="now"),
        pytest.param(900, "valid", id="exactly-15-minutes-late"),
        pytest.param(901, "RequestTimeTooSkewed", id="a-second-later"),
        pytest.param(-900, "valid", id="exactly-15-minutes-early"),
        pytest.param(-901, "RequestTimeTooSkewed", id="a-second-earlier"),
    ],
)
def test_header_signature_is_good_for_15_minutes_when_clocks_differ(seconds: int, expected: str):
    """Both ways, as S3 does."""
    assert expected == _outcome(_claim(), NOW + timedelta(seconds=seconds)).partition(":")[0]


@given(skews)
def test_skew_is_symmetric_when_clocks_differ(skew: timedelta):
    """A clock that is ahead is no better than one that is behind."""
    expected = "valid" if abs(skew) <= timedelta(minutes=15) else "RequestTimeTooSkewed"
    assert expected == _outcome(_claim(), NOW + skew).partition(":")[0]


def test_skew_is_told_in_s3s_members_when_refused():
    """SDKs read ServerTime to correct themselves."""
    with pytest.raises(AuthenticationError) as caught:
        check_validity(_claim(), NOW + timedelta(hours=1), ANY)
    expected = {
        "RequestTime": "20261120T100000Z",
        "ServerTime": "2026-11-20T11:00:00Z",
        "MaxAllowedSkewMilliseconds": "900000",
    }
    assert (403, expected) == (caught.value.status, caught.value.members)


@pytest.mark.parametrize(
    ("expires", "seconds", "expected"),
    [
        pytest.param(60, 0, "valid", id="now"),
        pytest.param(60, 59, "valid", id="last-second"),
        pytest.param(60, 60, "AccessDenied: Request has expired", id="expiry"),
        pytest.param(60, -900, "valid", id="15-minutes-early"),
        pytest.param(60, -901, "AccessDenied: Request is not valid yet", id="too-early"),
        pytest.param(3600, 1800, "valid", id="later-than-the-skew-of-headers"),
        pytest.param(604_800, 604_799, "valid", id="a-week"),
        pytest.param(604_800, 604_800, "AccessDenied: Request has expired", id="after-a-week"),
        pytest.param(0, 0, "AuthorizationQueryParametersError", id="zero"),
        pytest.param(604_801, 0, "AuthorizationQueryParametersError", id="more-than-a-week"),
        pytest.param(9_999_999_999, 0, "AuthorizationQueryParametersError", id="centuries"),
    ],
)
def test_presigned_url_is_good_until_it_expires_when_presented(
    expires: int, seconds: int, expected: str
):
    """Row 92: at most a week, relative to X-Amz-Date."""
    outcome = _outcome(_claim(expires=expires), NOW + timedelta(seconds=seconds))
    assert outcome.startswith(expected)


def test_expiry_is_told_in_s3s_members_when_past():
    """What S3 puts beside the message."""
    with pytest.raises(AuthenticationError) as caught:
        check_validity(_claim(expires=1), NOW + timedelta(seconds=2), ANY)
    expected = {
        "X-Amz-Expires": "1",
        "Expires": "2026-11-20T10:00:01Z",
        "ServerTime": "2026-11-20T10:00:02Z",
    }
    assert expected == caught.value.members


@pytest.mark.parametrize(
    "timestamp",
    [
        "",
        "20261120",
        "2026-11-20T10:00:00Z",
        "Fri, 20 Nov 2026 10:00:00 GMT",
        "20261120T100000",
        "20261120T100000+",
        "20261320T100000Z",
        "20261120T250000Z",
        "20261120T100060Z",
        "00001120T100000Z",
        "2026112\N{ARABIC-INDIC DIGIT ZERO}T100000Z",
        "202611 1T100000Z",
        "20261120t100000z",
        "20261120T100000Z\n",
    ],
)
def test_timestamp_is_refused_when_it_is_not_the_basic_iso_form(timestamp: str):
    """One form only: S3 and the gateway must read the same moment."""
    outcome = _outcome(_claim(timestamp, date="20261120"))
    assert outcome.startswith("AccessDenied: AWS authentication requires a valid x-amz-date")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"date": "20261119"}, "is not the day of x-amz-date", id="another-day"),
        pytest.param({"date": ""}, "is not the day of x-amz-date", id="no-day"),
        pytest.param({"service": "sts"}, "incorrect service 'sts'", id="another-service"),
        pytest.param({"service": "s3express"}, "incorrect service", id="directory-buckets"),
        pytest.param({"region": "*"}, "the region '*' is wrong", id="region-is-a-glob"),
        pytest.param({"region": "US-EAST-1"}, "the region 'US-EAST-1' is wrong", id="upper-case"),
        pytest.param({"region": "us-east-1\n"}, "is wrong", id="new-line"),
        pytest.param({"region": "../x"}, "is wrong", id="path"),
        pytest.param({"region": "auto"}, "is wrong", id="not-a-region"),
        pytest.param({"region": "ap-south-1"}, "this gateway takes: us-*, eu-west-1", id="other"),
    ],
)
@pytest.mark.parametrize(
    ("expires", "code"),
    [
        pytest.param(None, "AuthorizationHeaderMalformed", id="header"),
        pytest.param(60, "AuthorizationQueryParametersError", id="query"),
    ],
)
def test_scope_is_refused_under_the_forms_code_when_it_is_not_ours(
    expires: int | None, code: str, changes: dict[str, str], words: str
):
    """I2: the scope is the day of x-amz-date, a known Region, s3."""
    outcome = _outcome(_claim(expires=expires, **changes), regions=("us-*", "eu-west-1"))
    assert (code, True) == (outcome.partition(":")[0], words in outcome)


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "eu-west-1", "us-iso-east-1"])
def test_region_is_taken_when_a_pattern_names_it(region: str):
    """Patterns are globs over whole names."""
    assert "valid" == _outcome(_claim(region=region), regions=("us-*", "eu-west-1"))


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_nothing_but_an_authentication_error_is_raised_when_the_claim_is_arbitrary(
    timestamp: str, date: str, region: str, service: str
):
    """All of it is the sender's text."""
    claim = _claim(timestamp, date=date, region=region, service=service)
    for expires in (None, 60):
        assert "valid" != _outcome(replace(claim, expires=expires))
