"""The gateway's own credentials towards AWS: botocore's chain, and a role per principal.

Valid credentials are handed out from memory. A refresh runs once, whoever asks; where it fails,
what is still valid is used until it expires. Then there is an error, never an anonymous request.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Self

from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioCredentials
from aiobotocore.session import AioSession
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError

from gateway.core.errors import CredentialsUnavailable
from gateway.core.ports import Clock, Principal
from gateway.core.sigv4.credential import Credential

#: A refresh is started this long before expiry, and old credentials serve meanwhile.
_REFRESH_BEFORE: Final = timedelta(minutes=10)
#: Credentials this close to expiry are not handed out: the request still has to travel.
_MARGIN: Final = timedelta(seconds=30)
#: After a failure the source is left alone for this long.
_PAUSE: Final = timedelta(seconds=5)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
#: Never sent: every STS request is signed with what the chain holds at that moment. With it the
#: client does not run the chain itself, once and for all, when it is created.
_PLACEHOLDER: Final = "placeholder"
_NOTHING_FOUND: Final = (
    "the chain found nothing: give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or a "
    "role of the machine, the pod or the service account"
)
_NAME_LENGTH: Final = 64
_NOT_IN_A_NAME: Final = re.compile(r"[^\w+=,.@-]", re.ASCII)
_STS: Final = AioConfig(
    connect_timeout=3,
    read_timeout=5,
    retries={"total_max_attempts": 2, "mode": "standard"},
)


@dataclass(frozen=True, slots=True)
class _Held:
    """Credentials, and until when they are good."""

    credential: Credential
    expires: datetime


class StaticUpstreamCredentials:
    """One key pair for everyone; principals with a role of their own are refused.

    Args:
        credential: the pair.
    """

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    async def for_principal(self, principal: Principal) -> Credential:
        """The pair.

        Raises:
            CredentialsUnavailable: `credentials_no_role`: the principal's role cannot be assumed.
        """
        if principal.role_arn is not None:
            raise CredentialsUnavailable("credentials_no_role", detail="static keys assume no role")
        return self._credential

    async def close(self) -> None:
        """Nothing to close."""


class AwsUpstreamCredentials:
    """Credentials of the environment the gateway runs in. Made by `open`, ended by `close`.

    Args:
        session: aiobotocore's session: environment, profile, IRSA, Pod Identity, IMDS.
        clock: the time.
    """

    def __init__(self, session: AioSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._chain = _Source(self._from_chain, clock)
        self._roles: dict[tuple[str, str], _Source] = {}
        self._stack = AsyncExitStack()
        self._sts: Any = None

    @classmethod
    async def open(
        cls, session: AioSession, region: str, *, clock: Clock, sts_endpoint_url: str | None = None
    ) -> Self:
        """Set the STS client up; nothing is fetched yet.

        Args:
            session: see the class.
            region: of the STS endpoint.
            clock: the time.
            sts_endpoint_url: another endpoint, such as a VPC endpoint.

        Raises:
            CredentialsUnavailable: `credentials_chain`: AWS's own settings cannot be used, such
                as a profile that does not exist.
        """
        credentials = cls(session, clock)
        context = session.create_client(
            "sts",
            region_name=region,
            endpoint_url=sts_endpoint_url,
            aws_access_key_id=_PLACEHOLDER,
            aws_secret_access_key=_PLACEHOLDER,
            config=_STS,
        )
        try:
            credentials._sts = await credentials._stack.enter_async_context(context)
        except (BotoCoreError, ValueError) as fault:  # a bad endpoint is a ValueError
            raise CredentialsUnavailable("credentials_chain", detail=_words(fault)) from fault
        credentials._sts.meta.events.register("before-sign.sts", credentials._sign_with_chain)
        return credentials

    @property
    def expires(self) -> datetime | None:
        """When the gateway's own, as held, end; None where they do not, or none are held."""
        return self._chain.expires

    async def close(self) -> None:
        """Stop refreshes under way and close the connections."""
        for source in (self._chain, *self._roles.values()):
            await source.close()
        await self._stack.aclose()

    async def for_principal(self, principal: Principal) -> Credential:
        """Credentials that are valid now.

        Raises:
            CredentialsUnavailable: `credentials_none`, `credentials_chain`, `credentials_expired`,
                `credentials_role_denied` or `credentials_sts`.
        """
        if principal.role_arn is None:
            return await self._chain.credential()
        key = (principal.role_arn, principal.name)
        source = self._roles.get(key)
        if source is None:
            source = self._roles[key] = _Source(partial(self._from_sts, *key), self._clock)
        return await source.credential()

    async def _from_chain(self) -> _Held:
        try:
            found: Any = await self._session.get_credentials()
            frozen = None if found is None else await found.get_frozen_credentials()
        except Exception as fault:
            # Every provider of the chain has exceptions of its own.
            raise CredentialsUnavailable("credentials_chain", detail=_words(fault)) from fault
        if frozen is None:
            raise CredentialsUnavailable("credentials_none", detail=_NOTHING_FOUND)
        expires = _NEVER
        if isinstance(found, RefreshableCredentials):
            expires = found._expiry_time or _NEVER  # noqa: SLF001 - said nowhere else
        return _Held(Credential(frozen.access_key, frozen.secret_key, frozen.token), expires)

    async def _from_sts(self, role_arn: str, name: str) -> _Held:
        await self._chain.credential()  # no use in asking without
        name = session_name(name)
        try:
            answer = await self._sts.assume_role(
                RoleArn=role_arn, RoleSessionName=name, SourceIdentity=name
            )
        except ClientError as fault:
            denied = fault.response.get("Error", {}).get("Code") == "AccessDenied"
            reason = "credentials_role_denied" if denied else "credentials_sts"
            raise CredentialsUnavailable(reason, detail=_words(fault)) from fault
        except BotoCoreError as fault:
            raise CredentialsUnavailable("credentials_sts", detail=_words(fault)) from fault
        found = answer["Credentials"]
        credential = Credential(
            found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]
        )
        return _Held(credential, found["Expiration"])

    async def _sign_with_chain(self, request: Any, **_: object) -> None:
        own = await self._chain.credential()
        signing = request.context.setdefault("signing", {})
        signing["request_credentials"] = AioCredentials(
            own.access_key_id, own.secret_access_key, own.session_token
        )


