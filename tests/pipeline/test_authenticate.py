"""Claim -> secret -> verified -> Principal, and what that principal may touch."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.errors import AccessDenied, AuthenticationError, GatewayError
from gateway.core.ports import Principal
from gateway.core.s3.address import Hosts
from gateway.core.s3.operations import DEFAULT_GROUPS, Group, classify
from gateway.core.s3.request import S3Request, read_request
from gateway.core.sigv4.claim import read_claim
from gateway.core.sigv4.signature import signature_holds
from gateway.pipeline import authenticate
from gateway.pipeline.authenticate import authorize, authorize_destination
from tests.support.fake_time import NOW
from tests.support.stage import ANA, TOKEN_KEY, Stage, known
from tests.support.wire import Key, Message, message, presigned, presigned_v2, signed

HOSTS = Hosts(("localhost",), (".s3.example.org",))


def read(wire: Message) -> S3Request:
    """The request that the listener would read."""
    return read_request(wire.method, wire.target, wire.headers, HOSTS)


def believe(stage: Stage, wire: Message) -> str:
    """The name of the principal."""
    claim = read_claim(read(wire))
    return stage.authenticator.authenticate(claim, claim.canonical_payload).principal.name


GET = message("GET", "/acme-orders/a%20key?versionId=7")
TYPED = GET.plus(("range", "bytes=0-9"), ("x-amz-meta-a", "b"))


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        pytest.param(signed(GET, ANA, at=NOW), "ana", id="header"),
        pytest.param(presigned(GET, ANA, at=NOW), "ana", id="query"),
        pytest.param(signed(GET, TOKEN_KEY, at=NOW), "tom", id="header-with-session-token"),
        pytest.param(presigned(GET, TOKEN_KEY, at=NOW), "tom", id="query-with-session-token"),
    ],
)
def test_a_signature_that_holds_names_its_principal(
    stage: Stage, wire: Message, expected: str
) -> None:
    """SigV4 in a header or in the query, with a session token or without."""
    assert believe(stage, wire) == expected


def _changed(change: Callable[[Message], Message]) -> Message:
    return change(signed(GET, ANA, at=NOW))


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        pytest.param(
            signed(GET, replace(ANA, secret="wrong"), at=NOW),
            "SignatureDoesNotMatch",
            id="wrong-secret",
        ),
        pytest.param(
            signed(GET, Key("GWNOBODY", "wrong"), at=NOW), "SignatureDoesNotMatch", id="unknown-key"
        ),
        pytest.param(
            signed(GET, Key("GWNOBODY", "no such key: GWNOBODY"), at=NOW),
            "SignatureDoesNotMatch",
            id="unknown-key-signed-with-the-stand-in-secret",
        ),
        pytest.param(
            _changed(lambda wire: replace(wire, method="PUT")),
            "SignatureDoesNotMatch",
            id="other-method",
        ),
        pytest.param(
            _changed(lambda wire: replace(wire, target="/acme-orders/a%20key?versionId=8")),
            "SignatureDoesNotMatch",
            id="other-query",
        ),
        *(
            pytest.param(sign(TYPED, key, at=NOW).less(*gone), "SignatureDoesNotMatch", id=name)
            for form, sign in (("header", signed), ("query", presigned))
            for who, key in (("", ANA), ("-of-nobody", Key("GWNOBODY")))
            for what, gone in (("", ["range"]), ("s", ["range", "x-amz-meta-a"]))
            for name in [f"missing-{form}{what}{who}"]
        ),
        pytest.param(
            signed(GET, ANA, at=NOW - timedelta(minutes=16)), "RequestTimeTooSkewed", id="old"
        ),
        pytest.param(
            signed(GET, ANA, at=NOW + timedelta(minutes=16)), "RequestTimeTooSkewed", id="early"
        ),
        pytest.param(
            signed(GET, ANA, at=NOW, day="20261119"),
            "AuthorizationHeaderMalformed",
            id="other-day",
        ),
        pytest.param(
            signed(GET, ANA, at=NOW, service="sts"),
            "AuthorizationHeaderMalformed",
            id="other-service",
        ),
        pytest.param(
            signed(GET, replace(ANA, token="any"), at=NOW), "InvalidToken", id="token-for-none"
        ),
        pytest.param(
            signed(GET, replace(TOKEN_KEY, token=None), at=NOW), "InvalidToken", id="no-token"
        ),
        pytest.param(
            signed(GET, replace(TOKEN_KEY, token="client/tokem=="), at=NOW),
            "InvalidToken",
            id="other-token",
        ),
        pytest.param(
            presigned(GET, replace(TOKEN_KEY, token="\xfc"), at=NOW),
            "InvalidToken",
            id="token-beyond-ascii",
        ),
    ],
)
def test_what_does_not_hold_is_refused(stage: Stage, wire: Message, code: str) -> None:
    """I2: signature, time, scope and session token each have to be right."""
    with pytest.raises(AuthenticationError) as caught:
        believe(stage, wire)
    assert caught.value.code == code


def test_an_unknown_key_and_a_wrong_secret_cannot_be_told_apart(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I6: the same error, after the same work: one look-up, one comparison in constant time.

    A signed header that did not arrive is no exception, whoever signed it.
    """
    work: list[int] = []
    real = signature_holds

    def counted(*arguments: object) -> bool:
        work.append(len(arguments))
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(authenticate, "signature_holds", counted)
    nobody = Key("GWNOBODY0000000000001", "wrong")
    answers = []
    for wire in (
        signed(GET, replace(ANA, secret="wrong"), at=NOW),
        signed(GET, nobody, at=NOW),
        signed(TYPED, ANA, at=NOW).less("range"),
        signed(TYPED, nobody, at=NOW).less("range"),
    ):
        with pytest.raises(AuthenticationError) as caught:
            believe(stage, wire)
        error = caught.value
        answers.append((error.code, error.message, error.status, dict(error.members)))
    assert answers == answers[:1] * 4
    assert work == [6] * 4
    assert stage.store.asked == [ANA.access_key_id, nobody.access_key_id] * 2


