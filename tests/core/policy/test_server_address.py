"""The configured OPA server: what is an address of one, and who could listen on the way."""

import pytest

from gateway.core.policy.server_address import ServerAddress


@pytest.mark.parametrize(
    ("url", "address", "written"),
    [
        ("http://127.0.0.1:8181", ServerAddress("127.0.0.1", 8181), "http://127.0.0.1:8181"),
        ("http://OPA.internal/", ServerAddress("opa.internal", 80), "http://opa.internal:80"),
        ("https://opa", ServerAddress("opa", 443, secure=True), "https://opa:443"),
        ("http://[::1]:8181", ServerAddress("[::1]", 8181), "http://[::1]:8181"),
        ("unix:///run/opa.sock", ServerAddress(socket="/run/opa.sock"), "unix:///run/opa.sock"),
    ],
    ids=["tcp", "default-port", "tls", "ipv6", "socket"],
)
def test_an_address_is_read(url, address, written):
    """Scheme, host and port, or the path of a socket."""
    assert (address, written) == (ServerAddress.read(url), ServerAddress.read(url).url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "opa:8181",
        "ftp://opa",
        "http://",
        "http://opa/v1/data",
        "http://opa:8181?x=1",
        "http://opa#x",
        "http://user:secret@opa",
        "http://opa:70000",
        "http://opa:port",
        "unix://",
        "unix:///",
        "unix://host/run/opa.sock",
    ],
)
def test_what_is_no_address_is_refused(url):
    """Nor is one that holds a path, a user or a secret; and it is not repeated."""
    with pytest.raises(ValueError, match=r"address|ort") as caught:
        ServerAddress.read(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("unix:///run/opa.sock", True),
        ("https://opa.example.org", True),
        ("http://localhost:8181", True),
        ("http://127.8.9.1:8181", True),
        ("http://[::1]:8181", True),
        ("http://10.0.0.1:8181", False),
        ("http://opa:8181", False),
        ("http://localhost.example.org", False),
    ],
)
def test_who_could_listen_is_known(url, private):
    """A token goes nowhere in clear text but over loopback."""
    assert private is ServerAddress.read(url).is_private