class _Source:
    """One kind of credentials: what is held of it, and the one refresh under way."""

    def __init__(self, fetch: Callable[[], Awaitable[_Held]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._held: _Held | None = None
        self._refresh: asyncio.Task[None] | None = None
        self._fault = CredentialsUnavailable("credentials_none")
        self._not_before = _LONG_AGO

    @property
    def expires(self) -> datetime | None:
        """When what is held ends; None for never, or where nothing is."""
        return None if self._held is None or self._held.expires == _NEVER else self._held.expires

    async def credential(self) -> Credential:
        """What is held, if it is valid; a refresh is awaited only if it is not."""
        now = self._clock()
        held = self._held
        if held is not None and now < held.expires - _REFRESH_BEFORE:
            return held.credential
        if self._refresh is None and now >= self._not_before:
            # Owned here: `close` awaits it. It outlives a caller that goes away.
            self._refresh = asyncio.get_running_loop().create_task(self._run())
        if held is not None and now < held.expires - _MARGIN:
            return held.credential
        if self._refresh is not None:
            await asyncio.shield(self._refresh)
        held = self._held
        if held is not None and self._clock() < held.expires - _MARGIN:
            return held.credential
        raise CredentialsUnavailable(self._fault.reason, detail=self._fault.detail)

    async def close(self) -> None:
        """Stop the refresh under way."""
        if self._refresh is not None:
            self._refresh.cancel()
            await asyncio.gather(self._refresh, return_exceptions=True)

    async def _run(self) -> None:
        """Fetch once; a fault is kept for those who wait."""
        try:
            self._held = await self._fetch()
            self._fault = CredentialsUnavailable("credentials_expired")
        except CredentialsUnavailable as fault:
            self._fault = fault
        finally:
            self._not_before = self._clock() + _PAUSE
            self._refresh = None


def session_name(principal: str) -> str:
    """The principal as RoleSessionName and SourceIdentity: 2 to 64 of `[A-Za-z0-9_+=,.@-]`."""
    return _NOT_IN_A_NAME.sub("_", principal)[:_NAME_LENGTH].ljust(2, "_")


def _words(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}"