SECONDS = int(NOW.timestamp())


def believe_v2(stage: Stage, wire: Message) -> str:
    """The name of the principal, where SigV2 is taken."""
    claim = read_claim(read(wire), sigv2_presigned=True)
    return stage.authenticator.authenticate(claim, claim.canonical_payload).principal.name


@pytest.mark.parametrize(("key", "expected"), [(ANA, "ana"), (TOKEN_KEY, "tom")])
def test_a_sigv2_url_that_holds_names_its_principal(stage: Stage, key: Key, expected: str) -> None:
    """With a session token or without."""
    wire = presigned_v2(message("GET", "/acme-orders/key"), key, expires=SECONDS + 60)
    assert believe_v2(stage, wire) == expected


@pytest.mark.parametrize(
    ("key", "ahead", "code"),
    [
        pytest.param(replace(ANA, secret="wrong"), 60, "SignatureDoesNotMatch", id="wrong-secret"),
        pytest.param(Key("GWNOBODY", "wrong"), 60, "SignatureDoesNotMatch", id="unknown-key"),
        pytest.param(
            Key("GWNOBODY", "no such key: GWNOBODY"),
            60,
            "SignatureDoesNotMatch",
            id="stand-in-secret",
        ),
        pytest.param(replace(ANA, token="any"), 60, "InvalidToken", id="token-for-none"),
        pytest.param(replace(TOKEN_KEY, token=None), 60, "InvalidToken", id="no-token"),
        pytest.param(ANA, -1, "AccessDenied", id="expired"),
        pytest.param(ANA, 604_801, "AccessDenied", id="good-for-too-long"),
    ],
)
def test_a_sigv2_url_that_does_not_hold_is_refused(
    stage: Stage, key: Key, ahead: int, code: str
) -> None:
    """I6: an unknown key and a wrong secret answer alike, after the same look-up."""
    wire = presigned_v2(message("GET", "/acme-orders/key"), key, expires=SECONDS + ahead)
    with pytest.raises(AuthenticationError) as caught:
        believe_v2(stage, wire)
    assert caught.value.code == code
    assert stage.store.asked == ([key.access_key_id] if code != "AccessDenied" else [])


def test_regions_outside_the_setting_are_refused(stage: Stage) -> None:
    """I2: the scope's Region must be one that the gateway takes."""
    authenticator = authenticate.Authenticator(stage.store, lambda: NOW, ["eu-*"])
    claim = read_claim(read(signed(GET, ANA, at=NOW, region="us-east-1")))
    with pytest.raises(AuthenticationError, match="us-east-1"):
        authenticator.authenticate(claim, claim.canonical_payload)


COPY = "x-amz-copy-source"


def _authorize(
    wire: Message, buckets: tuple[str, ...] = ("acme-*",), *groups: Group
) -> GatewayError | None:
    request = read(wire)
    principal = known(buckets=buckets, groups=groups or DEFAULT_GROUPS).principal
    try:
        authorize(principal, classify(request), request)
    except GatewayError as error:
        return error
    return None


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(message("GET", "/acme-orders/key"), id="own-bucket"),
        pytest.param(
            message("PUT", "/acme-orders/key", b"", [(COPY, "/acme-other/key")]), id="copy-own"
        ),
        pytest.param(
            message("PUT", "/acme-orders/key?X-Amz-Copy-Source=acme-other%2Fkey"),
            id="copy-own-in-query",
        ),
        pytest.param(message("PUT", "/acme-orders?inventory&id=a"), id="inventory"),
        pytest.param(message("GET", "/", host="acme-orders.s3.example.org"), id="virtual-host"),
    ],
)
def test_a_principal_may_use_its_own(wire: Message) -> None:
    """Buckets by glob, groups by default."""
    assert _authorize(wire) is None


