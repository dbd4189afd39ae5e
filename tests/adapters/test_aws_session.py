"""Clients of the session go where they were told, and nowhere else; and hold little."""

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aiohttp import web
from botocore.exceptions import ClientError, DataNotFoundError

from gateway.adapters.aws_session import staying_session
from gateway.core.policy.fact import Fact, operations

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


OFFLINE = {"region_name": "eu-central-1", "aws_access_key_id": "a", "aws_secret_access_key": "s"}


async def test_of_s3_only_what_is_used_is_in_memory():
    """Its model is the largest of AWS but for EC2's."""
    async with staying_session().create_client("s3", **OFFLINE) as client:
        assert client.meta.service_model.operation_names == ["HeadBucket"]
        shape = client.meta.service_model.operation_model("HeadBucket").output_shape
        assert set(shape.members) >= {"BucketRegion", "AccessPointAlias"}


async def test_what_facts_are_asked_of_is_in_memory_with_them():
    """And nothing else of these services."""
    session = staying_session(operations(Fact))
    for service, names in operations(Fact).items():
        async with session.create_client(service, **OFFLINE) as client:
            always = {"HeadBucket"} if service == "s3" else set()
            assert set(client.meta.service_model.operation_names) == names | always


@pytest.mark.parametrize(
    "service", ["s3", "sts", "sso", "sso-oidc", "kms", "cloudwatch", "organizations"]
)
async def test_endpoints_are_botocores(service):
    """Regions and hosts, also of what the chain of credentials speaks to."""
    ours, full = staying_session(), get_session()
    for partition in ("aws", "aws-cn"):
        regions = await ours.get_available_regions(service, partition)
        assert regions == await full.get_available_regions(service, partition)
    for region in ("eu-central-1", "us-east-1", "cn-north-1"):
        options = {**OFFLINE, "region_name": region}
        client, other = (
            ours.create_client(service, **options),
            full.create_client(service, **options),
        )
        async with client as lean, other as whole:
            assert lean.meta.endpoint_url == whole.meta.endpoint_url


async def test_other_models_are_whole():
    """The chain of credentials may need any operation of theirs."""
    async with staying_session().create_client("sts", **OFFLINE) as client:
        assert {"AssumeRole", "AssumeRoleWithWebIdentity"} <= set(
            client.meta.service_model.operation_names
        )


async def test_a_service_that_is_none_is_not_found():
    """As botocore says it."""
    with pytest.raises(DataNotFoundError):
        staying_session().get_data("none/2000-01-01/service-2")
