"""Bucket facts against the emulator and against a server that says whatever the test wants."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import web

from gateway.adapters.aws_session import staying_session
from gateway.adapters.bucket_facts_s3 import S3BucketFacts
from gateway.core.errors import CredentialsUnavailable, FactsUnavailable
from gateway.core.policy.input import BucketFact
from gateway.core.ports import Principal
from gateway.core.s3.operations import DEFAULT_GROUPS
from gateway.core.sigv4.credential import Credential
from gateway.emulator import EmulatedBucket, Emulator

HOME = "eu-central-1"
OWNER = "111122223333"
PRINCIPAL = Principal("team", ("*",), DEFAULT_GROUPS)
READER = Principal("reader", ("*",), DEFAULT_GROUPS, "arn:aws:iam::111122223333:role/reader")
REGION = "x-amz-bucket-region"


class Keys:
    """Credentials by role."""

    def __init__(self) -> None:
        self.fault: CredentialsUnavailable | None = None

    async def for_principal(self, principal: Principal) -> Credential:
        """Tell the roles apart."""
        if self.fault is not None:
            raise self.fault
        name = "AKIDREADER" if principal.role_arn else "AKID"
        return Credential(name, "secret", "token" if principal.role_arn else None)


class Stopwatch:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Read it."""
        return self.seconds


