"""TLS on both sides: the listener's certificate, and whom to trust as S3."""

import ssl
from pathlib import Path

import pytest

from gateway.app import wiring
from gateway.app.tls import ServerTls, upstream_trust
from tests.support.certificate import make_pair
from tests.support.connection import Connection
from tests.support.inventory import VALID
from tests.support.site import ANA, Site, wait_until
from tests.support.wire import UNSIGNED, message, signed


def replace(target: tuple[Path, Path], source: tuple[Path, Path]) -> None:
    """Put other files in their place."""
    for new, old in zip(source, target, strict=True):
        old.write_bytes(new.read_bytes())


def test_a_changed_pair_is_loaded_and_a_bad_one_is_not(tmp_path: Path) -> None:
    """What was loaded stays; a bad pair is reported once."""
    pair, other = make_pair(tmp_path, "one"), make_pair(tmp_path, "two")
    tls = ServerTls(*pair)
    assert not tls.changed()
    replace(pair, other)
    assert tls.changed()
    tls.reload()
    pair[1].write_text("no key")
    with pytest.raises(OSError, match=rf"tls_certificate, tls_key: {pair[0]} and {pair[1]}: .*PEM"):
        tls.reload()
    assert not tls.changed()


def test_one_file_may_hold_both(tmp_path: Path) -> None:
    """Certificate and key."""
    certificate, key = make_pair(tmp_path, "one")
    certificate.write_bytes(certificate.read_bytes() + key.read_bytes())
    assert isinstance(ServerTls(certificate, None).context, ssl.SSLContext)


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    """Before the port is open."""
    one, two = make_pair(tmp_path, "one"), make_pair(tmp_path, "two")
    with pytest.raises(OSError, match=r"mismatch|MISMATCH"):
        ServerTls(one[0], two[1])


def test_trust_is_always_verified(tmp_path: Path) -> None:
    """I8: certificate and name, whatever the bundle."""
    for context in (upstream_trust(None), upstream_trust(make_pair(tmp_path, "one")[0])):
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("text", [None, "no certificate"], ids=["missing", "something else"])
def test_a_bundle_that_cannot_be_used_is_named(tmp_path: Path, text: str | None) -> None:
    """With its setting: OpenSSL's own words name neither."""
    bundle = tmp_path / "ca.pem"
    if text is not None:
        bundle.write_text(text)
    with pytest.raises(OSError, match=r"upstream_ca_file: .*ca\.pem"):
        upstream_trust(bundle)


def test_the_listener_speaks_tls_and_takes_up_a_new_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New connections get the new one; an unsigned document is taken: nobody could change it."""
    monkeypatch.setattr(wiring, "_POLL_SECONDS", 0.02)
    pair, other = make_pair(tmp_path, "one"), make_pair(tmp_path, "two")
    second = other[0].read_bytes()
    options = {"tls_certificate": pair[0], "tls_key": pair[1]}

    def served() -> bytes:
        return ssl.get_server_certificate(("127.0.0.1", site.port)).encode()

    with Site(tmp_path, options) as site:
        context = ssl.create_default_context(cafile=str(pair[0]))
        with Connection(site.port, tls=context) as connection:
            plain = message("PUT", "/acme-orders?inventory&id=inv-1", VALID.encode())
            connection.send(signed(plain, ANA, payload=UNSIGNED).wire)
            assert connection.receive().status == 204
        replace(pair, other)
        wait_until(lambda: served().strip() == second.strip())
        mark = site.mark()
        with Connection(site.port) as connection:  # plain text on a TLS port
            assert not connection.trickle([message("GET", "/").wire]) or connection.is_closed()
        assert site.writes(mark) == []


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01"], ids=["nothing", "part"])
def test_a_slow_handshake_is_timed_out(tmp_path: Path, sent: bytes) -> None:
    """I25: until it is done the connection counts for no limit, so that it must not last."""
    certificate, key = make_pair(tmp_path, "gateway")
    settings = {"tls_certificate": certificate, "tls_key": key, "client_header_seconds": 0.5}
    with Site(tmp_path, settings) as site:
        with Connection(site.port) as connection:
            connection.send(sent)
            assert connection.is_closed()
        assert site.problems == []
