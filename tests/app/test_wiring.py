"""Adapters -> pipeline -> listener: what starts, what does not, and how it ends."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.adapters.credentials_aws import StaticUpstreamCredentials
from gateway.adapters.journal.sqlite import SqliteJournal
from gateway.adapters.principals_file import PrincipalsError
from gateway.app import policy, wiring
from gateway.app.admin import open_admin
from gateway.app.self_test import SelfTestError
from gateway.app.settings import Settings
from gateway.app.wiring import Gateway, running
from gateway.core.errors import CredentialsUnavailable, JournalUnavailable
from gateway.core.ports import Principal
from gateway.core.sigv4.credential import Credential
from tests.support.connection import Connection
from tests.support.fake_event_log import FakeEventLog
from tests.support.scripted_upstream import ScriptedUpstream, say
from tests.support.site import ANA, UPSTREAM, Site, wait_until, write_principals
from tests.support.wire import Key, message, signed

NEW = Key("GWCLIENTEXAMPLE00009", "client-secret-client-secret-0009")


def settings(folder: Path, **changes: object) -> Settings:
    """A gateway on a free port, in front of nobody."""
    values = {
        "listen_port": 0,
        "admin_port": 0,
        "upstream_endpoint": "http://127.0.0.1:9",
        "principals_file": folder / "principals.yaml",
        "journal_path": folder / "journal.db",
        "policy_timeout_seconds": 5,
    } | changes
    return Settings(**values)  # type: ignore[arg-type]


def test_a_gateway_has_a_url() -> None:
    """IPv6 addresses in brackets."""
    assert Gateway("127.0.0.1", 9000, secure=False, revision="r").url == "http://127.0.0.1:9000"
    assert Gateway("::1", 9000, secure=True, revision="r").url == "https://[::1]:9000"


def test_the_clock_is_aware() -> None:
    """And in UTC."""
    assert wiring.now().utcoffset() is not None


async def test_it_starts_serves_and_stops(tmp_path: Path) -> None:
    """With the journal there, and with nothing left behind."""
    write_principals(tmp_path / "principals.yaml")
    before = asyncio.all_tasks()
    log = FakeEventLog()
    credentials = StaticUpstreamCredentials(UPSTREAM)
    options = settings(tmp_path)
    async with running(options, credentials=credentials, log=log) as gateway:
        reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
        writer.write(message("GET", "/acme-orders/key").wire)
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        assert head.startswith(b"HTTP/1.1 403 ")
        assert gateway.revision
        assert (tmp_path / "journal.db").exists()
    assert asyncio.all_tasks() == before
    assert len(log.events) == 1
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection(gateway.host, gateway.port)


async def test_without_arguments_it_uses_aws_and_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The environment's own credentials, and JSON lines."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "from-the-environment")
    write_principals(tmp_path / "principals.yaml")
    async with running(settings(tmp_path)) as gateway:
        reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
        writer.write(message("GET", "/").wire)
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
    assert b'"event":"access"' in capfdbinary.readouterr().out


async def asked(port: int, path: str) -> tuple[int, Any]:
    """Status and document of the admin listener's answer."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, await answer.json()


