"""The admin listener: probes for everybody, detail for those who are trusted, nothing else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway.adapters.metrics_prometheus import PrometheusMetrics
from gateway.app import admin
from gateway.app.admin import admin_application, open_admin
from gateway.app.admin_access import AdminAccess
from gateway.app.readiness import Readiness
from gateway.app.scrape import Scrape
from gateway.app.siblings import SiblingError
from gateway.core.errors import JournalUnavailable
from tests.app.test_admin_access import PASSWORD, TOKEN, basic, secret_file
from tests.support.fake_event_log import FakeEventLog


class Listener:
    """An admin listener on a free port, and its readiness.

    Args:
        stack: ends it.
        access: to it.
    """

    def __init__(self, stack: AsyncExitStack, access: AdminAccess) -> None:
        self.log = FakeEventLog()
        self.readiness = Readiness(self.log, lambda: 0.0)
        self.access = access
        self.application = admin_application(self.readiness, access, self.log)
        self.port = 0
        self._stack = stack

    async def open(self, session: aiohttp.ClientSession) -> None:
        """Listen."""
        self._session = session
        self.port = await open_admin(
            self.application, "127.0.0.1", 0, self._stack, shared_port=False
        )

    async def get(
        self, path: str, method: str = "GET", **headers: str
    ) -> tuple[int, object, aiohttp.ClientResponse]:
        """Status, document and answer."""
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self._session.request(method, url, headers=headers) as answer:
            document = await answer.json() if method == "GET" else await answer.read()
            return answer.status, document, answer


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """Ends the listeners."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A client."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def local(stack: AsyncExitStack, session: aiohttp.ClientSession) -> Listener:
    """On loopback, without secrets."""
    listener = Listener(stack, AdminAccess("127.0.0.1"))
    await listener.open(session)
    return listener


@pytest.fixture
async def guarded(
    stack: AsyncExitStack, session: aiohttp.ClientSession, tmp_path: Path
) -> Listener:
    """As it would be beyond loopback, with both secrets, and with a page."""
    token, password = secret_file(tmp_path, TOKEN), secret_file(tmp_path, PASSWORD)
    listener = Listener(stack, AdminAccess("10.0.0.1", token=token, password=password))

    async def page(_: web.Request) -> web.Response:
        return web.json_response("the page")

    listener.application.router.add_get("/", page)
    await listener.open(session)
    return listener


async def test_alive_is_who_answers(local: Listener) -> None:
    """Long before it is ready."""
    status, document, answer = await local.get("/livez")
    assert (status, document) == (200, {"live": True})
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "aiohttp" not in answer.headers["Server"]


async def test_ready_is_told_by_the_status_and_in_detail(local: Listener) -> None:
    """Before, while and after it serves."""

    async def fails() -> str:
        raise JournalUnavailable("journal_write", detail="disk full")

    assert (await local.get("/readyz"))[0] == 503
    local.readiness.serve({"journal": fails})
    status, document, _ = await local.get("/readyz")
    assert (status, document) == (
        503,
        {
            "ready": False,
            "state": "serving",
            "checks": {"journal": {"ok": False, "detail": "journal_write: disk full"}},
        },
    )


async def test_a_probe_may_be_a_head(local: Listener) -> None:
    """Only the status counts."""
    local.readiness.serve({})
    status, body, _ = await local.get("/readyz", "HEAD")
    assert (status, body) == (200, b"")


@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [("/nothing", "GET", 404), ("/livez/", "GET", 404), ("/livez", "POST", 405)],
)
async def test_there_is_nothing_else(
    local: Listener, path: str, method: str, expected: int
) -> None:
    """Nobody writes here."""
    status, _, answer = await local.get(path, method)
    assert (status, answer.headers["Cache-Control"]) == (expected, "no-store")
    assert method == "GET" or answer.headers["Allow"] == "GET,HEAD"


async def test_another_name_is_not_answered_on_loopback(local: Listener) -> None:
    """DNS rebinding, on every path."""
    for path in ("/livez", "/readyz", "/"):
        assert (await local.get(path, Host="rebound.example.org:9001"))[0] == 421


