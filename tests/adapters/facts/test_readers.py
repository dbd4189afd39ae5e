"""Every fact has its reader."""

from datetime import UTC, datetime

from gateway.adapters.aws_session import staying_session
from gateway.adapters.credentials_aws import StaticUpstreamCredentials
from gateway.adapters.facts.clients import AwsClients
from gateway.adapters.facts.readers import READERS, fact_readers
from gateway.core.policy.fact import FACTS, Fact
from gateway.core.s3.endpoint import Endpoint
from gateway.core.sigv4.credential import Credential


def now() -> datetime:
    """Some time."""
    return datetime(2026, 11, 21, tzinfo=UTC)


def test_every_fact_is_read_once():
    """In whatever order the settings name them."""
    credentials = StaticUpstreamCredentials(Credential("AKID", "secret"))
    clients = AwsClients(staying_session(), credentials, Endpoint("http://127.0.0.1:9"))
    assert set(READERS) == set(FACTS)
    readers = fact_readers([*Fact, *Fact], clients, now)
    assert [reader.fact for reader in readers] == [*Fact]
    assert fact_readers([], clients, now) == ()