async def test_the_admin_listener_tells_of_every_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I18: a journal that fails makes it unready, and so does an S3 that is not there."""
    write_principals(tmp_path / "principals.yaml")
    credentials = StaticUpstreamCredentials(UPSTREAM)
    async with ScriptedUpstream() as upstream:
        options = settings(tmp_path, upstream_endpoint=upstream.url)
        async with running(options, credentials=credentials, log=FakeEventLog()) as gateway:
            assert gateway.admin_url == f"http://127.0.0.1:{gateway.admin_port}"
            assert await asked(gateway.admin_port, "/livez") == (200, {"live": True})
            status, document = await asked(gateway.admin_port, "/readyz")
            assert (status, document["ready"]) == (200, True)
            assert document["policy"]["revision"] == gateway.revision
            assert sorted(document["checks"]) == ["credentials", "journal", "policy", "upstream"]

    async def full(_: object) -> None:
        raise JournalUnavailable("journal_write", detail="disk full")

    async with running(options, credentials=credentials, log=FakeEventLog()) as gateway:
        monkeypatch.setattr(SqliteJournal, "check", full)
        status, document = await asked(gateway.admin_port, "/readyz")
        failed = {name for name, check in document["checks"].items() if not check["ok"]}
        assert (status, failed) == (503, {"journal", "upstream"})
        assert document["checks"]["upstream"]["detail"].startswith("connect_failed: ")


async def test_it_is_alive_and_unready_while_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy server may take half a minute to come up: a liveness probe must not end that."""
    write_principals(tmp_path / "principals.yaml")
    ports: list[int] = []
    listen = open_admin

    async def noted(*arguments: Any, **named: Any) -> int:
        ports.append(await listen(*arguments, **named))
        return ports[0]

    async def waits(_: object) -> None:
        assert await asked(ports[0], "/livez") == (200, {"live": True})
        assert await asked(ports[0], "/readyz") == (
            503,
            {"ready": False, "state": "starting", "checks": {}},
        )
        raise SelfTestError("seen")

    monkeypatch.setattr(wiring, "open_admin", noted)
    monkeypatch.setattr(policy, "self_test", waits)
    with pytest.raises(SelfTestError, match="seen"):
        async with running(settings(tmp_path), log=FakeEventLog()):
            pytest.fail("it started")


@pytest.mark.parametrize(
    ("changes", "region"),
    [
        ({}, "us-east-1"),
        ({"regions": ("eu-*", "eu-west-1")}, "eu-west-1"),
        ({"regions": ("eu-west-1",), "upstream_region": "eu-north-1"}, "eu-north-1"),
    ],
    ids=["any", "first-named", "fixed"],
)
def test_s3_is_looked_for_where_it_is_used(
    tmp_path: Path, changes: dict[str, object], region: str
) -> None:
    """A gateway without a way to us-east-1 is ready all the same."""
    assert wiring._first_region(settings(tmp_path, **changes)) == region


def no_principals(folder: Path) -> None:
    """The file is missing."""
    (folder / "principals.yaml").unlink()


def open_principals(folder: Path) -> None:
    """Others may read the keys."""
    (folder / "principals.yaml").chmod(0o644)


def no_journal(folder: Path) -> None:
    """The journal's name is taken by a folder."""
    (folder / "journal.db").mkdir()


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (no_principals, PrincipalsError),
        (open_principals, PrincipalsError),
        (no_journal, JournalUnavailable),
    ],
)
async def test_it_does_not_start_without(
    tmp_path: Path, spoil: Callable[[Path], None], fault: type[Exception]
) -> None:
    """I18: a journal that cannot be written, keys that everybody may read: no gateway."""
    write_principals(tmp_path / "principals.yaml")
    spoil(tmp_path)
    before = asyncio.all_tasks()
    credentials = StaticUpstreamCredentials(UPSTREAM)
    with pytest.raises(fault):
        async with running(settings(tmp_path), credentials=credentials):
            pytest.fail("it started")
    assert asyncio.all_tasks() == before


async def test_it_does_not_start_when_the_self_test_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I15: before the port is open."""

    async def fails(_: object) -> None:
        raise SelfTestError("policy allows an empty question")

    write_principals(tmp_path / "principals.yaml")
    monkeypatch.setattr(policy, "self_test", fails)
    with pytest.raises(SelfTestError):
        async with running(settings(tmp_path), log=FakeEventLog()):
            pytest.fail("it started")


async def test_credentials_that_are_missing_are_told_at_once(tmp_path: Path) -> None:
    """It starts, as they may come; who set it up should not have to wait for the first 503."""

    class Nothing(StaticUpstreamCredentials):
        async def for_principal(self, principal: Principal) -> Credential:
            del principal
            raise CredentialsUnavailable("credentials_none", detail="the chain found nothing")

    write_principals(tmp_path / "principals.yaml")
    log = FakeEventLog()
    async with running(settings(tmp_path), credentials=Nothing(UPSTREAM), log=log):
        await asyncio.sleep(0)
    (told,) = [fault for fault in log.faults if fault.get("reason") == "credentials_none"]
    assert told["message"] == "no request can be signed for S3"
    assert told["detail"] == "the chain found nothing"


async def test_it_does_not_start_on_a_taken_port(tmp_path: Path) -> None:
    """And says so."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    write_principals(tmp_path / "principals.yaml")
    options = settings(tmp_path, listen_port=server.sockets[0].getsockname()[1])
    credentials = StaticUpstreamCredentials(UPSTREAM)
    async with server:
        with pytest.raises(OSError, match="address already in use"):
            async with running(options, credentials=credentials, log=FakeEventLog()):
                pytest.fail("it started")