@pytest.mark.parametrize("secret", [f"Bearer {TOKEN}", basic(f"admin:{PASSWORD}")])
async def test_a_stranger_hears_whether_and_the_trusted_why(guarded: Listener, secret: str) -> None:
    """Probes have no secret; settings and faults are not for everybody."""
    guarded.readiness.serve({}, lambda: {"policy": "p"})
    assert (await guarded.get("/readyz"))[:2] == (200, {"ready": True, "state": "serving"})
    assert (await guarded.get("/livez"))[0] == 200
    status, document, _ = await guarded.get("/readyz", Authorization=secret)
    assert (status, document) == (
        200,
        {"ready": True, "state": "serving", "checks": {}, "policy": "p"},
    )
    assert (await guarded.get("/", Authorization=secret))[:2] == (200, "the page")


@pytest.mark.parametrize("path", ["/", "/nothing", "/readyz/../", "//livez", "/livez/x"])
async def test_everything_but_probes_needs_a_secret(guarded: Listener, path: str) -> None:
    """What does not exist, too."""
    status, _, answer = await guarded.get(path)
    challenges = [line.split()[0] for line in answer.headers.getall("WWW-Authenticate")]
    assert (status, challenges) == (401, ["Basic", "Bearer"])


@pytest.mark.parametrize("path", ["/", "/readyz", "/livez"])
async def test_a_wrong_secret_is_told(guarded: Listener, path: str) -> None:
    """Rather than an answer without detail, which looks as if there were none."""
    assert (await guarded.get(path, Authorization=f"Bearer {TOKEN}x"))[0] == 401


def scrape() -> Scrape:
    """Of a worker alone."""
    return Scrape(PrometheusMetrics(), Readiness(FakeEventLog(), lambda: 0.0), None, lambda: 0.0)


@pytest.mark.parametrize("private", [False, True])
async def test_metrics_need_a_secret_only_where_they_name_buckets(
    stack: AsyncExitStack, session: aiohttp.ClientSession, tmp_path: Path, *, private: bool
) -> None:
    """Prometheus can bring one."""
    access = AdminAccess("10.0.0.1", token=secret_file(tmp_path, TOKEN))
    readiness = Readiness(FakeEventLog(), lambda: 0.0)
    application = admin_application(
        readiness, access, FakeEventLog(), scrape(), private_metrics=private
    )
    port = await open_admin(application, "127.0.0.1", 0, stack, shared_port=False)
    url = f"http://127.0.0.1:{port}/metrics"
    async with session.get(url) as answer:
        assert answer.status == (401 if private else 200)
    async with session.get(url, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        assert "inventory_gateway_ready 0.0" in await answer.text()


async def test_metrics_of_a_part_of_the_workers_are_none(
    stack: AsyncExitStack, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sum without one would look like a restart."""

    async def fails(_: object, __: str) -> tuple[bytes, str]:
        raise SiblingError("worker 7 does not answer in time")

    monkeypatch.setattr(Scrape, "answer", fails)
    log = FakeEventLog()
    readiness = Readiness(log, lambda: 0.0)
    application = admin_application(readiness, AdminAccess("127.0.0.1"), log, scrape())
    port = await open_admin(application, "127.0.0.1", 0, stack, shared_port=False)
    async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        assert answer.status == 503
    assert [line["detail"] for line in log.faults] == ["worker 7 does not answer in time"]


async def test_a_bug_is_a_500_and_in_the_log(local: Listener) -> None:
    """Its words are not for the answer."""

    def breaks() -> dict[str, object]:
        raise RuntimeError("s3cr3t")

    local.readiness.serve({}, breaks)
    status, document, _ = await local.get("/readyz")
    assert (status, document) == (500, {"error": "Internal Server Error"})
    assert [line["exception"] for line in local.log.faults] == ["RuntimeError"]


async def test_connections_are_few_and_a_new_one_is_let_in(
    local: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I25: file descriptors belong to object traffic; who holds them all shuts no probe out."""
    monkeypatch.setattr(admin, "_CONNECTIONS", 2)
    held = [await asyncio.open_connection("127.0.0.1", local.port) for _ in range(2)]
    for reader, writer in held:
        writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    status, document, _ = await local.get("/livez")
    assert (status, document) == (200, {"live": True})
    oldest, second = (reader for reader, _ in held)
    with contextlib.suppress(ConnectionResetError):
        await oldest.read()
    assert oldest.at_eof() or oldest.exception() is not None
    held[1][1].write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"live" in await second.readuntil(b"}")
    for _, writer in held:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