class RawS3:
    """A server that answers as told, and remembers."""

    def __init__(self) -> None:
        self.requests: list[web.BaseRequest] = []
        self.status = 200
        self.headers: Mapping[str, str] = {REGION: HOME}
        self.body = ""
        self.delay = 0.0
        self.url = ""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer as told."""
        self.requests.append(request)
        await asyncio.sleep(self.delay)
        return web.Response(status=self.status, headers=self.headers, text=self.body)


@pytest.fixture
def keys() -> Keys:
    """Credentials."""
    return Keys()


@pytest.fixture
def stopwatch() -> Stopwatch:
    """Time."""
    return Stopwatch()


@pytest.fixture
async def raw() -> AsyncIterator[RawS3]:
    """The server that does as told."""
    server = RawS3()
    runner = web.ServerRunner(web.Server(server.answer, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = "http://{}:{}".format(*runner.addresses[0])
    yield server
    await runner.cleanup()


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """The strict one."""
    buckets = [
        EmulatedBucket(name="home", region=HOME, owner=OWNER),
        EmulatedBucket(name="elsewhere", region="us-west-2", owner=OWNER),
    ]
    async with Emulator(
        buckets=buckets,
        credentials={"AKID": "secret", "AKIDREADER": "secret"},
        session_tokens={"AKIDREADER": "token"},
    ) as server:
        yield server


@pytest.fixture
async def connect(keys: Keys, stopwatch: Stopwatch) -> AsyncIterator[Callable[..., Any]]:
    """Open facts towards a URL; closed at the end."""
    async with AsyncExitStack() as stack:

        async def open_facts(url: str | None, **options: Any) -> S3BucketFacts:
            facts = await S3BucketFacts(
                staying_session(), keys, HOME, stopwatch=stopwatch, endpoint_url=url, **options
            ).open()
            stack.push_async_callback(facts.close)
            return facts

        yield open_facts


async def test_request_is_signed_with_the_credential_of_its_principal(connect, emulator: Emulator):
    """Two roles at once through one client, each with its own key and token."""
    facts = await connect(emulator.url)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(facts.look_up("home", principal)) for principal in (PRINCIPAL, READER)
        ]
    assert all(task.result().known for task in tasks)
    text = [str(request.headers) for request in emulator.requests]
    assert len(text) == 2
    assert ["AKIDREADER/" in headers for headers in text].count(True) == 1
    assert len(facts._clients) == 1


async def test_denied_bucket_with_a_region_is_known(connect, emulator: Emulator):
    """S3 says where a bucket is even to those who may not list it; the owner stays unproven."""
    emulator.deny_head_bucket.add("home")
    facts = await connect(emulator.url)
    assert await facts.look_up("home", PRINCIPAL, expected_owner=OWNER) == BucketFact(
        "home", HOME, known=True, account=OWNER
    )


async def test_owner_of_a_bucket_elsewhere_is_asked_there_once(connect, emulator: Emulator):
    """Two requests: the second in the Region that the first named."""
    facts = await connect(emulator.url)
    fact = await facts.look_up("elsewhere", PRINCIPAL, expected_owner=OWNER)
    assert (fact.region, fact.owner_verified) == ("us-west-2", True)
    assert len(emulator.requests) == 2


@pytest.mark.parametrize(
    ("status", "headers", "known", "exists", "region"),
    [
        (200, {REGION: HOME}, True, True, HOME),
        (200, {}, False, True, ""),
        (200, {REGION: HOME, "x-amz-access-point-alias": "true"}, False, True, HOME),
        (403, {REGION: HOME}, True, True, HOME),
        (403, {}, False, True, ""),
        (404, {}, False, False, ""),
        (404, {REGION: HOME}, False, False, ""),
        (400, {REGION: HOME}, True, True, HOME),
        (301, {REGION: "xx-unheard-9"}, True, True, "xx-unheard-9"),
        (200, {REGION: "evil.example/"}, False, True, ""),
        (403, {REGION: "eu-west-1.evil.example"}, False, True, ""),
    ],
)
async def test_answer_becomes_a_fact(
    connect,
    raw: RawS3,
    status: int,
    headers: dict[str, str],
    known: bool,
    exists: bool,
    region: str,
):
    """What each status and header says."""
    raw.status, raw.headers = status, headers
    facts = await connect(raw.url)
    fact = await facts.look_up("bucket", PRINCIPAL, expected_owner=OWNER)
    assert (fact.known, fact.exists, fact.region) == (known, exists, region)
    assert fact.owner_verified == (status == 200)
    assert len(raw.requests) == 1


async def test_answer_is_recalled_by_the_role_that_got_it_and_for_its_time(
    connect, raw: RawS3, stopwatch: Stopwatch
):
    """What is too old, or what another role may see, is not known."""
    raw.headers = {REGION: HOME}
    facts = await connect(raw.url, ttl=300)
    fact = await facts.look_up("bucket", PRINCIPAL)
    assert facts.recall("bucket", PRINCIPAL) == fact
    assert facts.recall("bucket", READER) is None
    stopwatch.seconds += 300
    assert facts.recall("bucket", PRINCIPAL) is None
    assert len(raw.requests) == 1


async def test_header_of_the_expected_owner_is_sent(connect, raw: RawS3):
    """Only if there is one."""
    facts = await connect(raw.url)
    await facts.look_up("bucket", PRINCIPAL, expected_owner=OWNER)
    await facts.look_up("bucket", PRINCIPAL)
    sent = [request.headers.get("x-amz-expected-bucket-owner") for request in raw.requests]
    assert sent == [OWNER, None]


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (301, {REGION: "us-west-2"}),
        (307, {REGION: "us-west-2", "Location": "{canary}"}),
        (301, {"Location": "{canary}"}),
        (302, {"Location": "{canary}"}),
        (400, {REGION: "us-west-2"}),
    ],
)
async def test_answer_never_chooses_the_host(
    connect, raw: RawS3, emulator: Emulator, status: int, headers: dict[str, str]
):
    """Neither a Location nor a Region leads anywhere but to the configured endpoint."""
    raw.status = status
    raw.headers = {name: value.format(canary=emulator.url) for name, value in headers.items()}
    facts = await connect(raw.url)
    await asyncio.gather(facts.look_up("bucket", PRINCIPAL), return_exceptions=True)
    assert emulator.requests == []
    assert len(raw.requests) <= 2
    assert {request.host for request in raw.requests} == {raw.url.removeprefix("http://")}


@pytest.mark.parametrize(
    ("template", "host"),
    [
        (None, "https://s3.us-east-1.amazonaws.com"),
        ("https://s3.{region}.example.com", "https://s3.us-east-1.example.com"),
        ("https://vpce.example.com", "https://vpce.example.com"),
    ],
)
async def test_endpoint_is_pinned_by_configuration(connect, template: str | None, host: str):
    """us-east-1 has a Region's endpoint like any other; nothing is asked here."""
    facts = await connect(template)
    client = await facts._client("us-east-1")
    facts._signer.set(Credential("AKID", "secret"))
    url = await client.generate_presigned_url("head_bucket", Params={"Bucket": "bucket"})
    assert url.startswith(f"{host}/bucket?")


