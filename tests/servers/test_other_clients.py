"""Other clients than boto3 see the same through the gateway as without it."""

import pytest

from tests.servers.commands import PROGRAMS
from tests.servers.compare import refusals
from tests.servers.libraries import LIBRARIES

pytestmark = pytest.mark.client

CLIENTS = {**PROGRAMS, **LIBRARIES}


@pytest.mark.parametrize("way", ["http", "https"])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client(same, way, client):
    """What it reads, what it shows, what it leaves in the bucket."""
    script = CLIENTS[client]
    assert refusals(same(way, script.run)) == script.refused
