"""Where a bucket is and whose it is, asked of S3 itself by HeadBucket.

The region header comes with refusals too, so that a bucket which may not be listed is still known.
S3 tells nobody who owns a bucket, but it checks a guess: `x-amz-expected-bucket-owner`.
"""

import asyncio
import contextvars
import re
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioCredentials
from aiobotocore.session import AioSession
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.exceptions import ConnectionError as ConnectionFault

from gateway.core.errors import FactsUnavailable
from gateway.core.policy.input import BucketFact
from gateway.core.ports import Principal, Stopwatch, UpstreamCredentials
from gateway.core.s3.region import is_region
from gateway.core.sigv4.credential import Credential

_OK: Final = 200
_WRONG_REGION: Final = frozenset({301, 307, 400})
#: Names that address a bucket and nothing else. Directory buckets, Object Lambda and multi-Region
#: access points have names of their own kind, for which botocore would pick another host.
_BUCKET: Final = re.compile(r"(?!.*(--x-s3|--ol-s3|\.mrap)\Z)[A-Za-z0-9._-]{3,63}", re.ASCII)
#: An answer as young as this is not asked for again, whatever the data path says of it.
_FRESH_SECONDS: Final = 1.0
#: Never sent: every request is signed with the credential of its own look-up.
_PLACEHOLDER: Final = "placeholder"


class _Key(NamedTuple):
    """What an answer depends on: two roles may see the same bucket differently."""

    bucket: str
    role_arn: str | None
    expected_owner: str


@dataclass(frozen=True, slots=True)
class _Answer:
    """The part of S3's answer that counts."""

    status: int
    region: str
    alias: bool


