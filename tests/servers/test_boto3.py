"""boto3 sees the same through the gateway as without it."""

from itertools import product

import pytest

from tests.servers import buckets, checksums, keys, objects, presigned, transfers
from tests.servers.compare import refusals

pytestmark = pytest.mark.client

OPERATIONS = {
    **objects.OPERATIONS,
    **transfers.OPERATIONS,
    **buckets.OPERATIONS,
    **presigned.OPERATIONS,
    **checksums.OPERATIONS,
}
#: The ways to versitygw.
VERSITYGW = ("http", "https", "tls")
WAYS = (*VERSITYGW, "moto", "emulator")
#: What a server cannot do as the gateway does, and why.
UNLIKE = {("presigned", "moto"): "it takes any signature, so that the gateway refuses more"}


@pytest.mark.parametrize(
    ("name", "way"), [pair for pair in product(OPERATIONS, WAYS) if pair not in UNLIKE]
)
def test_an_operation(same, name, way):
    """Everything but the hop's own headers; and it does at versitygw what it is there for."""
    operation = OPERATIONS[name]
    found = same(way, operation.run)
    if way in VERSITYGW:
        assert refusals(found) == operation.refused


@pytest.mark.parametrize("way", ["http", "https", "moto", "emulator"])
@pytest.mark.parametrize("key", keys.OPERATIONS)
def test_an_odd_key(same, way, key):
    """Byte for byte, or refused alike."""
    found = same(way, keys.OPERATIONS[key].run)
    if way in VERSITYGW:
        assert keys.is_stored(found) is (key not in keys.REFUSED)
