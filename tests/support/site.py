"""A whole gateway in front of an upstream, on an event loop of its own in a thread."""

import asyncio
import io
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

from gateway.adapters.credentials_aws import StaticUpstreamCredentials
from gateway.adapters.decision_log import StructlogEventLog
from gateway.app.settings import Settings
from gateway.app.wiring import Gateway, now, running
from gateway.core.sigv4.credential import Credential
from gateway.emulator import EmulatedBucket, Emulator, ReceivedRequest
from tests.support.connection import Connection, Response
from tests.support.scripted_upstream import ScriptedUpstream
from tests.support.wire import Key, Message

ACCOUNT = "111122223333"
STRANGER = "444455556666"
REGION = "eu-central-1"
ANA = Key("GWCLIENTEXAMPLE00001", "client-secret-client-secret-0001")
TOM = Key("GWCLIENTEXAMPLE00002", "client-secret-client-secret-0002", "client-token-client-token==")
ROOT = Key("GWCLIENTEXAMPLE00003", "client-secret-client-secret-0003")
UPSTREAM = Credential("AKIAUPSTREAM00000001", "upstream-secret-upstream-secret-01")
SECRETS = (ANA.secret, TOM.secret, ROOT.secret, str(TOM.token), UPSTREAM.secret_access_key)

_PRINCIPALS = f"""principals:
  - name: ana
    access_key_id: {ANA.access_key_id}
    secret_access_key: {ANA.secret}
    buckets: ["acme-*"]
  - name: tom
    access_key_id: {TOM.access_key_id}
    secret_access_key: {TOM.secret}
    session_token: "{TOM.token}"
    buckets: ["acme-*"]
  - name: root
    access_key_id: {ROOT.access_key_id}
    secret_access_key: {ROOT.secret}
    buckets: ["*"]
    groups: [objects, listing, bucket-read, inventory, bucket-admin, exports]
"""


def buckets() -> list[EmulatedBucket]:
    """Two of ours in the Region, one of ours elsewhere, one of a stranger, one not granted."""
    return [
        EmulatedBucket(name="acme-orders", region=REGION, owner=ACCOUNT),
        EmulatedBucket(name="acme-inventory", region=REGION, owner=ACCOUNT),
        EmulatedBucket(name="acme-us", region="us-east-1", owner=ACCOUNT),
        EmulatedBucket(name="acme-stranger", region=REGION, owner=STRANGER),
        EmulatedBucket(name="foreign", region=REGION, owner=STRANGER),
    ]


def write_principals(path: Path) -> Path:
    """The clients' keys, as a file that only its owner may read."""
    path.touch(mode=0o600)
    path.write_text(_PRINCIPALS)
    return path


@dataclass(slots=True)
class Mark:
    """A moment in the life of a site."""

    requests: int
    lines: int


@dataclass
class Site:
    """An emulator and a gateway in front of it, or of a scripted upstream.

    Args:
        folder: for its files.
        settings: over the defaults.
        scripted: stands in for the emulator.
        tls: whom its clients trust, where it speaks TLS.
    """

    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    scripted: ScriptedUpstream | None = None
    tls: SSLContext | None = None
    port: int = 0
    admin_port: int = 0

    def __post_init__(self) -> None:
        self.emulator = Emulator(buckets(), {UPSTREAM.access_key_id: UPSTREAM.secret_access_key})
        self.stream = io.BytesIO()
        self.log = StructlogEventLog(now, stream=self.stream)
        self.loop = asyncio.new_event_loop()
        self.problems: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.problems.append(context))
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._stack = AsyncExitStack()

    def __enter__(self) -> Self:
        self._thread.start()
        gateway: Gateway = self.run(self._start)
        self.port, self.admin_port = gateway.port, gateway.admin_port
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.run(self._stack.aclose)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _start(self) -> Gateway:
        upstream: ScriptedUpstream | Emulator = self.scripted or self.emulator
        await self._stack.enter_async_context(upstream)
        values: dict[str, Any] = {
            "listen_port": 0,
            "admin_port": 0,
            "upstream_endpoint": upstream.url,
            "principals_file": write_principals(self.folder / "principals.yaml"),
            "journal_path": self.folder / "journal.db",
            "virtual_host_suffixes": (".s3.localhost",),
            "drain_seconds": 1.0,
            "facts_ttl_seconds": 3600,
            "policy_timeout_seconds": 5,  # a machine under load is slow, and that is no fault
        }
        settings = Settings(**(values | dict(self.settings)))
        credentials = StaticUpstreamCredentials(UPSTREAM)
        return await self._stack.enter_async_context(
            running(settings, credentials=credentials, log=self.log)
        )

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Await a coroutine function on the site's own loop."""
        return asyncio.run_coroutine_threadsafe(function(*arguments), self.loop).result(30)

    @property
    def admin_url(self) -> str:
        """The address of the admin listener."""
        return f"http://127.0.0.1:{self.admin_port}"

    def connect(self, *, timeout: float = 10.0) -> Connection:
        """A raw connection to the gateway."""
        return Connection(self.port, timeout=timeout, tls=self.tls)

    def call(self, message: Message) -> Response:
        """One request on a connection of its own."""
        with self.connect() as connection:
            connection.send(message.wire)
            return connection.receive(message.method)

    def mark(self) -> Mark:
        """Now, to ask later what came after; what was answered before is logged by then."""
        self.run(asyncio.sleep, 0.002)
        return Mark(len(self.emulator.requests), len(self.stream.getvalue()))

    def received(self, since: Mark) -> Sequence[ReceivedRequest]:
        """What the emulator got."""
        return self.emulator.requests[since.requests :]

    def writes(self, since: Mark) -> list[str]:
        """The writes among it, as `METHOD target`."""
        return [
            f"{request.method} {request.target}"
            for request in self.received(since)
            if request.method not in {"GET", "HEAD"}
        ]

    def lines(self, since: Mark) -> list[dict[str, Any]]:
        """The log's lines."""
        return [json.loads(line) for line in self.stream.getvalue()[since.lines :].splitlines()]

    def events(self, since: Mark, count: int) -> list[dict[str, Any]]:
        """The access events, once there are so many; an event may follow its answer."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.lines(since) if line["event"] == "access"]

        wait_until(lambda: len(found()) >= count)
        return found()


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Come back when it is true.

    Raises:
        AssertionError: it did not become true.
    """
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.005)
