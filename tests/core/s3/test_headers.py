"""Which headers cross the gateway, in both directions."""

import botocore.loaders
import pytest

from gateway.core.s3.headers import (
    forwarded_request_headers,
    forwarded_response_headers,
    without_aws_chunked,
)
from tests.support.captures import load_captures


def test_request_headers_cross_in_order_when_s3_reads_them():
    """Duplicates and spelling of values stay."""
    headers = (
        ("x-amz-meta-b", "2"),
        ("content-type", "text/plain"),
        ("x-amz-meta-a", "1"),
        ("x-amz-meta-a", "1"),
        ("range", "bytes=0-1"),
    )
    assert list(headers) == forwarded_request_headers(headers)


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-decoded-content-length",
        "x-amz-security-token",
        "x-amz-trailer",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-http-method-override",
        "amz-sdk-request",
    ],
)
def test_request_header_stays_here_when_it_is_framing_or_authentication(name: str):
    """I5, I20: what a hop or a signature needs is made anew."""
    assert [] == forwarded_request_headers(((name, "x"),))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("aws-chunked", ""),
        ("AWS-Chunked", ""),
        ("gzip,aws-chunked", "gzip"),
        ("aws-chunked, gzip", "gzip"),
        ("gzip, br", "gzip,br"),
        ("gzip", "gzip"),
        ("", ""),
    ],
)
def test_framing_is_taken_off_when_it_stands_among_the_codings(value: str, expected: str):
    """The stored object keeps the codings that are its own."""
    forwarded = forwarded_request_headers((("content-encoding", value),))
    assert expected == without_aws_chunked(value)
    assert ([("content-encoding", expected)] if expected else []) == forwarded


def test_every_request_header_of_the_model_crosses_when_it_is_no_framing():
    """What S3's operations read, by botocore's model."""
    model = botocore.loaders.Loader().load_service_model("s3", "service-2")
    named = {
        member["locationName"].lower()
        for operation in model["operations"].values()
        for member in model["shapes"]
        .get(operation.get("input", {}).get("shape"), {"members": {}})["members"]
        .values()
        if member.get("location") == "header"
    }
    crossing = {name for name, _ in forwarded_request_headers(tuple((n, "x") for n in named))}
    assert len(named) > 50
    assert {"content-length"} == named - crossing


def test_response_headers_cross_when_s3_sends_them():
    """And nothing that a bucket's owner might add to frame the answer."""
    headers = (
        ("x-amz-request-id", "1"),
        ("content-length", "3"),
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("set-cookie", "a=b"),
        ("etag", '"1"'),
        ("x-amz-meta-a", "1"),
        ("strict-transport-security", "x"),
    )
    expected = ["x-amz-request-id", "content-length", "etag", "x-amz-meta-a"]
    assert expected == [name for name, _ in forwarded_response_headers(headers)]


def test_no_secret_crosses_when_real_clients_send_it():
    """Whatever the client: no key id's signature and no token in what goes upstream."""
    for capture in load_captures().requests:
        lines = tuple((name.lower(), value) for name, value in capture.headers)
        text = repr(forwarded_request_headers(lines))
        assert "Signature=" not in text
        assert "AQoDYXdzEPT" not in text
