"""Other clients than boto3 see the same through the gateway as without it."""

import pytest

from tests.servers.commands import PROGRAMS
from tests.servers.libraries import LIBRARIES

pytestmark = pytest.mark.client


@pytest.mark.parametrize("way", ["http", "https"])
@pytest.mark.parametrize("client", [*PROGRAMS, *LIBRARIES])
def test_a_client(same, way, client):
    """What it reads, what it shows, what it leaves in the bucket."""
    same(way, {**PROGRAMS, **LIBRARIES}[client])
