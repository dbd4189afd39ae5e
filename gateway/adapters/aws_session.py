"""aiobotocore's session, made safe for a proxy: every client of it goes where it was told.

aiobotocore sends through aiohttp with redirects on, so that a `Location` in an answer would be
followed with our signature; and proxies of the environment would see it.
"""

from dataclasses import dataclass
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession, get_session


def staying_session() -> AioSession:
    """A session whose clients follow no redirect and use no proxy of the environment."""
    session = get_session()
    session.set_default_client_config(AioConfig(http_session_cls=_StayingSession, proxies={}))
    return session


class _StayingSession(AIOHTTPSession):  # type: ignore[misc]
    async def _get_session(self, proxy_url: str | None) -> Any:
        return _Staying(await super()._get_session(proxy_url))


@dataclass(frozen=True, slots=True)
class _Staying:
    session: Any

    async def request(self, method: str, **options: Any) -> Any:
        return await self.session.request(method, allow_redirects=False, **options)