class S3BucketFacts:
    """Facts by HeadBucket, cached. Made by `open`, ended by `close`.

    There is one client per Region, with connections of its own, apart from the data path. Which
    credential signs is decided per request, in the hook that botocore runs before it signs: neither
    a new upstream key nor a new role needs a new client.

    Args:
        session: makes the clients, see `aws_session`; its own credentials are not used.
        credentials: sign the requests, per principal.
        region: where to ask first.
        endpoint_url: of S3, with `{region}` where it has one; None for AWS.
        stopwatch: seconds, for ages.
        ttl: seconds that a good answer is kept.
        negative_ttl: seconds that any other answer is kept.
        capacity: how many answers are kept.
        timeout: seconds for connecting, and for waiting on an answer.
        ca_file: CA bundle that vouches for S3; None for the system's.
        regions: globs of the Regions that may be asked beside the first.
    """

    def __init__(
        self,
        session: AioSession,
        credentials: UpstreamCredentials,
        region: str,
        *,
        stopwatch: Stopwatch,
        endpoint_url: str | None = None,
        ttl: float = 300.0,
        negative_ttl: float = 10.0,
        capacity: int = 10_000,
        timeout: float = 3.0,
        ca_file: Path | None = None,
        regions: Sequence[str] = ("*",),
    ) -> None:
        self._session = session
        self._credentials = credentials
        self._region = region
        self._stopwatch = stopwatch
        self._endpoint_url = endpoint_url
        self._ttl = ttl
        self._negative_ttl = negative_ttl
        self._capacity = capacity
        self._timeout = timeout
        self._verify = None if ca_file is None else str(ca_file)
        self._allowed = tuple(regions)
        self._regions = frozenset({region})
        self._clients: dict[str, Any] = {}
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._held: OrderedDict[_Key, tuple[BucketFact, float]] = OrderedDict()
        self._under_way: dict[_Key, asyncio.Task[BucketFact]] = {}
        # Each look-up is a task, and a task has a context of its own.
        self._signer: contextvars.ContextVar[Credential] = contextvars.ContextVar("signer")

    async def open(self) -> Self:
        """Make the first client; nothing is asked yet."""
        known = await self._session.get_available_regions("s3")
        self._regions |= frozenset(known)
        await self._client(self._region)
        return self

    async def close(self) -> None:
        """Stop look-ups under way and close the connections."""
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._stack.aclose()

    async def look_up(
        self, bucket: str, principal: Principal, *, expected_owner: str = "", not_in: str = ""
    ) -> BucketFact:
        """Region and existence, and whether `expected_owner` (12 digits) owns the bucket.

        Raises:
            FactsUnavailable: `facts_timeout`, `facts_unreachable` or `facts_upstream_error`.
            CredentialsUnavailable: there are no credentials to ask with.
        """
        key = _Key(bucket, principal.role_arn, expected_owner)
        held = self._recall(key, not_in)
        if held is not None:
            return held
        task = self._under_way.get(key)
        if task is None:
            # Owned here: `close` awaits it. It outlives a caller that goes away.
            task = asyncio.get_running_loop().create_task(self._ask(key, principal))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._finished(key, done))
        return await asyncio.shield(task)

    def recall(
        self, bucket: str, principal: Principal, *, expected_owner: str = ""
    ) -> BucketFact | None:
        """What is remembered of this and not too old."""
        return self._recall(_Key(bucket, principal.role_arn, expected_owner))

    def _recall(self, key: _Key, not_in: str = "") -> BucketFact | None:
        fact, since = self._held.get(key, (None, 0.0))
        if fact is None:
            return None
        age = self._stopwatch() - since
        good = fact.known and fact.owner_verified == bool(key.expected_owner)
        # Comparing Regions keeps a crowd whose requests all failed from asking one by one.
        doubted = bool(not_in) and fact.region in {not_in, ""} and age >= _FRESH_SECONDS
        if doubted or age >= (self._ttl if good else self._negative_ttl):
            del self._held[key]
            return None
        self._held.move_to_end(key)
        if int(age) != fact.age_seconds:  # it is copied once a second, not for every request
            fact = replace(fact, age_seconds=int(age))
            self._held[key] = (fact, since)
        return fact

    def _finished(self, key: _Key, task: asyncio.Task[BucketFact]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # seen, also where every caller has gone away

    async def _ask(self, key: _Key, principal: Principal) -> BucketFact:
        since = self._stopwatch()
        fact = await self._head(key, principal)
        self._held[key] = (fact, since)
        if len(self._held) > self._capacity:
            self._held.popitem(last=False)
        return fact

    async def _head(self, key: _Key, principal: Principal) -> BucketFact:
        no = BucketFact(key.bucket, account=key.expected_owner)
        if _BUCKET.fullmatch(key.bucket) is None:
            return no
        self._signer.set(await self._credentials.for_principal(principal))
        answer = await self._send(key, self._region)
        elsewhere = answer.region in self._regions - {self._region}
        if answer.status in _WRONG_REGION and elsewhere and is_region(answer.region, self._allowed):
            # Only the bucket's own Region judges the owner. The answer chose among Regions that
            # are known; the endpoint is the configured one all the same.
            answer = await self._send(key, answer.region)
        match answer.status:
            case 404:
                return replace(no, exists=False)
            case 200 | 301 | 307 | 403 | 400 if answer.region or answer.status in {200, 403}:
                return replace(
                    no,
                    region=answer.region,
                    known=bool(answer.region) and not answer.alias,
                    owner_verified=bool(key.expected_owner) and answer.status == _OK,
                )
            case _:
                raise FactsUnavailable("facts_upstream_error", detail=f"HTTP {answer.status}")

    async def _send(self, key: _Key, region: str) -> _Answer:
        client = await self._client(region)
        owner = {"ExpectedBucketOwner": key.expected_owner} if key.expected_owner else {}
        try:
            # Twice connecting and waiting, and the pause between: the clock of the whole look-up.
            async with asyncio.timeout(5 * self._timeout):
                answer = await client.head_bucket(Bucket=key.bucket, **owner)
        except ClientError as fault:
            answer = fault.response
        except (TimeoutError, ConnectTimeoutError, ReadTimeoutError) as fault:
            raise FactsUnavailable("facts_timeout", detail=str(fault)) from fault
        except (HTTPClientError, ConnectionFault) as fault:
            raise FactsUnavailable("facts_unreachable", detail=str(fault)) from fault
        except BotoCoreError as fault:
            raise FactsUnavailable("facts_upstream_error", detail=str(fault)) from fault
        metadata = answer["ResponseMetadata"]
        headers = metadata.get("HTTPHeaders", {})
        named = headers.get("x-amz-bucket-region", "")
        return _Answer(
            metadata.get("HTTPStatusCode", 0),
            # Other servers than AWS name their one Region as they like; it is the configured one.
            named if named == self._region or is_region(named) else "",
            headers.get("x-amz-access-point-alias") == "true",
        )

    async def _client(self, region: str) -> Any:
        async with self._opening:
            if region not in self._clients:
                self._clients[region] = await self._connect(region)
            return self._clients[region]

    async def _connect(self, region: str) -> Any:
        context = self._session.create_client(
            "s3",
            region_name=region,
            endpoint_url=self._endpoint_url and self._endpoint_url.replace("{region}", region),
            verify=self._verify,
            aws_access_key_id=_PLACEHOLDER,
            aws_secret_access_key=_PLACEHOLDER,
            config=AioConfig(
                max_pool_connections=20,
                connect_timeout=self._timeout,
                read_timeout=self._timeout,
                retries={"total_max_attempts": 2, "mode": "standard"},
                signature_version="s3v4",
                s3={"addressing_style": "path", "us_east_1_regional_endpoint": "regional"},
            ),
        )
        client: Any = await self._stack.enter_async_context(context)
        client.meta.events.register("before-call.s3", _pin)
        client.meta.events.register("before-sign.s3", self._choose_credential)
        return client

    def _choose_credential(self, request: Any, **_: object) -> None:
        own = self._signer.get()
        request.context.setdefault("signing", {})["request_credentials"] = AioCredentials(
            own.access_key_id, own.secret_access_key, own.session_token
        )


def _pin(context: dict[str, Any], **_: object) -> None:
    """Make botocore's region redirector believe that it has done its work."""
    context.setdefault("s3_redirect", {})["redirected"] = True
