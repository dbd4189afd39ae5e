"""URLs that boto3 presigns with SigV2, as it does by default in the old Regions."""

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from tests.support.connection import Response
from tests.support.site import ANA, Site
from tests.support.wire import Message

BODY = b"by a URL alone"


@pytest.fixture(scope="module")
def taking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gateway that takes them."""
    with Site(tmp_path_factory.mktemp("sigv2"), {"sigv2_presigned": True}) as site:
        yield site
        assert site.problems == []


def url(site: Site, operation: str, style: str = "path", **params: str) -> str:
    """What boto3 makes in us-east-1 when nothing is said about signatures."""
    client = boto3.client(
        "s3",
        endpoint_url=f"http://s3.localhost:{site.port}",
        region_name="us-east-1",
        aws_access_key_id=ANA.access_key_id,
        aws_secret_access_key=ANA.secret,
        config=Config(s3={"addressing_style": style}),
    )
    with closing(client):
        made: str = client.generate_presigned_url(operation, params)
    assert "AWSAccessKeyId=" in made
    return made


def send(
    site: Site, method: str, made: str, body: bytes = b"", *headers: tuple[str, str]
) -> Response:
    """Use a URL as anybody would."""
    parts = urlsplit(made)
    host = parts.netloc if parts.netloc.startswith("acme-") else "localhost"
    lines = (("host", host), ("content-length", str(len(body))), *headers)
    return site.call(Message(method, f"{parts.path}?{parts.query}", lines, body))


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("key", ["a key", "a//b", "acme-orders/key", "ü+&=?.txt"])
def test_an_object_goes_up_and_down_and_away(taking: Site, style: str, key: str) -> None:
    """PUT, GET, HEAD and DELETE; in a header, in the URL, and under either address."""
    what = {"Bucket": "acme-orders", "Key": key}
    made = url(taking, "put_object", style, **what, ContentType="text/plain", ACL="private")
    assert send(taking, "PUT", made, BODY, ("content-type", "text/plain")).status == 200
    made = url(taking, "get_object", style, **what, ResponseContentType="text/html; a=b")
    answer = send(taking, "GET", made)
    assert (answer.status, answer.body) == (200, BODY)
    assert answer.header("content-type") == "text/html; a=b"
    assert send(taking, "HEAD", url(taking, "head_object", style, **what)).status == 200
    assert send(taking, "DELETE", url(taking, "delete_object", style, **what)).status == 204
    assert send(taking, "GET", url(taking, "get_object", style, **what)).code == "NoSuchKey"


def test_a_url_is_for_what_it_was_made_for(taking: Site) -> None:
    """I4: another type, another method, another key, a further parameter or header."""
    what = {"Bucket": "acme-orders", "Key": "key"}
    made = url(taking, "put_object", **what, ContentType="text/plain")
    kind = ("content-type", "text/plain")
    mark = taking.mark()
    answers = [
        send(taking, "PUT", made, BODY),
        send(taking, "PUT", made, BODY, ("content-type", "text/html")),
        send(taking, "GET", made, b"", kind),
        send(taking, "PUT", made.replace("/key?", "/other?"), BODY, kind),
        send(taking, "PUT", f"{made}&versionId=1", BODY, kind),
        send(taking, "PUT", f"{made}&acl", BODY, kind),
        send(taking, "PUT", made, BODY, kind, ("x-amz-acl", "public-read")),
        send(taking, "PUT", made, BODY, kind, ("x-amz-copy-source", "/acme-orders/x")),
        send(taking, "PUT", made.replace("Expires=1", "Expires=2"), BODY, kind),
    ]
    assert {answer.status for answer in answers} <= {400, 403}
    assert taking.writes(mark) == []


def test_a_configuration_is_never_put_by_one(taking: Site) -> None:
    """I14: whoever holds the URL would choose the id and the body."""
    made = url(
        taking,
        "get_bucket_inventory_configuration",
        Bucket="acme-orders",
        Id="inv-1",
    )
    mark = taking.mark()
    for method in ("GET", "PUT", "DELETE"):
        answer = send(taking, method, made, b"<x/>" if method == "PUT" else b"")
        assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert taking.writes(mark) == []


def test_nothing_of_a_url_is_logged(taking: Site) -> None:
    """I5: no signature, and no query at all."""
    mark = taking.mark()
    made = url(taking, "get_object", Bucket="acme-orders", Key="none")
    send(taking, "GET", made)
    (event,) = taking.events(mark, 1)
    assert (event["access_key_id"], event["operation"]) == (ANA.access_key_id, "GetObject")
    assert "Signature" not in repr(event)


def test_it_is_off_unless_it_is_said(site: Site) -> None:
    """The refusal says what to set."""
    answer = send(site, "GET", url(site, "get_object", Bucket="acme-orders", Key="key"))
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert 'Config(signature_version="s3v4")' in answer.error["Message"]
