"""Adapters -> pipeline -> listener. The only page that knows everything; one stack owns it all."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from aiobotocore.session import AioSession
from aiohttp.web_runner import ServerRunner

from gateway import __version__
from gateway.adapters.aws_session import staying_session
from gateway.adapters.bucket_facts_s3 import S3BucketFacts
from gateway.adapters.checksums_crt import CHECKSUMS
from gateway.adapters.credentials_aws import AwsUpstreamCredentials
from gateway.adapters.decision_log import StructlogEventLog
from gateway.adapters.facts.clients import AwsClients
from gateway.adapters.facts.readers import fact_readers
from gateway.adapters.input_schema import CheckedPolicyEngine
from gateway.adapters.journal.tables import TableJournal, TableReader
from gateway.adapters.metrics_prometheus import PrometheusMetrics
from gateway.adapters.principals_file import PrincipalsFile
from gateway.adapters.secret_file import SecretFile
from gateway.adapters.upstream_httptools import HttptoolsUpstream
from gateway.admin.pages import AdminPages
from gateway.app.admin import admin_application, open_admin
from gateway.app.admin_access import AdminAccess
from gateway.app.admin_policy import AdminPolicy
from gateway.app.checks import NOBODY, checks
from gateway.app.checks import facts as facts_of
from gateway.app.data_plane import DataPlane
from gateway.app.gauges import gauges
from gateway.app.ids import new_decision_id, new_host_id, new_request_id
from gateway.app.journal import open_journal, open_reader_of
from gateway.app.listening import listening
from gateway.app.policy import SettledPolicy
from gateway.app.readiness import Readiness
from gateway.app.rereading import Followed, Rereading
from gateway.app.scrape import Scrape
from gateway.app.self_test import self_test
from gateway.app.settings import Settings, environment
from gateway.app.siblings import Siblings
from gateway.app.tls import ServerTls, upstream_trust
from gateway.app.tracing import Tracing, open_tracing
from gateway.core.errors import CredentialsUnavailable, JournalUnavailable
from gateway.core.policy.fact import operations
from gateway.core.policy.server_address import ServerAddress
from gateway.core.ports import (
    BucketFacts,
    EventLog,
    Metrics,
    PolicyEngine,
    Stage,
    UpstreamCredentials,
)
from gateway.core.s3.address import Hosts
from gateway.pipeline.admission import Admission
from gateway.pipeline.authenticate import Authenticator
from gateway.pipeline.decision_cache import CachedPolicyEngine
from gateway.pipeline.dispatch import Dispatcher
from gateway.pipeline.gate import Gate
from gateway.pipeline.judge import Judge
from gateway.pipeline.optional_facts import OptionalFacts
from gateway.pipeline.reconcile import Reconciler
from gateway.pipeline.relay import Relay

_POLL_SECONDS: Final = 1.0
#: For requests that are cut, once the drain time is over, to notice.
_CUT_SECONDS: Final = 0.1
#: Most seconds of a TLS handshake: until it is done, nobody counts the connection.
_HANDSHAKE_SECONDS: Final = 10.0
#: Where HeadBucket asks first; S3 names the bucket's own Region in its answer.
_FIRST_REGION: Final = "us-east-1"
#: Control calls have their own small pool, so that object traffic cannot starve a decision.
_CONTROL_CONNECTIONS: Final = 32

#: How long decisions wait to be tallied; an overview counts so many by itself.
_TALLY_SECONDS: Final = 30.0
#: Between two times that the tally holds the journal for some milliseconds.
_BREATH_SECONDS: Final = 0.05


def now() -> datetime:
    """The wall clock: the one place where it is read."""
    return datetime.now(UTC)  # noqa: TID251 - passed on as the port Clock


def _nothing() -> None:
    """There is nothing to read again."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway.

    Args:
        host: of the data-plane listener.
        port: likewise; the one that the system chose where the setting is 0.
        secure: whether it speaks TLS.
        revision: of the policy bundle.
        admin_host: of the admin listener.
        admin_port: likewise.
        reread: has all files and settings read again, changed or not.
    """

    host: str
    port: int
    secure: bool
    revision: str
    admin_host: str = ""
    admin_port: int = 0
    reread: Callable[[], None] = _nothing

    @property
    def url(self) -> str:
        """What clients use as their endpoint."""
        return f"{'https' if self.secure else 'http'}://{_authority(self.host, self.port)}"

    @property
    def admin_url(self) -> str:
        """Where probes, Prometheus and operators look."""
        return f"http://{_authority(self.admin_host, self.admin_port)}"


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    credentials: UpstreamCredentials | None = None,
    log: EventLog | None = None,
    shared: Path | None = None,
    load: Callable[[], Settings] | None = None,
) -> AsyncIterator[Gateway]:
    """Start a gateway, and stop it on leaving: in-flight requests finish within the drain time.

    Args:
        settings: how.
        credentials: the upstream's; None for AWS's own chain.
        log: None for JSON lines on standard output.
        shared: a folder of the workers that listen on the same ports (SO_REUSEPORT); None for
            one alone.
        load: reads the settings again; None where they are in no file.

    Raises:
        PrincipalsError, SecretFileError, OrgSettingsError, PolicyBundleError, SelfTestError,
            PolicyUnavailable, JournalUnavailable, CredentialsUnavailable, OSError: it cannot
            start; each says why in one line.
    """
    async with AsyncExitStack() as stack:
        principals = PrincipalsFile.load(settings.principals_file, environment())
        if log is None:
            labels = {"app": "s3-inventory-gateway", "id": settings.name, "version": __version__}
            labels["engine"] = settings.policy_engine
            log = StructlogEventLog(now, level=settings.log_level, labels=labels)
        tracing = open_tracing(settings.name, environment(), now, log, stack)
        metrics = PrometheusMetrics(buckets=settings.metrics_buckets)
        counts = tracing.metrics(metrics)
        readiness = Readiness(log, time.monotonic)
        access = _admin_access(settings)
        pages, admin_port = await _open_admin(
            settings, metrics, readiness, access, stack, log, shared
        )
        engine = await _policy_engine(settings, stack, log, tracing)
        journal, reader = await _open_journal(settings, stack, log)
        session = staying_session(operations(settings.facts))
        if credentials is None:
            aws = await AwsUpstreamCredentials.open(
                session, settings.sts_region, clock=now, sts_endpoint_url=settings.sts_endpoint
            )
            stack.push_async_callback(aws.close)
            credentials = aws
        facts = S3BucketFacts(
            session,
            credentials,
            settings.upstream_region or _FIRST_REGION,
            stopwatch=time.monotonic,
            endpoint_url=settings.upstream_endpoint,
            ttl=settings.facts_ttl_seconds,
            negative_ttl=settings.facts_negative_ttl_seconds,
            ca_file=settings.upstream_ca_file,
            regions=settings.regions,
        )
        stack.push_async_callback(facts.close)
        await facts.open()
        optional_facts = _optional_facts(settings, session, credentials, facts, stack)
        pools = _pools(settings, counts, stack)
        asked = tracing.policy(CheckedPolicyEngine.shipped(_cached(engine, settings)))
        kept = tracing.journal(journal)
        judge = Judge(asked, kept, log, now, time.perf_counter, new_decision_id, counts)
        gate = Gate(
            tracing.facts(facts),
            judge,
            pools["control"],
            credentials,
            settings.endpoint,
            CHECKSUMS,
            now,
            time.perf_counter,
            optional_facts=optional_facts,
            name=settings.name,
        )
        relay = Relay(
            pools["objects"],
            credentials,
            facts,
            settings.endpoint,
            CHECKSUMS,
            now,
            check_payload=settings.payload_check == "gateway",
        )
        dispatcher = Dispatcher(
            Hosts(settings.hosts, settings.virtual_host_suffixes),
            Authenticator(principals, now, settings.regions),
            Admission(settings.requests_under_way, settings.requests_per_principal),
            gate,
            relay,
            log,
            time.perf_counter,
            new_request_id=new_request_id,
            new_host_id=new_host_id,
            sigv2_presigned=settings.sigv2_presigned,
            metrics=counts,
        )
        reconciler = Reconciler(
            journal,
            facts,
            pools["control"],
            credentials,
            settings.endpoint,
            lambda name: next((p for p in principals.principals if p.name == name), None),
            log,
            now,
            reader=reader,
            region=_first_region(settings),
        )
        tls = _server_tls(settings)
        data_plane = _data_plane(settings, dispatcher, tls, log, tracing)
        port = await _listen(settings, data_plane, tls, stack, shared_port=shared is not None)
        metrics.watch(partial(gauges, data_plane, pools, credentials, engine, journal, now))
        followed: list[Followed] = [principals, *access.files]
        if tls is not None:
            followed.append(tls)
        rereading = Rereading(followed, engine, log, settings, load)
        watching = asyncio.get_running_loop().create_task(rereading.run(_POLL_SECONDS))
        stack.push_async_callback(_ended, watching)
        _in_background(
            stack,
            _reconcile(journal, reconciler, log),
            _tally(journal, log),
            _look_for(credentials, log),
        )
        s3 = settings.endpoint.url(_first_region(settings))
        readiness.serve(
            checks(engine, journal, credentials, principals, pools["control"], s3),
            lambda: facts_of(engine),
        )
        pages.serve(reader, AdminPolicy(engine, facts, optional_facts, principals, now))
        stack.push_async_callback(_announce, readiness, settings.drain_delay_seconds)
        stack.callback(pages.stop)
        yield Gateway(
            settings.listen_host,
            port,
            tls is not None,
            engine.revision,
            settings.admin_host,
            admin_port,
            rereading.everything,
        )


def _in_background(stack: AsyncExitStack, *work: Coroutine[None, None, None]) -> None:
    """Do something beside serving; what is not done at the end is given up."""
    for task in map(asyncio.get_running_loop().create_task, work):
        stack.push_async_callback(_ended, task)


async def _reconcile(journal: TableJournal, reconciler: Reconciler, log: EventLog) -> None:
    """See to what a crash left open, while requests are served already."""
    try:
        await reconciler.reconcile(await journal.abandoned())
    except Exception:  # noqa: BLE001 - told, and no reason to stop serving
        log.fault("open decisions were not reconciled")


async def _look_for(credentials: UpstreamCredentials, log: EventLog) -> None:
    """Tell at the start what every request would say, and hold credentials before the first."""
    try:
        await credentials.for_principal(NOBODY)
    except CredentialsUnavailable as fault:
        words = "no request can be signed for S3"
        log.fault(words, level="warning", reason=fault.reason, detail=fault.detail)


async def _tally(journal: TableJournal, log: EventLog) -> None:
    """Count what was decided, for the overview; records have their turn in between."""
    while True:
        await asyncio.sleep(_TALLY_SECONDS)
        try:
            while await journal.tally():  # noqa: ASYNC110 - nobody tells when there is more
                await asyncio.sleep(_BREATH_SECONDS)
        except JournalUnavailable as fault:
            log.fault("decisions were not tallied", reason=fault.reason, detail=fault.detail)


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _first_region(settings: Settings) -> str:
    """Where S3 is looked for, to see that it is there."""
    named = [region for region in settings.regions if not set(region) & set("*?[")]
    return settings.upstream_region or next(iter(named), _FIRST_REGION)


def _admin_access(settings: Settings) -> AdminAccess:
    token, password = (
        None if path is None else SecretFile(path)
        for path in (settings.admin_token_file, settings.admin_password_file)
    )
    return AdminAccess(settings.admin_host, token=token, password=password)


async def _open_admin(
    settings: Settings,
    metrics: PrometheusMetrics,
    readiness: Readiness,
    access: AdminAccess,
    stack: AsyncExitStack,
    log: EventLog,
    shared: Path | None,
) -> tuple[AdminPages, int]:
    """Open the admin listener, and where there are other workers the way to them.

    Returns:
        Its page, which has nothing to show yet, and its port.
    """
    pages = AdminPages(now, time.monotonic, name=settings.name, version=__version__)
    siblings = None if shared is None else Siblings(shared, f"{os.getpid()}")
    scrape = Scrape(metrics, readiness, siblings, time.monotonic)
    if siblings is not None:
        await siblings.open(scrape.own, stack)
    private = settings.metrics_buckets
    application = admin_application(readiness, access, log, scrape, private_metrics=private)
    pages.route(application)
    host, port, together = settings.admin_host, settings.admin_port, shared is not None
    return pages, await open_admin(application, host, port, stack, shared_port=together)


async def _open_journal(
    settings: Settings, stack: AsyncExitStack, log: EventLog
) -> tuple[TableJournal, TableReader]:
    """The journal, to write to and to look into."""
    journal = await open_journal(settings, log)
    stack.push_async_callback(journal.close)
    reader = await open_reader_of(settings)
    stack.push_async_callback(reader.close)
    return journal, reader


def _server_tls(settings: Settings) -> ServerTls | None:
    certificate = settings.tls_certificate
    return None if certificate is None else ServerTls(certificate, settings.tls_key)


async def _announce(readiness: Readiness, seconds: float) -> None:
    """Be unready for a while before anything else ends: load balancers send no more by then."""
    readiness.stop()
    await asyncio.sleep(seconds)


async def _policy_engine(
    settings: Settings, stack: AsyncExitStack, log: EventLog, tracing: Tracing
) -> PolicyEngine:
    """The engine that the settings name; an OPA server is waited for, as it may start beside us."""
    if settings.policy_engine == "wasm":
        policy = await SettledPolicy.open(settings, now, log)
        stack.push_async_callback(policy.close)
        return policy
    # Half a second and a second HTTP client that nobody else should pay for.
    from gateway.adapters.opa_server import OpaServerPolicyEngine  # noqa: PLC0415

    server = await OpaServerPolicyEngine.open(
        ServerAddress.read(settings.opa_url),
        token_file=settings.opa_token_file,
        ca_file=settings.opa_ca_file,
        deadline=settings.policy_timeout_seconds,
        patience=settings.opa_start_seconds,
        traceparent=tracing.traceparent,
    )
    stack.push_async_callback(server.close)
    await self_test(server)
    return server


def _optional_facts(
    settings: Settings,
    session: AioSession,
    credentials: UpstreamCredentials,
    buckets: BucketFacts,
    stack: AsyncExitStack,
) -> OptionalFacts:
    """What looks up the facts that the settings name; it asks nobody before it is asked."""
    clients = AwsClients(session, credentials, settings.endpoint, ca_file=settings.upstream_ca_file)
    stack.push_async_callback(clients.close)
    optional_facts = OptionalFacts(
        fact_readers(settings.facts, clients, now),
        buckets,
        time.monotonic,
        ttl=settings.facts_ttl_seconds,
        negative_ttl=settings.facts_negative_ttl_seconds,
    )
    stack.push_async_callback(optional_facts.close)
    return optional_facts


def _pools(
    settings: Settings, metrics: Metrics, stack: AsyncExitStack
) -> Mapping[str, HttptoolsUpstream]:
    """Connections to S3: `objects`, and `control`."""
    trust = upstream_trust(settings.upstream_ca_file)
    sizes = {"objects": settings.upstream_connections, "control": _CONTROL_CONNECTIONS}
    pools = {
        name: HttptoolsUpstream(
            connections=size,
            connect_seconds=settings.upstream_connect_seconds,
            idle_seconds=settings.upstream_idle_seconds,
            ssl=trust,
            measured=partial(metrics.stage, Stage.UPSTREAM),
        )
        for name, size in sizes.items()
    }
    for pool in pools.values():
        stack.push_async_callback(pool.close)
    return pools


def _cached(engine: PolicyEngine, settings: Settings) -> PolicyEngine:
    """With a memory; an OPA server's data may change without a word, so that it is asked always."""
    if isinstance(engine, SettledPolicy) and settings.policy_cache_seconds:
        return CachedPolicyEngine(engine, time.monotonic, seconds=settings.policy_cache_seconds)
    return engine