def test_a_changed_principals_file_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a restart; a bad one is reported once, and the old keys stay."""
    monkeypatch.setattr(wiring, "_POLL_SECONDS", 0.02)
    path = tmp_path / "principals.yaml"

    def answered(site: Site, key: Key) -> int:
        return site.call(signed(message("GET", "/acme-orders/none"), key)).status

    def replace(text: str) -> None:  # at once: half a file would be reported as well
        whole = tmp_path / "principals.new"
        whole.write_text(text)
        whole.chmod(0o600)
        whole.rename(path)

    with Site(tmp_path) as site:
        good = path.read_text()
        assert (answered(site, ANA), answered(site, NEW)) == (404, 403)
        replace(good.replace(ANA.access_key_id, NEW.access_key_id).replace(ANA.secret, NEW.secret))
        wait_until(lambda: answered(site, NEW) == 404)
        assert answered(site, ANA) == 403
        mark = site.mark()
        replace("principals: []\n")
        wait_until(lambda: any("not reloaded" in line["event"] for line in site.lines(mark)))
        time.sleep(0.1)
        faults = [line for line in site.lines(mark) if line["event"] != "access"]
        assert ["principals.yaml" in line["detail"] for line in faults] == [True]
        assert answered(site, NEW) == 404


def test_a_request_in_flight_finishes_within_the_drain_time(tmp_path: Path) -> None:
    """I27: stopping waits for it, and no new connection is taken."""
    upstream = ScriptedUpstream()
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n"
    upstream.plays.append(say(head, *[b"x"] * 40))
    options = {"upstream_region": "eu-central-1", "drain_seconds": 10.0}
    answers: list[bytes] = []

    def download(port: int) -> None:
        with Connection(port) as connection:
            connection.send(signed(message("GET", "/acme-orders/key"), ANA).wire)
            answers.append(connection.receive().body)

    with Site(tmp_path, options, upstream) as site:
        thread = threading.Thread(target=download, args=(site.port,))
        thread.start()
        wait_until(lambda: bool(upstream.heads))
    thread.join()
    assert answers == [b"x" * 40]


def test_what_does_not_finish_is_cut_after_the_drain_time(tmp_path: Path) -> None:
    """I27: stopping ends."""
    with Site(tmp_path, {"drain_seconds": 0.1}) as site:
        connection = site.connect()
        connection.send(signed(message("PUT", "/acme-orders/key", b"data"), ANA).head)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    connection.close()


async def test_decisions_are_tallied_beside_everything_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until few are left, with breaks, again and again; a journal that is away is told."""
    monkeypatch.setattr(wiring, "_TALLY_SECONDS", 0.0)
    monkeypatch.setattr(wiring, "_BREATH_SECONDS", 0.0)
    log, done = FakeEventLog(), asyncio.Event()

    class Tallied:
        def __init__(self) -> None:
            self.answers: list[int | Exception] = [500, 500, 0]
            self.answers += [JournalUnavailable("journal_write", detail="disk I/O error"), 500, 0]

        async def tally(self) -> int:
            answer = self.answers.pop(0) if self.answers else 0
            if isinstance(answer, Exception):
                raise answer
            if not self.answers:
                done.set()
            return answer

    task = asyncio.create_task(wiring._tally(Tallied(), log))  # type: ignore[arg-type]
    async with asyncio.timeout(30):
        await done.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (fault,) = log.faults
    assert fault["message"] == "decisions were not tallied"
    assert fault["reason"] == "journal_write"