@pytest.mark.parametrize(
    "bucket",
    [
        "arn:aws:s3:us-west-2:1:accesspoint/x",
        "bucket--euc1-az1--x-s3",
        "x--ol-s3",
        "a.mrap",
        "a/b",
        "..%2f",
        "é" * 5,
        "ab",
        "",
        "b\n",
    ],
)
async def test_name_that_is_no_buckets_is_not_asked_about(connect, raw: RawS3, bucket: str):
    """ARNs and special names would lead botocore to other hosts."""
    facts = await connect(raw.url)
    assert await facts.look_up(bucket, PRINCIPAL) == BucketFact(bucket)
    assert raw.requests == []


@pytest.mark.parametrize("status", [500, 503, 405, 302, 400])
async def test_error_of_s3_is_no_answer(connect, raw: RawS3, status: int):
    """After two attempts at most."""
    raw.status, raw.headers = status, {}
    facts = await connect(raw.url)
    with pytest.raises(FactsUnavailable) as caught:
        await facts.look_up("bucket", PRINCIPAL)
    assert caught.value.reason == "facts_upstream_error"
    assert len(raw.requests) == (2 if status >= 500 else 1)


async def test_one_failure_is_retried(connect, emulator: Emulator):
    """A SlowDown on the way costs an attempt, not an answer."""
    emulator.fail_next(1)
    facts = await connect(emulator.url)
    assert (await facts.look_up("home", PRINCIPAL)).known


async def test_silence_is_a_timeout(connect, raw: RawS3):
    """A black hole."""
    raw.delay = 30
    facts = await connect(raw.url, timeout=0.1)
    async with asyncio.timeout(3):
        with pytest.raises(FactsUnavailable) as caught:
            await facts.look_up("bucket", PRINCIPAL)
    assert caught.value.reason == "facts_timeout"


async def test_refused_connection_is_unreachable(connect):
    """Nobody listens."""
    facts = await connect("http://127.0.0.1:9")
    with pytest.raises(FactsUnavailable) as caught:
        await facts.look_up("bucket", PRINCIPAL)
    assert caught.value.reason == "facts_unreachable"


