"""What is so at the moment somebody asks: read where it is, counted by nobody."""

from collections.abc import Iterator, Mapping

from gateway.adapters.credentials_aws import AwsUpstreamCredentials
from gateway.adapters.metrics_prometheus import Labels
from gateway.adapters.upstream_httptools import HttptoolsUpstream
from gateway.app.checks import CheckedJournal
from gateway.app.data_plane import DataPlane
from gateway.app.policy import SettledPolicy
from gateway.core.policy.exemption import State
from gateway.core.ports import Clock, PolicyEngine, UpstreamCredentials


def gauges(
    data_plane: DataPlane,
    pools: Mapping[str, HttptoolsUpstream],
    credentials: UpstreamCredentials,
    engine: PolicyEngine,
    journal: CheckedJournal,
    clock: Clock,
) -> Iterator[tuple[str, Labels, float]]:
    """Family, labels and value of each.

    Args:
        data_plane: its traffic.
        pools: connections to S3, by the pool's name.
        credentials: how long the gateway's own are good.
        engine: what decides.
        journal: what waits.
        clock: the wall clock, aware.
    """
    yield "bytes_total", ("in",), data_plane.volume.bytes_in
    yield "bytes_total", ("out",), data_plane.volume.bytes_out
    yield "streams_open", (), data_plane.under_way
    for name, pool in pools.items():
        yield "upstream_connections", (name, "in_use"), pool.in_use
        yield "upstream_connections", (name, "idle"), pool.idle
    if isinstance(credentials, AwsUpstreamCredentials) and credentials.expires is not None:
        left = (credentials.expires - clock()).total_seconds()
        yield "credentials_expiry_seconds", (), left
    yield "journal_waiting", (), journal.waiting
    if not isinstance(engine, SettledPolicy):
        yield "policy_info", (engine.name, engine.revision, ""), 1
        return
    yield "policy_info", (engine.name, engine.revision, engine.settings_revision), 1
    yield "policy_settings_reloaded", (), not engine.problem
    expiring = [exemption for exemption, state in engine.exemptions() if state is State.EXPIRING]
    yield "exemptions_expiring", (), len(expiring)
