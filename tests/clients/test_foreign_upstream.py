"""A second upstream that nobody here wrote: moto's server, by way of its own HTTP stack."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.core.sigv4.credential import Credential
from tests.clients.botocore_clients import Boto3
from tests.clients.client import Refused
from tests.clients.configuration import REGION, SOURCE, Configuration
from tests.clients.stage import Stage, playing

pytestmark = pytest.mark.client

ANYBODY = Credential("ANYBODY", "any-secret-will-do")


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Return the URL of a moto server with two buckets. It believes any key and any owner."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - takes a second

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    with closing(Boto3(url, ANYBODY)) as client:
        for name in (SOURCE, "acme-inventory"):
            client._s3.create_bucket(
                Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
    yield url
    server.stop()


@pytest.fixture(scope="module")
def in_front_of_moto(moto: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Return a gateway whose upstream is moto."""
    folder = tmp_path_factory.mktemp("moto")
    with playing(folder, upstream_endpoint=moto, upstream_region=REGION) as stage:
        yield stage


def test_an_allowed_configuration_arrives(moto, in_front_of_moto):
    """What the gateway writes, moto reads as what boto3 writes without a gateway."""
    with closing(Boto3(in_front_of_moto.url, in_front_of_moto.key)) as client:
        client.put(SOURCE, Configuration("daily"))
        found = client.get(SOURCE, "daily")
    with closing(Boto3(moto, ANYBODY)) as direct:
        direct.put(SOURCE, Configuration("direct"))
        assert found == replace(direct.get(SOURCE, "direct"), id="daily")
        assert direct.list(SOURCE) == ["daily", "direct"]
    assert found == replace(Configuration("daily"), encrypted=False)  # moto forgets Encryption
    (row,) = in_front_of_moto.decisions("daily")
    assert (row.record.allow, row.outcome.kind, row.outcome.s3_status) == (True, "forwarded", 200)


def test_a_refused_one_does_not(in_front_of_moto):
    """Policy's answer does not depend on the upstream."""
    with closing(Boto3(in_front_of_moto.url, in_front_of_moto.key)) as client:
        with pytest.raises(Refused, match="INV001"):
            client.put(SOURCE, Configuration("plain", encrypted=False))
        assert "plain" not in client.list(SOURCE)


def test_objects_pass(in_front_of_moto):
    """Put, get, list, delete."""
    key, body = "a+b & ü/2026 (1).txt", b"\x00\xff" * 100
    with closing(Boto3(in_front_of_moto.url, in_front_of_moto.key)) as client:
        client.put_object(SOURCE, key, body)
        assert client.get_object(SOURCE, key) == body
        assert client.list_objects(SOURCE, "a+b") == [key]
        client.delete_object(SOURCE, key)
        assert client.list_objects(SOURCE, "") == []