async def test_hung_up_connection_is_unreachable(connect):
    """Somebody listens and hangs up."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    facts = await connect(f"http://127.0.0.1:{port}")
    with pytest.raises(FactsUnavailable) as caught:
        await facts.look_up("bucket", PRINCIPAL)
    assert caught.value.reason == "facts_unreachable"
    server.close()
    await server.wait_closed()


async def test_request_without_a_credential_of_its_own_is_never_signed(connect, raw: RawS3):
    """Not even with the placeholder: nothing is sent at all."""
    facts = await connect(raw.url)
    client = await facts._client(HOME)
    with pytest.raises(LookupError):
        await client.head_bucket(Bucket="bucket")
    assert raw.requests == []


async def test_missing_credentials_are_their_own_fault(connect, raw: RawS3, keys: Keys):
    """Nothing is asked anonymously."""
    keys.fault = CredentialsUnavailable("credentials_none")
    facts = await connect(raw.url)
    with pytest.raises(CredentialsUnavailable):
        await facts.look_up("bucket", PRINCIPAL)
    assert raw.requests == []


@pytest.mark.parametrize(
    ("status", "headers", "owner", "kept"),
    [
        (200, {REGION: HOME}, "", 300),
        (200, {REGION: HOME}, OWNER, 300),
        (403, {REGION: HOME}, "", 300),
        (403, {REGION: HOME}, OWNER, 10),
        (403, {}, "", 10),
        (404, {}, "", 10),
    ],
)
async def test_answer_is_kept_for_its_time(
    connect, raw: RawS3, stopwatch: Stopwatch, status: int, headers: dict[str, str], owner: str,
    kept: int,
):  # fmt: skip
    """A no is asked again soon, a yes later; the age is told."""
    raw.status, raw.headers = status, headers
    facts = await connect(raw.url)
    assert (await facts.look_up("bucket", PRINCIPAL, expected_owner=owner)).age_seconds == 0
    stopwatch.seconds += kept - 0.5
    aged = await facts.look_up("bucket", PRINCIPAL, expected_owner=owner)
    assert (aged.age_seconds, len(raw.requests)) == (kept - 1, 1)
    stopwatch.seconds += 0.5
    fresh = await facts.look_up("bucket", PRINCIPAL, expected_owner=owner)
    assert (fresh.age_seconds, len(raw.requests)) == (0, 2)


@pytest.mark.parametrize(
    ("region", "not_in", "after", "asked"),
    [
        pytest.param(HOME, HOME, 1.0, 2, id="doubted"),
        pytest.param("", HOME, 1.0, 2, id="region-was-unknown"),
        pytest.param(HOME, HOME, 0.9, 1, id="too-fresh-to-doubt"),
        pytest.param(HOME, "us-west-2", 1.0, 1, id="known-to-be-elsewhere-by-now"),
        pytest.param(HOME, "", 1.0, 1, id="not-doubted"),
    ],
)
async def test_doubted_answer_is_asked_for_anew(
    connect, raw: RawS3, stopwatch: Stopwatch, region: str, not_in: str, after: float, asked: int
):
    """What S3 has just called wrong is not believed for the rest of its time."""
    raw.headers = {REGION: region} if region else {}
    facts = await connect(raw.url)
    await facts.look_up("bucket", PRINCIPAL)
    stopwatch.seconds += after
    raw.headers = {REGION: "ap-south-1"}
    fact = await facts.look_up("bucket", PRINCIPAL, not_in=not_in)
    assert len(raw.requests) == asked
    assert fact.region == ("ap-south-1" if asked == 2 else region)


async def test_region_of_a_server_that_is_not_aws_is_the_configured_one(raw: RawS3, keys: Keys):
    """It may be called anything, as long as the operator calls it so."""
    facts = await S3BucketFacts(
        staying_session(), keys, "garage", stopwatch=Stopwatch(), endpoint_url=raw.url
    ).open()
    raw.headers = {REGION: "garage"}
    assert (await facts.look_up("bucket", PRINCIPAL)).region == "garage"
    await facts.close()


async def test_region_that_is_not_on_the_list_is_not_asked(connect, emulator: Emulator):
    """I8: one request, to the first Region; where the bucket is was learned all the same."""
    facts = await connect(emulator.url, regions=["eu-*"])
    fact = await facts.look_up("elsewhere", PRINCIPAL, expected_owner=OWNER)
    assert (fact.region, fact.owner_verified) == ("us-west-2", False)
    assert len(emulator.requests) == 1


async def test_fault_is_not_kept(connect, raw: RawS3):
    """The next request asks again."""
    raw.status, raw.headers = 500, {}
    facts = await connect(raw.url)
    with pytest.raises(FactsUnavailable):
        await facts.look_up("bucket", PRINCIPAL)
    raw.status, raw.headers = 200, {REGION: HOME}
    assert (await facts.look_up("bucket", PRINCIPAL)).known


async def test_answers_are_kept_per_role_and_owner(connect, raw: RawS3):
    """What one role sees says nothing about another."""
    facts = await connect(raw.url)
    for principal in (PRINCIPAL, READER):
        for owner in ("", OWNER, "999988887777"):
            for _ in range(2):
                await facts.look_up("bucket", principal, expected_owner=owner)
    assert len(raw.requests) == 6


async def test_least_recently_used_answer_makes_room(connect, raw: RawS3):
    """Memory is bounded."""
    facts = await connect(raw.url, capacity=2)
    for bucket in ("one", "two", "one", "three", "one"):
        await facts.look_up(bucket, PRINCIPAL)
    assert [request.path for request in raw.requests] == ["/one", "/two", "/three"]
    await facts.look_up("two", PRINCIPAL)
    assert len(raw.requests) == 4


async def test_waiters_share_a_look_up_and_survive_each_other(connect, raw: RawS3):
    """Single flight: cancelling the first, or all, stops nothing."""
    raw.delay = 0.1
    facts = await connect(raw.url)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(facts.look_up("bucket", PRINCIPAL)) for _ in range(50)]
        lonely = group.create_task(facts.look_up("lonely", PRINCIPAL))
        await asyncio.sleep(0.03)
        tasks[0].cancel()
        lonely.cancel()
    assert all(task.result().known for task in tasks[1:])
    raw.delay = 0.0
    await asyncio.sleep(0.1)
    await facts.look_up("lonely", PRINCIPAL)
    assert sorted(request.path for request in raw.requests) == ["/bucket", "/lonely"]


async def test_close_ends_what_is_under_way(connect, raw: RawS3):
    """Nothing is left running, nobody waits for ever."""
    raw.delay = 30
    facts = await connect(raw.url)
    waiting = asyncio.gather(facts.look_up("bucket", PRINCIPAL), return_exceptions=True)
    await asyncio.sleep(0.05)
    async with asyncio.timeout(2):
        await facts.close()
        [answer] = await waiting
    assert isinstance(answer, asyncio.CancelledError)
