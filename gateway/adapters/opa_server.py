"""The second policy engine: an OPA server, asked through opa-python-client.

Nothing here decides. The engine hands out the raw answer of the entrypoint with the catalogue of
the bundle that gave it, or raises `PolicyUnavailable`; reading the answer strictly is the work of
`gateway.core.policy`. The server is trusted with the verdict, and with nothing else: it can send
nobody elsewhere, keep nobody waiting, and fill no memory.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import aiohttp
import orjson
from opa_client import AsyncOpaClient
from opa_client.errors import ConnectionsError, PolicyNotFoundError

from gateway.core.errors import PolicyUnavailable
from gateway.core.policy.catalog import Catalog
from gateway.core.policy.input import plain
from gateway.core.policy.server_address import ServerAddress
from gateway.core.ports import PolicyAnswer

PACKAGE: Final = "inventory.main"
RULE: Final = "decision"

#: https://www.openpolicyagent.org/docs/rest-api: a built-in that fails is a fault, not undefined.
_PARAMETERS: Final = {"strict-builtin-errors": "true", "provenance": "true", "metrics": "true"}
_CATALOG: Final = "inventory/catalog"
_LOADED: Final = "has the server loaded the policies?"
_READY: Final = {"bundles": "true", "plugins": "true"}
_READY_POLL: Final = 0.25  # seconds

#: The cheapest question: a removal, about which most rules have nothing to say.
_WARM_UP: Final = {"action": "s3:DeleteInventoryConfiguration"}

_MAX_INPUT: Final = 512 * 1024
_MAX_ANSWER: Final = 256 * 1024
_MAX_CATALOG: Final = 1024 * 1024
_MAX_DETAIL: Final = 500
_MAX_ITEMS: Final = 64  # bundles, and metrics, in one record
_CONNECTIONS: Final = 64
#: Some proxies end idle connections after a minute or less; to close first avoids a race.
_KEEPALIVE: Final = 10.0
#: Longest call of other kinds, unless a decision may take longer still; it has its own deadline.
_CALL_SECONDS: Final = 5.0
_OK: Final = 200

_METRIC: Final = re.compile(r"(?:timer|counter)_[a-z0-9_]{1,64}", re.ASCII)
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,8192}", re.ASCII)

Revisions = Mapping[str, str]


class OpaServerPolicyEngine:
    """Asks an OPA server, once for each decision; made by `open`, ended by `close`.

    The catalogue is the server's own, as the rules are. It is read again when an answer comes from
    other bundles than the last one, and an answer whose bundles are not the catalogue's is none.

    Args:
        client: of the server.
        deadline: seconds that one decision may take, from the question to the last byte.
    """

    name: ClassVar[str] = "opa"

    def __init__(self, client: "OpaClient", deadline: float) -> None:
        self._client = client
        self._deadline = deadline
        self._bundles: Revisions = {}
        self._catalog = Catalog({})
        self._settings: object = ""  # the revision of `data.org` that the last answer named
        self._reading = asyncio.Lock()

    @classmethod
    async def open(
        cls,
        address: ServerAddress,
        *,
        token_file: Path | None = None,
        ca_file: Path | None = None,
        deadline: float = 0.25,
        patience: float = 30.0,
        traceparent: Callable[[], str] | None = None,
    ) -> Self:
        """Wait until the server has loaded its bundles, and read its catalogue.

        Args:
            address: where it is.
            token_file: holds the bearer token that it asks for; re-read when it changes.
            ca_file: CA bundle (PEM) that vouches for it; None for the system's.
            deadline: see the class.
            patience: seconds to wait for a server that starts beside the gateway.
            traceparent: makes the header of each call (https://www.w3.org/TR/trace-context).

        Raises:
            PolicyUnavailable: it is not ready in time, or its catalogue cannot be used.
            OSError: the CA bundle or the token cannot be read.
        """
        token = None if token_file is None else TokenFile(token_file)
        if token is not None and not address.is_private:
            raise PolicyUnavailable(
                "engine_token", detail=f"{address.url} would read the token in clear: use https"
            )
        client = OpaClient(
            address,
            token=token,
            ca_file=ca_file,
            seconds=max(deadline, _CALL_SECONDS),
            traceparent=traceparent,
        )
        engine = cls(client, deadline)
        try:
            await client.__aenter__()
            await engine._await_server(patience)
            # A server compiles the first question, which may take longer than a decision should.
            await engine._ask(_WARM_UP)
        except BaseException:
            await client.close_connection()
            raise
        return engine

    @property
    def revision(self) -> str:
        """Of the server's bundles or, where it has loaded files, of the settings."""
        if len(self._bundles) == 1:
            return next(iter(self._bundles.values()))
        if self._bundles:
            return ", ".join(f"{name}={revision}" for name, revision in self._bundles.items())
        return plain(self._settings) if isinstance(self._settings, str) else ""

    @property
    def catalog(self) -> Catalog:
        """Every rule that must have run, as read last."""
        return self._catalog

    async def evaluate(self, document: Mapping[str, Any]) -> PolicyAnswer:
        """Ask for the decision on one input document.

        It is asked once. A question that got lost costs a 503, which every SDK repeats.

        Raises:
            PolicyUnavailable: when there is no answer, for whatever reason.
        """
        try:
            async with asyncio.timeout(self._deadline):
                return await self._ask(document)
        except TimeoutError as fault:
            raise PolicyUnavailable("engine_timeout", detail=f"{self._deadline} s") from fault

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close_connection()

    async def _ask(self, document: Mapping[str, Any]) -> PolicyAnswer:
        reply = await self._client.query_rule(document, PACKAGE, RULE, _PARAMETERS)
        if "result" not in reply:
            raise PolicyUnavailable(
                "engine_undefined", detail=f"{PACKAGE}.{RULE} has no value; {_LOADED}"
            )
        value = reply["result"]
        if not isinstance(value, dict):
            raise PolicyUnavailable("engine_wrong_type", detail=type(value).__name__)
        bundles = _revisions(reply)
        if self._is_outdated(bundles, value):
            async with self._reading:
                if self._is_outdated(bundles, value):
                    await self._read_catalog()
                    self._settings = value.get("policy_revision")
        if bundles != self._bundles:
            raise PolicyUnavailable("engine_changed", detail="the bundles were just replaced")
        return PolicyAnswer(value, self._catalog, _provenance(reply, bundles), _metrics(reply))

    def _is_outdated(self, bundles: Revisions, value: Mapping[str, Any]) -> bool:
        """Whether the answer may belong to another catalogue; files have no revision to compare."""
        evaluated = value.get("evaluated")
        return (
            bundles != self._bundles
            or value.get("policy_revision") != self._settings
            or not isinstance(evaluated, list)
            or sorted(map(str, evaluated)) != sorted(self._catalog.ids)
        )

    async def _await_server(self, patience: float) -> None:
        try:
            await self._client.wait_for_ready(patience, _READY_POLL, _READY)
        except ConnectionsError as fault:
            why = self._client.last_fault
            reason = "engine_error" if why is None else why.reason
            words = "" if why is None else f": {why.detail}"
            raise PolicyUnavailable(
                reason,
                detail=f"{self._client.address.url} was not ready in {patience:g} s{words}",
            ) from fault

    async def _read_catalog(self) -> None:
        try:
            reply = await self._client.get_data(_CATALOG, {"provenance": "true"})
        except PolicyNotFoundError as fault:
            raise PolicyUnavailable(
                "engine_catalog", detail=f"data.inventory.catalog has no value; {_LOADED}"
            ) from fault
        entries = reply["result"]
        if not isinstance(entries, dict) or not entries:
            raise PolicyUnavailable("engine_catalog", detail="it is not a catalogue, or empty")
        if not all(isinstance(entry, dict) for entry in entries.values()):
            raise PolicyUnavailable("engine_catalog", detail="an entry is not an object")
        try:
            catalog = Catalog.from_data(entries)
        except ValueError as fault:
            raise PolicyUnavailable("engine_catalog", detail=plain(str(fault))) from fault
        self._bundles, self._catalog = _revisions(reply), catalog


@dataclass(frozen=True, slots=True)
class _Reply:
    """A whole answer with status 200, in the shape in which opa-python-client reads answers."""

    document: dict[str, Any]
    status: int = _OK

    def raise_for_status(self) -> None:
        """Nothing: every other status was raised when it came."""

    async def json(self) -> dict[str, Any]:
        """What the server said."""
        return self.document


class OpaClient(AsyncOpaClient):  # type: ignore[misc]  # the package has no types
    """opa-python-client, which reads but never writes, with its transport replaced.

    Of the library are the calls: their paths, their parameters, how their answers are read. Its
    `_request` follows redirects, repeats what will fail again, keeps no words of an error, reads
    without end and takes its token anywhere; its session knows no CA bundle and no Unix socket.

    `last_fault` is that of the last call: `check_health` keeps it to itself.

    Args:
        address: where the server is; every call that is addressed elsewhere is refused.
        token: for the Authorization header.
        ca_file: CA bundle (PEM); None for the system's.
        seconds: longest call, the wait for a free connection included.
        traceparent: makes that header.
    """

    def __init__(
        self,
        address: ServerAddress,
        *,
        token: "TokenFile | None" = None,
        ca_file: Path | None = None,
        seconds: float = _CALL_SECONDS,
        traceparent: Callable[[], str] | None = None,
    ) -> None:
        super().__init__(address.host, address.port, ssl=address.secure, retries=0, timeout=seconds)
        self.address = address
        self.last_fault: PolicyUnavailable | None = None
        self._origin = f"{self.schema}{self.host}:{self.port}/"
        self._token = token
        self._traceparent = traceparent
        self._trust: ssl.SSLContext | bool = True
        if address.secure:
            self._trust = ssl.create_default_context(cafile=None if ca_file is None else ca_file)

    async def _init_session(self) -> None:
        """Open a session that adds nothing of its own."""
        limits: dict[str, Any] = {"limit": _CONNECTIONS, "keepalive_timeout": _KEEPALIVE}
        if self.address.socket:
            connector: aiohttp.BaseConnector = aiohttp.UnixConnector(self.address.socket, **limits)
        else:
            connector = aiohttp.TCPConnector(ssl=self._trust, **limits)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            auto_decompress=False,  # nothing was asked to be compressed
            trust_env=False,
        )

    @asynccontextmanager
    async def _request(self, method: str, url: str, *, json: Any = None) -> AsyncIterator[_Reply]:
        """Ask once; hand out a whole JSON object that came with status 200, or raise."""
        try:
            reply = _Reply(_object(await self._exchange(method, url, json)))
        except PolicyUnavailable as fault:
            self.last_fault = fault
            raise
        yield reply

    async def _exchange(self, method: str, url: str, json: Any) -> bytes:
        if not url.startswith(self._origin):
            raise PolicyUnavailable("engine_error", detail="not a call of the configured server")
        if self._session is None:
            raise PolicyUnavailable("engine_error", detail="closed")
        body = None if json is None else _question(json)
        limit = _MAX_CATALOG if method == "GET" else _MAX_ANSWER
        try:
            async with self._session.request(
                method, url, data=body, headers=self._headers(body), allow_redirects=False
            ) as response:
                answer = await _read(response, limit)
        except TimeoutError as fault:
            raise PolicyUnavailable("engine_timeout", detail=_words(fault)) from fault
        except (aiohttp.ClientError, OSError) as fault:
            raise PolicyUnavailable("engine_unreachable", detail=_words(fault)) from fault
        if response.status != _OK:
            said = f"HTTP {response.status}{_complaint(answer)}"
            raise PolicyUnavailable("engine_error", detail=plain(said, _MAX_DETAIL))
        return answer

    def _headers(self, body: bytes | None) -> dict[str, str]:
        headers = {} if body is None else {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.current()}"
        if self._traceparent is not None:
            traceparent = self._traceparent()
            if traceparent:  # a look at the server's health belongs to no trace
                headers["traceparent"] = traceparent
        return headers


