"""Whole gateways, one of a kind for each process; what a test changes is put back."""

import ssl
from collections.abc import Iterator

import pytest

from tests.support.certificate import make_pair
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.site import Site


@pytest.fixture(scope="session")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def site(_running: Site) -> Iterator[Site]:
    """The gateway and its emulator; the emulator is emptied after each test."""
    yield _running
    for bucket in _running.emulator.buckets.values():
        bucket.objects.clear()
        bucket.inventories.clear()
        bucket.uploads.clear()
    assert _running.problems == []


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The same over TLS."""
    folder = tmp_path_factory.mktemp("secure")
    certificate, key = make_pair(folder, "gateway")
    settings = {"tls_certificate": certificate, "tls_key": key}
    trust = ssl.create_default_context(cafile=str(certificate))
    with Site(folder, settings, tls=trust) as site:
        yield site
        assert site.problems == []


@pytest.fixture(scope="session")
def _scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = {
        "upstream_region": "eu-central-1",
        "upstream_idle_seconds": 0.5,
        "upstream_connect_seconds": 2.0,
    }
    folder = tmp_path_factory.mktemp("scripted")
    with Site(folder, settings, ScriptedUpstream()) as site:
        yield site


@pytest.fixture(scope="session")
def _checking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = {"upstream_region": "eu-central-1", "payload_check": "gateway"}
    with Site(tmp_path_factory.mktemp("checking"), settings, ScriptedUpstream()) as site:
        yield site


@pytest.fixture
def checking(_checking: Site) -> Site:
    """A gateway that checks payloads itself, in front of an upstream that checks nothing."""
    upstream = _checking.scripted
    assert upstream is not None
    upstream.bodies.clear()
    return _checking


@pytest.fixture(scope="session")
def _patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = {
        "upstream_region": "eu-central-1",
        "upstream_idle_seconds": 600.0,
        "upstream_connect_seconds": 600.0,
        "upstream_connections": 1,
    }
    with Site(tmp_path_factory.mktemp("patient"), settings, ScriptedUpstream()) as site:
        yield site


@pytest.fixture
def patient(_patient: Site) -> Site:
    """A gateway that waits long for its upstream, with one connection to it."""
    upstream = _patient.scripted
    assert upstream is not None
    upstream.plays.clear()
    upstream.heads.clear()
    upstream.bodies.clear()
    return _patient


@pytest.fixture
def scripted(_scripted: Site) -> Iterator[Site]:
    """A gateway in front of an upstream that says what a test wants it to."""
    upstream = _scripted.scripted
    assert upstream is not None
    upstream.plays.clear()
    upstream.heads.clear()
    upstream.bodies.clear()
    yield _scripted
    assert _scripted.problems == []