def _data_plane(
    settings: Settings,
    dispatcher: Dispatcher,
    tls: ServerTls | None,
    log: EventLog,
    tracing: Tracing,
) -> DataPlane:
    return DataPlane(
        dispatcher,
        header_seconds=settings.client_header_seconds,
        idle_seconds=settings.client_idle_seconds,
        connections=settings.connections,
        on_full=lambda: log.fault(
            "connections are refused", level="warning", reason="too_many_connections"
        ),
        secure=tls is not None,
        traced=tracing.request,
    )


async def _listen(
    settings: Settings,
    data_plane: DataPlane,
    tls: ServerTls | None,
    stack: AsyncExitStack,
    *,
    shared_port: bool,
) -> int:
    """Open the data-plane listener; return its port."""
    runner = ServerRunner(data_plane, shutdown_timeout=_CUT_SECONDS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    handshake_seconds = min(settings.client_header_seconds, _HANDSHAKE_SECONDS)
    server = await listening(  # aiohttp's site sets no time for handshakes
        data_plane,
        settings.listen_host,
        settings.listen_port,
        "listen_host, listen_port",
        shared_port=shared_port,
        backlog=1024,
        tls=None if tls is None else tls.context,
        handshake_seconds=handshake_seconds,
    )
    stack.push_async_callback(data_plane.drain, settings.drain_seconds)
    stack.callback(server.close)
    address: tuple[str, int] = server.sockets[0].getsockname()
    return address[1]


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
