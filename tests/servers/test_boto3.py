"""boto3 sees the same through the gateway as without it."""

import pytest

from tests.servers.boto3_script import CHECKSUMS, ODD, OPERATIONS, boto

pytestmark = pytest.mark.client


def run(operation):
    """As a script: with a client of its own."""

    def script(side):
        with boto(side) as s3:
            return operation(s3)

    return script


@pytest.mark.parametrize("way", ["http", "https", "tls", "moto", "emulator"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation(same, way, name):
    """Everything but the hop's own headers."""
    if (way, name) == ("moto", "presigned"):
        pytest.skip("moto takes any signature, so that the gateway refuses more")
    same(way, run(OPERATIONS[name]))


@pytest.mark.parametrize("way", ["http", "https", "moto", "emulator"])
@pytest.mark.parametrize("key", ODD)
def test_an_odd_key(same, way, key):
    """Byte for byte, or refused alike."""
    same(way, run(ODD[key]))


@pytest.mark.parametrize("way", ["http", "https", "tls", "moto", "emulator"])
@pytest.mark.parametrize("algorithm", CHECKSUMS)
def test_a_checksum(same, way, algorithm):
    """In a header over plain text, in a trailer over TLS."""
    same(way, run(CHECKSUMS[algorithm]))
