"""Clients of the session go where they were told, and nowhere else."""

import pytest
from aiobotocore.config import AioConfig
from aiohttp import web
from botocore.exceptions import ClientError

from gateway.adapters.aws_session import staying_session

ANSWER = "<ErrorResponse><Error><Code>Moved</Code><Message>m</Message></Error></ErrorResponse>"


async def test_follows_no_redirect(aiohttp_server):
    """I8: a `Location` in an answer never sees a request that we signed."""
    seen = []

    async def elsewhere(request):
        seen.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"}, text=ANSWER)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", elsewhere)
    server = await aiohttp_server(app)
    context = staying_session().create_client(
        "sts",
        region_name="eu-central-1",
        endpoint_url=str(server.make_url("/")),
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        config=AioConfig(retries={"total_max_attempts": 1}),
    )
    async with context as client:
        with pytest.raises(ClientError):
            await client.get_caller_identity()
    assert seen == ["/"]
