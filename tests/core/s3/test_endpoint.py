"""The configured upstream: one authority, whatever a request says."""

import pytest

from gateway.core.errors import AccessDenied
from gateway.core.s3.endpoint import Endpoint


@pytest.mark.parametrize(
    ("template", "url", "authority"),
    [
        (
            "https://s3.{region}.amazonaws.com",
            "https://s3.eu-west-1.amazonaws.com",
            "s3.eu-west-1.amazonaws.com",
        ),
        ("https://s3.example:443", "https://s3.example:443", "s3.example"),
        ("http://127.0.0.1:80", "http://127.0.0.1:80", "127.0.0.1"),
        ("http://127.0.0.1:443", "http://127.0.0.1:443", "127.0.0.1:443"),
        ("http://[::1]:9000", "http://[::1]:9000", "[::1]:9000"),
    ],
)
def test_endpoint_is_filled_in_when_a_region_is_given(template: str, url: str, authority: str):
    """A default port stands in the URL alone, as HTTP clients write Host."""
    endpoint = Endpoint(template)
    assert (url, authority) == (endpoint.url("eu-west-1"), endpoint.authority("eu-west-1"))


@pytest.mark.parametrize(
    "template",
    [
        "",
        "s3.example",
        "ftp://s3.example",
        "https://",
        "https://s3.example/",
        "https://s3.example/path",
        "https://s3.example?query",
        "https://s3.example#fragment",
        "https://user@s3.example",
        "https://user:secret@s3.example",
        "file:///etc/passwd",
    ],
)
def test_endpoint_is_refused_when_it_is_more_or_less_than_an_authority(template: str):
    """I8: nothing but scheme, host and port."""
    with pytest.raises(ValueError, match=r"is not an endpoint|may hold neither"):
        Endpoint(template)


def test_region_is_the_buckets_own_when_none_is_configured():
    """None means that it is looked up."""
    assert Endpoint("https://s3.example").region is None
    assert Endpoint("https://s3.example", "eu-west-1").region == "eu-west-1"


@pytest.mark.parametrize(
    ("endpoint", "bucket_region", "expected"),
    [
        pytest.param(Endpoint("https://s3.example"), "eu-west-1", "eu-west-1", id="buckets"),
        pytest.param(Endpoint("https://s3.example"), "", "us-west-2", id="unknown-the-clients"),
        pytest.param(
            Endpoint("https://s3.example", regions=("us-*", "eu-*")),
            "eu-west-1",
            "eu-west-1",
            id="on-the-list",
        ),
        pytest.param(
            Endpoint("https://s3.example", "garage", ("us-*",)),
            "eu-west-1",
            "garage",
            id="configured",
        ),
    ],
)
def test_region_is_chosen_when_it_may_be(endpoint: Endpoint, bucket_region: str, expected: str):
    """The configured one, the bucket's, the client's: in that order."""
    assert expected == endpoint.region_for(bucket_region, "us-west-2")


@pytest.mark.parametrize(
    ("regions", "bucket_region"),
    [
        pytest.param(("us-*",), "eu-west-1", id="not-on-the-list"),
        pytest.param((), "eu-west-1", id="empty-list"),
        pytest.param(("*",), "evil.example/", id="authority"),
        pytest.param(("*",), "eu-west-1.evil", id="dot"),
        pytest.param(("*",), "eu-west-1:80", id="port"),
        pytest.param(("*",), "eu-west-1@evil", id="user"),
        pytest.param(("*",), "eu-west-1#", id="fragment"),
        pytest.param(("*",), "eu-west-1\n", id="line-feed"),
        pytest.param(("*",), "EU-WEST-1", id="upper-case"),
        pytest.param(("*",), "{region}-1", id="template"),
    ],
)
def test_region_is_refused_when_an_answer_names_what_is_none(
    regions: tuple[str, ...], bucket_region: str
):
    """I8: nothing that an answer says leads beyond the template and the list."""
    with pytest.raises(AccessDenied):
        Endpoint("https://s3.{region}.amazonaws.com", regions=regions).region_for(
            bucket_region, "us-west-2"
        )
