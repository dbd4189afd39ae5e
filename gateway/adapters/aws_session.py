"""aiobotocore's session, made safe and small for a proxy.

Every client of it goes where it was told: aiobotocore sends through aiohttp with redirects on, so
that a `Location` in an answer would be followed with our signature; and proxies of the environment
would see it.
"""

import contextlib
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession, get_session
from botocore.loaders import JSONFileLoader, Loader

#: The only operation of S3 that always goes through botocore; others are relayed or gated.
_S3_OPERATIONS: Final = frozenset({"HeadBucket"})
#: As `endpoints.json` names them: S3, STS, what the chain of credentials speaks to, and what
#: optional facts are asked of (CloudWatch is called monitoring there).
_ENDPOINTS: Final = frozenset(
    {"s3", "sts", "oidc", "portal.sso", "signin", "kms", "monitoring", "organizations"}
)
#: Nothing beside it.
_NOTHING: Final[Mapping[str, frozenset[str]]] = {}


def staying_session(operations: Mapping[str, frozenset[str]] = _NOTHING) -> AioSession:
    """A session whose clients follow no redirect and use no proxy of the environment.

    Args:
        operations: what is asked beside HeadBucket; of the services that are named here, nothing
            else is in memory.
    """
    session = get_session()
    session.set_default_client_config(AioConfig(http_session_cls=_StayingSession, proxies={}))
    kept = {**operations, "s3": _S3_OPERATIONS | operations.get("s3", frozenset())}
    session.register_component("data_loader", Loader(file_loader=_LeanFiles(kept)))
    return session


class _LeanFiles(JSONFileLoader):  # type: ignore[misc]
    """botocore's data files without what is never asked for; what was read stays in memory.

    Args:
        operations: service -> the operations that are kept; the models of others stay whole.
    """

    def __init__(self, operations: Mapping[str, frozenset[str]]) -> None:
        self._operations = operations

    def load_file(self, file_path: str) -> Any:
        data = _read(file_path)
        if data is None:
            return None
        match Path(file_path).parts[-3:]:
            case (*_, "endpoints"):
                for partition in data["partitions"]:
                    partition["services"] = _only(_ENDPOINTS, partition["services"])
            case (service, _, "service-2") if service in self._operations:
                data["operations"] = _only(self._operations[service], data["operations"])
                data["shapes"] = _only(_reached(data), data["shapes"])
        return data


def _read(file_path: str) -> Any:
    """The file's content, plain or compressed; None where there is neither."""
    for suffix, opened in ((".json", open), (".json.gz", gzip.open)):
        with contextlib.suppress(FileNotFoundError), opened(file_path + suffix, "rb") as file:
            return orjson.loads(file.read())
    return None


def _only(names: frozenset[str], items: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in items.items() if name in names}


def _reached(model: dict[str, Any]) -> frozenset[str]:
    """The shapes that a model's operations name, directly or through other shapes."""
    found: set[str] = set()
    unseen = [model["operations"]]
    while unseen:
        match unseen.pop():
            case {"shape": str(name), **rest}:
                if name not in found:
                    found.add(name)
                    unseen.append(model["shapes"][name])
                unseen.extend(rest.values())
            case dict(items):
                unseen.extend(items.values())
            case list(items):
                unseen.extend(items)
    return frozenset(found)


class _StayingSession(AIOHTTPSession):  # type: ignore[misc]
    async def _get_session(self, proxy_url: str | None) -> Any:
        return _Staying(await super()._get_session(proxy_url))


@dataclass(frozen=True, slots=True)
class _Staying:
    session: Any

    async def request(self, method: str, **options: Any) -> Any:
        return await self.session.request(method, allow_redirects=False, **options)
