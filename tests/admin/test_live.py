"""Live decisions as server-sent events."""

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient

from gateway.admin.live import MOST_STREAMS
from gateway.core.errors import JournalUnavailable
from gateway.core.ports import Outcome
from tests.support.admin_page import FakePolicy, application, pages
from tests.support.decisions import FakeReader, entry, refusal
from tests.support.hostile import HOSTILE

SECONDS = 10


@pytest.fixture
def reader() -> FakeReader:
    """A journal that can grow."""
    return FakeReader([entry(1)])


@pytest.fixture
async def client(aiohttp_client: Any, reader: FakeReader) -> TestClient:
    """A browser."""
    client: TestClient = await aiohttp_client(application(pages(reader, FakePolicy())))
    return client


async def event(stream: ClientResponse) -> dict[str, str]:
    """The next event; comments are passed over."""
    found: dict[str, str] = {}
    async with asyncio.timeout(SECONDS):
        while True:
            line = (await stream.content.readline()).decode().rstrip("\n")
            if not line and found:
                return found
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                found[name] = found[name] + "\n" + value if name in found else value


async def opened(client: TestClient, query: str = "after=1", **headers: str) -> ClientResponse:
    """A stream that has begun."""
    stream = await client.get(f"/decisions/events?{query}", headers=headers)
    assert stream.status == 200, await stream.text()
    assert stream.content_type == "text/event-stream"
    async with asyncio.timeout(SECONDS):
        first = await stream.content.readline()
    assert first.startswith((b":", b"event"))
    return stream


async def test_a_decision_is_sent_as_a_row(client: TestClient, reader: FakeReader) -> None:
    """What was there before is not; the id is where to go on."""
    stream = await opened(client)
    reader.entries.append(refusal(2))
    found = await event(stream)
    assert (found["event"], found["id"]) == ("decision", "2")
    assert 'id="decision-00000002' in found["data"]
    assert "INV001" in found["data"]


async def test_a_decision_is_sent_again_with_its_outcome(
    client: TestClient, reader: FakeReader
) -> None:
    """Without an id: the place to go on stays behind what is newer."""
    stream = await opened(client)
    reader.entries.append(entry(2, outcome=None))
    assert ">open" in (await event(stream))["data"]
    reader.entries[-1] = entry(2, outcome=Outcome("forwarded", 204))
    found = await event(stream)
    assert "forwarded 204" in found["data"]
    assert "id" not in found


async def test_filters_hold_for_what_is_live(client: TestClient, reader: FakeReader) -> None:
    """As for the list."""
    stream = await opened(client, "verdict=deny&after=1")
    reader.entries += [entry(2), refusal(3)]
    assert (await event(stream))["id"] == "3"


async def test_a_browser_that_comes_again_goes_on_where_it_was(
    client: TestClient, reader: FakeReader
) -> None:
    """It says what it has seen last."""
    reader.entries += [entry(number) for number in range(2, 6)]
    stream = await client.get("/decisions/events?after=1", headers={"Last-Event-ID": "4"})
    assert (await event(stream))["id"] == "5"


async def test_hostile_text_ends_no_event(client: TestClient, reader: FakeReader) -> None:
    """Line ends within a value are within the data, and markup is text."""
    stream = await opened(client)
    reader.entries.append(entry(2, bucket=f"x\r\rid: 99\n\nevent: decision\n{HOSTILE}"))
    found = await event(stream)
    assert found["id"] == "2"
    assert "<script" not in found["data"]
    assert "event: decision" in found["data"]


async def test_streams_end_when_the_gateway_does(aiohttp_client: Any, reader: FakeReader) -> None:
    """At once, without being asked twice; there are no new ones."""
    made = pages(reader, FakePolicy())
    client = await aiohttp_client(application(made))
    stream = await opened(client)
    made.stop()
    async with asyncio.timeout(SECONDS):
        await stream.content.read()
    assert (await client.get("/decisions/events")).status == 503


async def test_there_are_only_so_many_streams(client: TestClient) -> None:
    """The page cannot keep the journal busy; one that ends makes room."""
    streams = [await opened(client) for _ in range(MOST_STREAMS)]
    assert (await client.get("/decisions/events")).status == 503
    streams[0].close()
    async with asyncio.timeout(SECONDS):
        for _ in itertools.count():
            if (await client.get("/decisions/events?after=1")).status == 200:
                break


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}],
    ids=["fetch metadata", "origin"],
)
async def test_other_pages_hold_no_stream(client: TestClient, headers: Mapping[str, str]) -> None:
    """A site that an operator visits is not to leave none for the operator."""
    assert (await client.get("/decisions/events", headers=headers)).status == 403
    await opened(client)


async def test_a_journal_that_cannot_be_read_ends_the_stream(
    client: TestClient, reader: FakeReader
) -> None:
    """The browser comes again by itself, and may be lucky."""
    stream = await opened(client)
    reader.fault = JournalUnavailable("journal_read")
    async with asyncio.timeout(SECONDS):
        await stream.content.read()


@pytest.mark.parametrize("query", ["after=x", "verdict=maybe", "after=-1"])
async def test_an_address_that_cannot_be_meant_is_refused(client: TestClient, query: str) -> None:
    """Before there is a stream."""
    assert (await client.get(f"/decisions/events?{query}")).status == 400
