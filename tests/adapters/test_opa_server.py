"""The engine behind an OPA server: what is asked, what is believed, and every way it can fail."""

import asyncio
import gzip
import json
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters import opa_server as module
from gateway.adapters.opa_server import OpaClient, OpaServerPolicyEngine, TokenFile
from gateway.core.errors import PolicyUnavailable
from gateway.core.policy.server_address import ServerAddress
from tests.support.certificate import make_pair
from tests.support.fake_policy_engine import CATALOG, answer
from tests.support.scripted_opa import ENTRIES, ScriptedOpa, reply
from tests.support.scripted_upstream import Play, hang, say

QUESTION = {"schema": "inventory.input/1"}
#: Long enough for a machine under load, and each test that waits for it waits no longer.
DEADLINE = 0.5


async def opened(server: ScriptedOpa, **options: Any) -> OpaServerPolicyEngine:
    """An engine for a scripted server, which forgets what it was asked at the start."""
    options = {"deadline": 10.0, "patience": 10.0, **options}
    engine = await OpaServerPolicyEngine.open(ServerAddress.read(server.url), **options)
    server.asked.clear()
    return engine


@pytest.fixture
async def server() -> AsyncIterator[ScriptedOpa]:
    """A server that says yes."""
    async with ScriptedOpa() as server:
        yield server


@pytest.fixture
async def engine(server: ScriptedOpa) -> AsyncIterator[OpaServerPolicyEngine]:
    """An engine that asks it."""
    engine = await opened(server)
    yield engine
    await engine.close()


async def fault(engine: OpaServerPolicyEngine, question: object = QUESTION) -> PolicyUnavailable:
    """The refusal of one question."""
    with pytest.raises(PolicyUnavailable) as caught:
        await engine.evaluate(question)  # type: ignore[arg-type]
    return caught.value


# --- what is asked --------------------------------------------------------------------------------


async def test_the_question_is_one_post_to_a_constant_path(server, engine):
    """With the parameters of OPA's REST API, and no header but what it needs."""
    await engine.evaluate(QUESTION)
    (asked,) = server.decisions
    path, _, parameters = asked.target.partition("?")
    assert (asked.method, path) == ("POST", "/v1/data/inventory/main/decision")
    assert sorted(parameters.split("&")) == [
        "metrics=true",
        "provenance=true",
        "strict-builtin-errors=true",
    ]
    assert json.loads(asked.body) == {"input": QUESTION}
    assert set(asked.headers) == {"host", "content-type", "content-length"}


async def test_the_start_asks_for_bundles_catalogue_and_one_decision(server):
    """Readiness is that of bundles and plugins; no policy is listed; the question is compiled."""
    engine = await OpaServerPolicyEngine.open(ServerAddress.read(server.url), patience=10.0)
    assert [asked.target.partition("?")[0] for asked in server.asked] == [
        "/health",
        "/v1/data/inventory/main/decision",
        "/v1/data/inventory/catalog",
    ]
    assert [asked.target.partition("?")[2] for asked in server.asked[::2]] == [
        "bundles=true&plugins=true",
        "provenance=true",
    ]
    assert (engine.name, engine.revision, engine.catalog) == ("opa", "r-1", CATALOG)
    await engine.close()


async def test_the_first_question_may_take_its_time(server):
    """A server compiles it then; a decision's own deadline is not for that."""
    decision = server.decision()
    server.plays.append(say(decision[:20], *[decision[20:40]], decision[40:]))  # 30 ms
    engine = await opened(server, deadline=0.001)
    await engine.close()