class TokenFile:
    """A bearer token in a file that somebody renews, as Kubernetes does.

    Args:
        path: the file; white space around the token is not part of it.

    Raises:
        OSError: it cannot be read.
        PolicyUnavailable: what it holds is no token.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: object = None
        self._token = ""
        self._read()

    def current(self) -> str:
        """The token; while its file is being replaced, the last one."""
        try:
            self._read()
        except (OSError, PolicyUnavailable):
            return self._token
        return self._token

    def _read(self) -> None:
        stat = self._path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if stamp == self._stamp:
            return
        token = self._path.read_bytes().decode("ascii", "replace").strip()
        if _TOKEN.fullmatch(token) is None:
            raise PolicyUnavailable("engine_token", detail=f"{self._path} holds no token")
        self._token, self._stamp = token, stamp


def _question(json: Any) -> bytes:
    """Serialise; orjson refuses what JSON cannot carry, such as a lone surrogate."""
    try:
        question = orjson.dumps(json, default=_plain)
    except TypeError as fault:
        raise PolicyUnavailable("engine_error", detail=f"input: {fault}") from fault
    if len(question) > _MAX_INPUT:
        raise PolicyUnavailable("engine_oversize", detail=f"input: {len(question)} bytes")
    return question


def _plain(value: object) -> object:
    """Open up read-only mappings, which orjson does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > limit:
            raise PolicyUnavailable("engine_oversize", detail=f"more than {limit} bytes")
    return bytes(body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as fault:
        raise PolicyUnavailable("engine_answer", detail=f"not JSON: {fault}") from fault
    if not isinstance(document, dict):
        raise PolicyUnavailable("engine_wrong_type", detail=type(document).__name__)
    return document


def _complaint(body: bytes) -> str:
    """OPA's words for what went wrong: code, message, and where in the policy."""
    try:
        document = _object(body)
    except PolicyUnavailable:
        return ""
    errors = document.get("errors")
    parts = [document, *(errors if isinstance(errors, list) else [])]
    said = [_complaint_part(part) for part in parts if isinstance(part, dict)]
    return "".join(f"; {words}" for words in said if words)


def _complaint_part(part: Mapping[str, Any]) -> str:
    words = ": ".join(str(part[name]) for name in ("code", "message") if name in part)
    location = part.get("location")
    if isinstance(location, dict):
        where = ":".join(str(location.get(name, "")) for name in ("file", "row", "col"))
        words = f"{words} ({where})"
    return words


def _words(fault: Exception) -> str:
    return plain(f"{type(fault).__name__}: {fault}", _MAX_DETAIL)


def _revisions(reply: Mapping[str, Any]) -> Revisions:
    """The revision of every bundle; none where the server has loaded files.

    Raises:
        PolicyUnavailable: the answer does not say, though it was asked to.
    """
    provenance = reply.get("provenance")
    bundles = provenance.get("bundles", {}) if isinstance(provenance, dict) else None
    if not isinstance(bundles, dict) or len(bundles) > _MAX_ITEMS:
        raise PolicyUnavailable("engine_answer", detail="no provenance")
    return {plain(name): _revision(bundles[name]) for name in sorted(bundles)}


def _revision(bundle: object) -> str:
    revision = bundle.get("revision", "") if isinstance(bundle, dict) else None
    if not isinstance(revision, str):
        raise PolicyUnavailable("engine_answer", detail="a bundle's revision is not a text")
    return plain(revision)


def _provenance(reply: Mapping[str, Any], bundles: Revisions) -> dict[str, object]:
    return {
        "version": plain(str(reply["provenance"].get("version", ""))),
        "bundles": {name: {"revision": revision} for name, revision in bundles.items()},
    }


def _metrics(reply: Mapping[str, Any]) -> dict[str, int]:
    """Timers and counters; a histogram is for OPA's own metrics."""
    metrics = reply.get("metrics")
    if not isinstance(metrics, dict):
        return {}
    known = [name for name in metrics if _METRIC.fullmatch(name) and type(metrics[name]) is int]
    return {name: metrics[name] for name in known[:_MAX_ITEMS]}
