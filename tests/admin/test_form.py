"""The playground's form, read under limits."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from gateway.admin import form
from gateway.admin.form import FormError, attempt_of, read_attempt
from gateway.admin.ports import Attempt


@pytest.fixture
async def client(aiohttp_client: Any) -> TestClient:
    """What `read_attempt` makes of what is posted."""

    async def handler(request: web.Request) -> web.Response:
        try:
            return web.Response(text=repr(await read_attempt(request)))
        except FormError as fault:
            return web.Response(status=400, text=str(fault))

    application = web.Application()
    application.router.add_post("/", handler)
    made: TestClient = await aiohttp_client(application)
    return made


def test_members_become_an_attempt() -> None:
    """Lines end as they were pasted; a box that is not ticked is not sent."""
    members = {"document": "{\r\n}", "bucket": " b ", "principal": "ana", "owner_verified": "1"}
    assert attempt_of(members) == Attempt(
        document="{\n}", bucket="b", principal="ana", look_up=False, owner_verified=True
    )


async def test_a_form_is_read(client: TestClient) -> None:
    """As browsers send it."""
    response = await client.post("/", data={"document": "<A>ü</A>", "look_up": "1"})
    assert await response.text() == repr(
        Attempt(document="<A>ü</A>", look_up=True, owner_verified=False)
    )


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param({"Content-Type": "application/json"}, b"{}", id="another type"),
        pytest.param({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--", id="parts"),
        pytest.param({"Content-Encoding": "gzip"}, b"", id="packed"),
        pytest.param({}, b"document=\xff", id="no ASCII"),
        pytest.param({}, b"&".join(b"a=b" for _ in range(50)), id="many members"),
        pytest.param({}, b"document=" + b"a" * 300_000, id="large"),
    ],
)
async def test_what_is_no_such_form_is_refused(
    client: TestClient, headers: dict[str, str], body: bytes
) -> None:
    """In words, and before much of it is held."""
    given = {"Content-Type": "application/x-www-form-urlencoded"} | headers
    response = await client.post("/", data=body, headers=given)
    assert response.status == 400


async def test_the_largest_configuration_fits(client: TestClient) -> None:
    """Even where a form needs three bytes for each of its own."""
    body = urlencode({"document": "<" * 65_536})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await client.post("/", data=body, headers=headers)).status == 200


async def test_a_form_that_does_not_come_is_not_awaited(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds a place that others want."""
    monkeypatch.setattr(form, "_SECONDS", 0.05)

    async def slow() -> AsyncIterator[bytes]:
        yield b"document="
        await asyncio.Event().wait()

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await client.post("/", data=slow(), headers=headers)
    assert (response.status, await response.text()) == (400, "The form did not arrive.")