async def test_calls_carry_the_trace_and_the_token_of_the_moment(server, tmp_path):
    """A renewed token is taken up; while its file is away or holds none, the last one serves."""
    token = tmp_path / "token"
    token.write_text("first\n")
    engine = await opened(server, token_file=token, traceparent=iter("abcdefghi").__next__)
    for content in ("second", None, "two words", "", "third"):
        if content is None:
            token.unlink()
        else:
            token.write_text(content)
            os.utime(token, ns=(0, len(content)))  # also where two writes share a moment
        await engine.evaluate(QUESTION)
    await engine.close()
    decisions = [asked.headers["authorization"] for asked in server.decisions]
    assert decisions == [f"Bearer {name}" for name in ("second",) * 4 + ("third",)]
    assert [asked.headers["traceparent"] for asked in server.asked] == [*"defgh"]


async def test_a_call_outside_of_any_trace_names_none(server):
    """An empty header would be a malformed one."""
    engine = await opened(server, traceparent=str)
    await engine.evaluate(QUESTION)
    await engine.close()
    assert not [asked for asked in server.asked if "traceparent" in asked.headers]


@pytest.mark.parametrize("content", ["", "  \n", "two words", "é", "x" * 8193, "a\x00b"])
async def test_a_file_without_a_token_is_told_at_the_start(server, tmp_path, content):
    """And never sent."""
    (tmp_path / "token").write_text(content)
    with pytest.raises(PolicyUnavailable) as caught:
        await opened(server, token_file=tmp_path / "token")
    assert (caught.value.reason, server.asked) == ("engine_token", [])


async def test_a_missing_token_file_is_told_at_the_start(server, tmp_path):
    """With its name."""
    with pytest.raises(FileNotFoundError):
        await opened(server, token_file=tmp_path / "none")


async def test_a_token_is_not_sent_in_clear(tmp_path):
    """Over plain HTTP it would be anybody's who listens; loopback is this machine."""
    (tmp_path / "token").write_text("secret-token")
    with pytest.raises(PolicyUnavailable) as caught:
        await OpaServerPolicyEngine.open(
            ServerAddress.read("http://opa.example.org:8181"), token_file=tmp_path / "token"
        )
    assert caught.value.reason == "engine_token"
    assert "secret-token" not in caught.value.detail


async def test_no_call_of_the_library_goes_anywhere_else(server, tmp_path):
    """`update_policy_from_url` would take the token to any URL; writing is not possible at all."""
    (tmp_path / "token").write_text("secret-token")
    async with ScriptedOpa() as other:
        client = OpaClient(
            ServerAddress.read(server.url), token=TokenFile(tmp_path / "token"), seconds=10.0
        )
        async with client:
            for url in (f"{other.url}/p", f"{server.url}0/p", f"{server.url}@127.0.0.1/", "p"):
                with pytest.raises(PolicyUnavailable, match="engine_error"):
                    await client.update_policy_from_url(url, "p")
            with pytest.raises(TypeError):
                await client.update_policy_from_string("package p", "p")
        assert (server.asked, other.asked) == ([], [])


# --- what is believed -----------------------------------------------------------------------------


async def test_an_answer_brings_catalogue_provenance_and_timers(server, engine):
    """In OPA's own names; what is no timer, no counter or no text of a line is left out."""
    metrics = {
        "timer_rego_query_eval_ns": 5,
        "counter_server_query_cache_hit": 1,
        "histogram_x": {"count": 1},
        "timer_Bad\n": 1,
        "timer_float": 1.5,
        "timer_bool": True,
    }
    server.revision = "r-\n1"
    server.plays.append(say(server.decision(metrics=metrics)))
    found = await engine.evaluate(QUESTION)
    assert (found.value, found.catalog) == (answer(), CATALOG)
    assert found.provenance == {
        "version": "1.22.0",
        "bundles": {"inventory": {"revision": "r-?1"}},
    }
    assert found.metrics == {"timer_rego_query_eval_ns": 5, "counter_server_query_cache_hit": 1}


async def test_an_answer_without_timers_is_an_answer(server, engine):
    """They are for the record alone."""
    server.plays.append(say(server.decision(metrics=None)))
    assert (await engine.evaluate(QUESTION)).metrics == {}


MORE = {**ENTRIES, "INV099": {**ENTRIES["INV001"], "title": "More"}}


