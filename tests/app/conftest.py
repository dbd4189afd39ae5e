"""Whole gateways in front of the emulator; see tests/integration/conftest.py."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificate import make_pair
from tests.support.site import Site


@pytest.fixture(scope="session")
def _listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def site(_listening: Site) -> Iterator[Site]:
    """The gateway and its emulator; the emulator is emptied after each test."""
    yield _listening
    for bucket in _listening.emulator.buckets.values():
        bucket.objects.clear()
        bucket.inventories.clear()
    assert _listening.problems == []


@pytest.fixture(scope="session")
def _impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = {"client_header_seconds": 0.5, "client_idle_seconds": 0.4}
    with Site(tmp_path_factory.mktemp("impatient"), settings) as site:
        yield site


@pytest.fixture(scope="session")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gateway that waits a while for its clients."""
    folder = tmp_path_factory.mktemp("patient")
    with Site(folder, {"client_idle_seconds": 2.0}) as site:
        yield site
        assert site.problems == []


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gateway that speaks TLS."""
    folder = tmp_path_factory.mktemp("secure")
    certificate, key = make_pair(folder, "gateway")
    trust = ssl.create_default_context(cafile=str(certificate))
    with Site(folder, {"tls_certificate": certificate, "tls_key": key}, tls=trust) as site:
        yield site
        assert site.problems == []


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Site]:
    """A gateway that takes two connections."""
    with Site(tmp_path, {"connections": 2}) as site:
        yield site
        assert site.problems == []


@pytest.fixture
def impatient(_impatient: Site) -> Site:
    """A gateway that waits for nobody."""
    return _impatient