@pytest.mark.parametrize(
    ("wire", "code", "words"),
    [
        pytest.param(message("GET", "/foreign/key"), "AccessDenied", "'foreign'", id="path"),
        pytest.param(
            message("GET", "/key", host="foreign.s3.example.org"),
            "AccessDenied",
            "'foreign'",
            id="virtual-host",
        ),
        pytest.param(
            message("PUT", "/acme-orders/key", b"", [(COPY, "/foreign/key")]),
            "AccessDenied",
            "'foreign'",
            id="copy-source-header",
        ),
        pytest.param(
            message("PUT", "/acme-orders/key", b"", [(COPY, "%66oreign%2Fkey")]),
            "AccessDenied",
            "'foreign'",
            id="copy-source-header-escaped",
        ),
        pytest.param(
            message("PUT", "/acme-orders/key?x-amz-copy-source=%2Fforeign%2Fkey"),
            "AccessDenied",
            "'foreign'",
            id="copy-source-in-presigned-query",
        ),
        pytest.param(
            message("PUT", "/acme-orders/key?X-AMZ-COPY-SOURCE=foreign%2Fkey"),
            "AccessDenied",
            "'foreign'",
            id="copy-source-in-query-upper-case",
        ),
        pytest.param(
            message("PUT", "/acme-orders/key?partNumber=1&uploadId=u", b"", [(COPY, "foreign/k")]),
            "AccessDenied",
            "'foreign'",
            id="upload-part-copy",
        ),
        pytest.param(
            message(
                "PUT", "/acme-orders/k?renameObject", b"", [("x-amz-rename-source", "foreign/k")]
            ),
            "AccessDenied",
            "'foreign'",
            id="rename-source",
        ),
        pytest.param(
            message("PUT", "/acme-orders/k?renameObject&x-amz-rename-source=%2Fforeign%2Fk"),
            "AccessDenied",
            "'foreign'",
            id="rename-source-in-presigned-query",
        ),
        pytest.param(
            message(
                "PUT",
                "/acme-orders/key?x-amz-copy-source=acme-a%2Fk",
                b"",
                [(COPY, "foreign/key")],
            ),
            "InvalidArgument",
            "more than once",
            id="two-copy-sources",
        ),
        pytest.param(
            message("PUT", "/acme-orders/key", b"", [(COPY, "arn:aws:s3:eu-1:1:accesspoint/a/k")]),
            "InvalidBucketName",
            "",
            id="copy-source-access-point",
        ),
        pytest.param(
            message("PUT", "/acme-new"), "AccessDenied", "'bucket-admin'", id="create-bucket"
        ),
        pytest.param(
            message("PUT", "/acme-orders?replication"), "AccessDenied", "'exports'", id="exports"
        ),
        pytest.param(
            message("PUT", "/acme-orders?analytics&id=a"),
            "AccessDenied",
            "'exports'",
            id="analytics",
        ),
        pytest.param(
            message("GET", "/acme-orders?session"), "NotImplemented", "credentials", id="session"
        ),
    ],
)
def test_a_principal_is_confined(wire: Message, code: str, words: str) -> None:
    """I9, I10: to its operation groups, and to its buckets wherever they are named."""
    error = _authorize(wire)
    assert error is not None
    assert error.code == code
    assert words in error.message


def test_create_session_is_refused_whatever_is_granted() -> None:
    """I10: it hands out S3 credentials that bypass the gateway."""
    error = _authorize(message("GET", "/acme-orders?session"), ("*",), *Group)
    assert isinstance(error, AccessDenied)
    assert error.code == "NotImplemented"


def test_buckets_are_listed_only_for_whom_listing_is_granted() -> None:
    """The request names none; which of them the answer names is the lister's matter."""
    assert _authorize(message("GET", "/")) is None
    assert _authorize(message("GET", "/"), ("acme-*",), Group.OBJECTS) is not None


def test_globs_are_case_sensitive_and_whole() -> None:
    """`acme-a` is not `acme-ab`, and a dot is a dot."""
    assert _authorize(message("GET", "/acme-ab"), ("acme-a", "acme.ab")) is not None


@pytest.mark.parametrize(
    ("destinations", "bucket", "allowed"),
    [
        pytest.param((), "team-reports", True, id="a-bucket-of-its-own"),
        pytest.param((), "central", False, id="a-strangers"),
        pytest.param(("central",), "central", True, id="a-destination"),
        pytest.param(("central",), "team-reports", False, id="destinations-replace-buckets"),
    ],
)
def test_reports_go_where_the_principal_may_send_them(destinations, bucket, allowed):
    """I9: the bucket in the body."""
    principal = Principal("team", ("team-*",), DEFAULT_GROUPS, destinations=destinations)
    if allowed:
        authorize_destination(principal, bucket)
        return
    with pytest.raises(AccessDenied, match="may not have S3 deliver"):
        authorize_destination(principal, bucket)