async def test_a_new_bundle_brings_its_own_catalogue(server, engine):
    """The rules that must have run are those of the bundle that answered."""
    server.revision, server.entries = "r-2", MORE
    found = await engine.evaluate(QUESTION)
    assert found.catalog.ids == set(MORE)
    assert engine.revision == "r-2"
    await engine.evaluate(QUESTION)
    assert [asked.method for asked in server.asked] == ["POST", "GET", "POST"]


async def test_many_questions_under_a_new_bundle_read_its_catalogue_once(server, engine):
    """A stampede would keep the server busy with its catalogue."""
    server.revision = "r-2"
    await asyncio.gather(*(engine.evaluate(QUESTION) for _ in range(20)))
    assert sorted(asked.method for asked in server.asked) == ["GET"] + ["POST"] * 20


async def test_an_answer_of_the_bundle_before_is_none(server, engine):
    """I15: one that comes late is not read by other rules; the gate opens with the next answer."""
    late = server.decision()
    server.revision = "r-2"
    await engine.evaluate(QUESTION)
    server.plays.append(say(late))
    assert (await fault(engine)).reason == "engine_changed"
    assert (await engine.evaluate(QUESTION)).value == answer()


@pytest.mark.parametrize(
    ("value", "entries"),
    [
        pytest.param(answer(evaluated=sorted(MORE)), MORE, id="rules"),
        pytest.param(
            answer(policy_revision="rev-2"),
            {rule: {**entry, "severity": "low"} for rule, entry in ENTRIES.items()},
            id="settings",
        ),
    ],
)
async def test_files_that_changed_under_the_server_are_noticed(value, entries):
    """They have no revision: other rules or other settings make the catalogue be read again."""
    async with ScriptedOpa() as server:
        server.revision = None
        engine = await opened(server)
        assert engine.revision == "rev-1"
        before = engine.catalog
        server.entries = entries
        server.plays.append(say(server.decision(value)))
        found = await engine.evaluate(QUESTION)
        assert found.provenance == {"version": "1.22.0", "bundles": {}}
        assert found.catalog != before
        await engine.close()


@pytest.mark.parametrize("evaluated", [None, "INV001", [["INV001"], {}], [1], []])
async def test_an_answer_of_another_shape_is_left_to_the_strict_reader(server, engine, evaluated):
    """The engine only compares; `gateway.core.policy` refuses."""
    server.plays.append(say(server.decision(answer(evaluated=evaluated))))
    assert (await engine.evaluate(QUESTION)).value == answer(evaluated=evaluated)


async def test_several_bundles_are_all_named(server):
    """Rules and settings come apart in the shipped bundles."""
    server.provenance = lambda: {
        "bundles": {"b": {"revision": "2"}, "a": {"revision": "1"}, "c": {}}
    }
    engine = await opened(server)
    assert engine.revision == "a=1, b=2, c="
    await engine.close()


async def test_a_revision_of_the_settings_that_is_no_text_is_none(server):
    """`gateway.core.policy` refuses such an answer; the record of that names no revision."""
    server.revision = None
    engine = await opened(server)
    server.plays.append(say(server.decision(answer(policy_revision=7))))
    await engine.evaluate(QUESTION)
    assert engine.revision == ""
    await engine.close()


# --- faults of a question -------------------------------------------------------------------------

HTML = b"<html><body>Bad Gateway</body></html>"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
OPA_ERROR = {
    "code": "internal_error",
    "message": "error(s) occurred while evaluating query",
    "errors": [
        {
            "code": "eval_builtin_error",
            "message": "glob.match: syntax error\n",
            "location": {"file": "lib/exemptions.rego", "row": 45, "col": 2},
        },
        "not an object",
    ],
}


def forever(piece: bytes) -> Play:
    """A head, and then pieces without end."""

    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED)
        while not writer.is_closing():
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0.01)
        raise ConnectionResetError

    return play


