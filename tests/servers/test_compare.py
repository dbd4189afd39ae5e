"""The comparison sees what it is there to see: a difference, and that there was anything."""

from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.servers.compare import PASSING, UNLIKE, comparable, differences, outcome, refusals
from tests.servers.server import KEY
from tests.servers.stage import CLIENT, Side

DIRECT = Side("direct", "http://127.0.0.1:1000", KEY, None, "acme-di-0001", Path("/a"))
GATEWAY = Side("gateway", "https://127.0.0.1:2000", CLIENT, None, "acme-ga-0001", Path("/b"))


def answer(**members: object) -> dict[str, object]:
    """What botocore returns."""
    headers = {"etag": '"1"', "date": "now", **members.pop("headers", {})}  # type: ignore[dict-item]
    return {"ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": headers}, **members}


def refused(**members: str) -> ClientError:
    """What botocore raises."""
    error = {"Code": "NoSuchKey", "Message": "None.", **members}
    shown = {"Error": error, "ResponseMetadata": answer()["ResponseMetadata"]}
    return ClientError(shown, "GetObject")


def found(given: object, side: Side) -> dict[str, object]:
    """What a call comes to that returns or raises this."""

    def call() -> dict[str, object]:
        if isinstance(given, ClientError):
            raise given
        assert isinstance(given, dict)
        return given

    return outcome(call, side)


@pytest.mark.parametrize(
    ("direct", "gateway"),
    [
        pytest.param(answer(ETag="1"), answer(ETag="2"), id="member"),
        pytest.param(answer(ETag="1"), answer(), id="lost-member"),
        pytest.param(answer(), answer(ETag="1"), id="added-member"),
        pytest.param(answer(Prefix=""), answer(), id="lost-empty-member"),
        pytest.param(answer(Contents=[1, 2]), answer(Contents=[2, 1]), id="order"),
        pytest.param(answer(Contents=[1]), answer(Contents=[1, 1]), id="count"),
        pytest.param(answer(Body=b"1"), answer(Body=b"2"), id="bytes"),
        pytest.param(answer(headers={"x-a": "1"}), answer(headers={"x-a": "2"}), id="header"),
        pytest.param(answer(headers={"x-a": "1"}), answer(), id="lost-header"),
        pytest.param(answer(), answer(headers={"x-amz-request-id": "1"}), id="added-id"),
        pytest.param(refused(), refused(Code="NoSuchBucket"), id="code"),
        pytest.param(refused(), refused(Message="Nothing."), id="message"),
        pytest.param(refused(Key="a"), refused(), id="lost-member-of-an-error"),
        pytest.param(answer(), refused(), id="refused"),
    ],
)
def test_a_difference_shows(direct, gateway):
    """In a line that says where."""
    assert differences(found(direct, DIRECT), found(direct, GATEWAY)) == []
    assert differences(found(direct, DIRECT), found(gateway, GATEWAY)) != []


@pytest.mark.parametrize("name", [*UNLIKE, *PASSING])
def test_what_belongs_to_one_answer_does_not_show(name):
    """Each such header has its reason in the tables."""
    direct, gateway = answer(headers={name: "1"}), answer(headers={name: "2"})
    assert differences(found(direct, DIRECT), found(gateway, GATEWAY)) == []


def test_what_belongs_to_a_side_does_not_show():
    """Its bucket, its endpoint, its key; another's does."""
    texts = [
        f"{side.url}/{side.bucket}/key by {side.key.access_key_id}" for side in (DIRECT, GATEWAY)
    ]
    assert comparable(texts[0], DIRECT) == comparable(texts[1], GATEWAY)
    other = replace(GATEWAY, bucket="acme-ga-0002")
    assert comparable(texts[0], DIRECT) != comparable(texts[1], other)


def test_refusals_are_found_wherever_they_are():
    """In order, so that a script can say what it expects."""
    first, second = found(refused(), DIRECT), {"error": "exit-1"}
    assert refusals([{"a": [first, found(answer(), DIRECT)]}, second]) == ("NoSuchKey", "exit-1")
