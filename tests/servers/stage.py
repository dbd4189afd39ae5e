"""Gateways in front of a server, on an event loop of their own: real clients block."""

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import uvloop
import yaml
from botocore.config import Config

from gateway.adapters.credentials_aws import StaticUpstreamCredentials
from gateway.app.settings import Settings
from gateway.app.wiring import running
from gateway.core.s3.operations import Group
from gateway.core.sigv4.credential import Credential
from gateway.emulator import Emulator
from tests.clients.stage import RequestLog
from tests.servers.server import KEY, REGION, Server

CLIENT = Credential("GWOFTHECLIENT000", "secret-of-the-client-0")
_START_SECONDS = 60
_numbers = itertools.count()
_SESSION = boto3.session.Session()
#: A session makes one client at a time.
_MAKING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two ways to a server, as a client is told of it.

    Args:
        name: `direct` or `gateway`.
        url: the endpoint.
        key: whose requests.
        ca: certificates to trust, where the endpoint speaks TLS.
        bucket: one of its own, empty at the start.
        folder: for files.
    """

    name: str
    url: str
    key: Credential
    ca: Path | None
    bucket: str = ""
    folder: Path = Path()

    @property
    def is_secure(self) -> bool:
        """Whether it speaks TLS."""
        return self.url.startswith("https:")

    @property
    def authority(self) -> str:
        """Host and port."""
        return self.url.partition("://")[2]


@dataclass(frozen=True, slots=True)
class Route:
    """A server, directly and through a gateway.

    Args:
        server: which.
        direct: straight to it, over plain text: over TLS versitygw 1.8.0 drops connections that it
            refuses early.
        gateway: through the gateway, over plain text or TLS.
        log: of the gateway.
    """

    server: Server
    direct: Side
    gateway: Side
    log: RequestLog = field(repr=False)

    @contextmanager
    def sides(self, folder: Path) -> Iterator[tuple[Side, Side]]:
        """Make a bucket for each side, at the server itself. They stay: the server is ours."""
        number = next(_numbers)
        made = []
        for side in (self.direct, self.gateway):
            own = folder / side.name
            own.mkdir()
            bucket = f"acme-{side.name[:2]}-{number:04d}"
            with boto3_client(self.direct) as s3:
                s3.create_bucket(Bucket=bucket, ObjectOwnership="BucketOwnerPreferred")
            made.append(replace(side, bucket=bucket, folder=own))
        seen = len(self.log.faults)
        yield made[0], made[1]
        assert self.log.faults[seen:] == []


@contextmanager
def boto3_client(side: Side, **config: Any) -> Iterator[Any]:
    """Return a client. The session is shared: the models take it half a second to read."""
    with _MAKING:
        client = _SESSION.client(
            "s3",
            endpoint_url=side.url,
            region_name=REGION,
            aws_access_key_id=side.key.access_key_id,
            aws_secret_access_key=side.key.secret_access_key,
            verify=None if side.ca is None else str(side.ca),
            config=Config(retries={"total_max_attempts": 1}, **config),
        )
    try:
        yield client
    finally:
        client.close()


@contextmanager
def routed(
    server: Server | None, folder: Path, pair: tuple[Path, Path] | None, *, secure_upstream: bool
) -> Iterator[Route]:
    """Start a gateway in a thread.

    Args:
        server: behind it; None for an emulator on the same loop.
        folder: for its files.
        pair: certificate and key, where clients are to speak TLS with the gateway.
        secure_upstream: whether the gateway speaks TLS with the server.
    """
    ready: Future[tuple[Route, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def play() -> None:
        async with _play(server, folder, pair, secure_upstream=secure_upstream) as route:
            stop = asyncio.Event()
            ready.set_result((route, asyncio.get_running_loop(), stop))
            await stop.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            try:
                runner.run(play())
            except BaseException as fault:
                if ready.done():
                    raise
                ready.set_exception(fault)

    thread = threading.Thread(target=run, name="gateway")
    thread.start()
    try:
        route, loop, stop = ready.result(_START_SECONDS)
        try:
            yield route
        finally:
            loop.call_soon_threadsafe(stop.set)
    finally:
        thread.join(_START_SECONDS)


@asynccontextmanager
async def _play(
    server: Server | None, folder: Path, pair: tuple[Path, Path] | None, *, secure_upstream: bool
) -> AsyncIterator[Route]:
    if server is None:
        async with Emulator((), {KEY.access_key_id: KEY.secret_access_key}) as emulator:
            started = Server.plain("emulator", emulator.url)
            async with _play(started, folder, pair, secure_upstream=secure_upstream) as route:
                yield route
        return
    principals, log = folder / "principals.yaml", RequestLog()
    principals.write_text(yaml.safe_dump({"principals": [_principal()]}))
    principals.chmod(0o600)
    options: dict[str, Any] = {}
    if pair is not None:
        options |= {"tls_certificate": pair[0], "tls_key": pair[1]}
        if secure_upstream:
            options["upstream_ca_file"] = pair[0]
    settings = Settings(
        listen_port=0,
        admin_port=0,
        upstream_endpoint=server.secure_url if secure_upstream else server.url,
        upstream_region=REGION,
        principals_file=principals,
        journal_path=folder / "journal.db",
        drain_seconds=1,
        **options,
    )
    async with running(settings, credentials=StaticUpstreamCredentials(KEY), log=log) as gateway:
        ca = pair and pair[0]
        direct = Side("direct", server.direct_url, KEY, None)
        yield Route(server, direct, Side("gateway", gateway.url, CLIENT, ca), log)


def _principal() -> dict[str, Any]:
    return {
        "name": "developer",
        "access_key_id": CLIENT.access_key_id,
        "secret_access_key": CLIENT.secret_access_key,
        "buckets": ["*"],
        "groups": [group.value for group in Group if group is not Group.REFUSED],
    }