FAULTS = [
    pytest.param(hang(), "engine_timeout", id="silent"),
    pytest.param(say(CHUNKED), "engine_timeout", id="silent-after-the-head"),
    pytest.param(forever(b" "), "engine_timeout", id="chunked-forever"),
    pytest.param(forever(b" " * 65536), "engine_oversize", id="endless"),
    pytest.param(say(reply(b" " * 300_000)), "engine_oversize", id="oversize"),
    pytest.param(say(b"", abort=True), "engine_unreachable", id="broken-off"),
    pytest.param(say(b"", then_close=True), "engine_unreachable", id="closed"),
    pytest.param(say(b"SSH-2.0-OpenSSH\r\n\r\n"), "engine_unreachable", id="not-http"),
    pytest.param(
        say(b'HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"result"', then_close=True),
        "engine_unreachable",
        id="half-of-its-length",
    ),
    pytest.param(say(reply(b'{"result": {"allow": tr')), "engine_answer", id="half-a-json"),
    pytest.param(say(reply(b"")), "engine_answer", id="empty"),
    pytest.param(say(reply(HTML)), "engine_answer", id="html-200"),
    pytest.param(
        say(reply(gzip.compress(b"{}"), "200 OK", "content-encoding: gzip")),
        "engine_answer",
        id="gzip",
    ),
    pytest.param(say(reply(HTML, "502 Bad Gateway")), "engine_error", id="html-502"),
    pytest.param(say(reply([], "503 Service Unavailable")), "engine_error", id="list-503"),
    pytest.param(say(reply({}, "404 Not Found")), "engine_error", id="not-found"),
    pytest.param(say(reply({"result": answer()}, "201 Created")), "engine_error", id="created"),
    pytest.param(say(reply([1])), "engine_wrong_type", id="list"),
    pytest.param(say(reply({"result": True})), "engine_wrong_type", id="result-is-true"),
    pytest.param(say(reply({"result": None})), "engine_wrong_type", id="result-is-null"),
    pytest.param(say(reply({"result": []})), "engine_wrong_type", id="result-is-a-list"),
    pytest.param(say(reply({})), "engine_undefined", id="undefined"),
    pytest.param(say(reply({"provenance": {}})), "engine_undefined", id="undefined-bundles"),
    pytest.param(say(reply({"result": answer()})), "engine_answer", id="no-provenance"),
    pytest.param(
        say(reply({"result": answer(), "provenance": {"bundles": []}})),
        "engine_answer",
        id="bundles-are-a-list",
    ),
    pytest.param(
        say(reply({"result": answer(), "provenance": {"bundles": {"a": 1}}})),
        "engine_answer",
        id="bundle-is-a-number",
    ),
    pytest.param(
        say(reply({"result": answer(), "provenance": {"bundles": {"a": {"revision": 1}}}})),
        "engine_answer",
        id="revision-is-a-number",
    ),
]


@pytest.mark.parametrize(("play", "reason"), FAULTS)
async def test_whatever_is_no_answer_is_a_fault_and_the_next_one_counts(server, play, reason):
    """I15: a constant reason, within the deadline, asked once; and nothing stays broken."""
    deadline = DEADLINE if reason == "engine_timeout" else 10.0
    engine = await opened(server, deadline=deadline)
    server.plays.append(play)
    started = time.monotonic()
    found = await fault(engine)
    took = time.monotonic() - started
    assert (found.reason, len(server.decisions)) == (reason, 1)
    assert took < deadline + 5.0
    assert reason != "engine_timeout" or took >= deadline - 0.05
    engine._deadline = 10.0
    assert (await engine.evaluate(QUESTION)).value == answer()
    await engine.close()


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_never_followed(server, engine, status):
    """Neither elsewhere, where the question and the token would go, nor to the server itself."""
    async with ScriptedOpa() as other:
        for target in (other.url, server.url):
            location = f"location: {target}/v1/data/inventory/main/decision"
            server.plays.append(say(reply(b"", status, location)))
            found = await fault(engine)
            assert (found.reason, found.detail) == ("engine_error", f"HTTP {status[:3]}")
        assert (other.asked, len(server.decisions)) == ([], 2)


async def test_opas_words_are_kept(server, engine):
    """Code, message and the place in the policy, on one line, for the log."""
    server.plays.append(say(reply(OPA_ERROR, "500 Internal Server Error")))
    found = await fault(engine)
    assert found.detail == (
        "HTTP 500; internal_error: error(s) occurred while evaluating query; "
        "eval_builtin_error: glob.match: syntax error? (lib/exemptions.rego:45:2)"
    )
    assert "glob" not in found.message  # the client reads no internals
    assert len(server.decisions) == 1  # it would fail again


async def test_opas_words_are_bounded(server, engine):
    """A server that talks much fills no log."""
    server.plays.append(say(reply({"code": "x" * 5000, "errors": 7}, "500 Error")))
    assert len((await fault(engine)).detail) == 500


async def test_a_wrong_token_is_a_fault(server, engine):
    """401, in OPA's words."""
    refused = {"code": "unauthorized", "message": "request rejected by administrative policy"}
    server.plays.append(say(reply(refused, "401 Unauthorized")))
    found = await fault(engine)
    assert (found.reason, found.detail) == (
        "engine_error",
        "HTTP 401; unauthorized: request rejected by administrative policy",
    )


async def test_a_server_that_is_gone_is_a_fault_until_it_is_back(server, engine):
    """Connections that were open, and new ones."""
    await engine.evaluate(QUESTION)
    await server.stop()
    for _ in range(2):
        assert (await fault(engine)).reason == "engine_unreachable"
    async with server:
        assert (await engine.evaluate(QUESTION)).value == answer()


async def test_a_cookie_of_the_server_is_not_kept(server):
    """Answers do not change the next question; cookies are for names, not for addresses."""
    address = ServerAddress.read(server.url.replace("127.0.0.1", "localhost"))
    engine = await OpaServerPolicyEngine.open(address, deadline=10.0)
    server.plays.append(say(server.decision().replace(b"\r\n", b"\r\nset-cookie: a=b\r\n", 1)))
    await engine.evaluate(QUESTION)
    await engine.evaluate(QUESTION)
    assert not any("cookie" in asked.headers for asked in server.decisions)
    await engine.close()


async def test_the_wait_for_a_free_connection_is_within_the_deadline(server, monkeypatch):
    """A queue is bounded by time as well."""
    monkeypatch.setattr(module, "_CONNECTIONS", 1)
    engine = await opened(server, deadline=DEADLINE)
    server.plays.extend([hang(), hang()])
    faults = await asyncio.gather(fault(engine), fault(engine))
    assert [found.reason for found in faults] == ["engine_timeout", "engine_timeout"]
    assert len(server.decisions) == 1
    await engine.close()


@pytest.mark.parametrize(
    ("value", "reason"),
    [("\ud800", "engine_error"), (b"bytes", "engine_error"), ("x" * 2**20, "engine_oversize")],
    ids=["surrogate", "bytes", "oversize"],
)
async def test_what_is_no_question_is_not_asked(server, engine, value, reason):
    """JSON cannot carry it, or no honest configuration is as long."""
    assert (await fault(engine, {"bucket": value})).reason == reason
    assert server.decisions == []


async def test_a_closed_engine_says_so(server, engine):
    """After close there is no answer, and closing twice does no harm."""
    await engine.close()
    await engine.close()
    assert ((await fault(engine)).detail, server.asked) == ("closed", [])


# --- faults of the start --------------------------------------------------------------------------


def no_catalog(server: ScriptedOpa) -> None:
    """The rule's path has no value: HTTP 200 without a result."""
    server.catalog_reply = reply({})


def health_error(server: ScriptedOpa) -> None:
    """A bundle is not there yet."""
    server.health_reply = reply({"error": "not ready"}, "500 Internal Server Error")


def health_redirect(server: ScriptedOpa) -> None:
    """A login page, for instance."""
    server.health_reply = reply(b"", "302 Found", f"location: {server.url}/v1/data/login")


def entries(value: object) -> Callable[[ScriptedOpa], None]:
    """A catalogue of another shape."""

    def spoil(server: ScriptedOpa) -> None:
        server.entries = value

    return spoil


@pytest.mark.parametrize(
    ("spoil", "reason", "words"),
    [
        pytest.param(health_error, "engine_error", "was not ready in 0.1 s: HTTP 500", id="bundle"),
        pytest.param(health_redirect, "engine_error", "HTTP 302", id="redirect"),
        pytest.param(no_catalog, "engine_catalog", "has the server loaded", id="no-catalogue"),
        pytest.param(entries({}), "engine_catalog", "empty", id="empty"),
        pytest.param(entries([]), "engine_catalog", "not a catalogue", id="list"),
        pytest.param(entries({"INV001": 7}), "engine_catalog", "not an object", id="entry"),
        pytest.param(entries({"INV001": {}}), "engine_catalog", "lacks title", id="texts"),
        pytest.param(
            entries({"INV001": {**ENTRIES["INV001"], "x": "x" * 2**20}}),
            "engine_oversize",
            "more than",
            id="oversize",
        ),
    ],
)
async def test_a_server_that_cannot_be_used_is_told_at_the_start(server, spoil, reason, words):
    """In one line, with its address where it did not come up."""
    spoil(server)
    with pytest.raises(PolicyUnavailable) as caught:
        await opened(server, patience=0.1)
    assert (caught.value.reason, words in caught.value.detail) == (reason, True)


async def test_a_server_that_is_not_there_is_told_at_the_start(server):
    """After the time to wait, with its address."""
    await server.stop()
    with pytest.raises(PolicyUnavailable) as caught:
        await opened(server, patience=0.1)
    assert caught.value.reason == "engine_unreachable"
    assert f"{server.url} was not ready in 0.1 s" in caught.value.detail


async def test_a_server_that_hangs_at_the_start_is_told(server, monkeypatch):
    """No call is without its end, whatever the deadline of a decision."""
    monkeypatch.setattr(module, "_CALL_SECONDS", 0.1)

    async def silent(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(server, "answer", silent)
    with pytest.raises(PolicyUnavailable) as caught:
        await opened(server, deadline=0.1, patience=0.1)
    assert caught.value.reason == "engine_timeout"


async def test_a_server_that_starts_beside_the_gateway_is_waited_for(server):
    """As a sidecar does, and its bundles come later still."""
    await server.stop()
    health_error(server)
    async with asyncio.TaskGroup() as group:
        opening = group.create_task(opened(server))
        await asyncio.sleep(0.3)
        await server.__aenter__()
        await asyncio.sleep(0.3)
        assert not opening.done()
        server.health_reply = reply({})
    engine = opening.result()
    assert (await engine.evaluate(QUESTION)).value == answer()
    await engine.close()


async def test_a_server_must_prove_its_name(tmp_path: Path):
    """By a CA that the setting names; another, or the system's, does not vouch for it."""
    one, two = make_pair(tmp_path, "one"), make_pair(tmp_path, "two")
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.load_cert_chain(*one)
    async with ScriptedOpa(trust) as server:
        engine = await opened(server, ca_file=one[0])
        assert (await engine.evaluate(QUESTION)).value == answer()
        await engine.close()
        for ca_file in (two[0], None):
            with pytest.raises(PolicyUnavailable) as caught:
                await opened(server, ca_file=ca_file, patience=0.1)
            assert caught.value.reason == "engine_unreachable"
        assert len(server.decisions) == 1


async def test_a_missing_ca_file_is_told_at_the_start(tmp_path: Path):
    """Rather than trusted without."""
    with pytest.raises(FileNotFoundError):
        await OpaServerPolicyEngine.open(
            ServerAddress.read("https://127.0.0.1:1"), ca_file=tmp_path / "none.pem"
        )
