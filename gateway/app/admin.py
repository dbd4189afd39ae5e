"""The admin listener: is it alive, is it ready, what has it done. No path here belongs to S3.

It opens before everything else and closes after it, so that probes are answered during a long start
and while the last transfers drain. Probes and Prometheus need no secret; detail does.
"""

import asyncio
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Final, cast

import orjson
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from gateway.app.admin_access import AdminAccess, Standing
from gateway.app.listening import listening
from gateway.app.readiness import Readiness
from gateway.app.scrape import Scrape
from gateway.app.siblings import SiblingError
from gateway.core.ports import EventLog

#: Paths that need no secret; what is secret in their answers is left out for strangers.
_PROBES: Final = frozenset({"/livez", "/readyz"})
#: RFC 9110, section 11.6.1 lets one line hold both; Chromium reads one challenge of a line, and
#: would ask nobody for the password.
_CHALLENGES: Final = ('Basic realm="inventory-gateway admin", charset="UTF-8"', "Bearer")
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Server": "S3InventoryGateway",
}
#: Each is a file descriptor that object traffic could want; past them the oldest is cut.
_CONNECTIONS: Final = 64
_KEEP_ALIVE_SECONDS: Final = 30.0
_CUT_SECONDS: Final = 1.0

#: The standing of a request, for handlers that say more to those who are trusted.
STANDING: Final = web.RequestKey("standing", Standing)


def admin_application(
    readiness: Readiness,
    access: AdminAccess,
    log: EventLog,
    scrape: Scrape | None = None,
    *,
    private_metrics: bool = False,
) -> web.Application:
    """Make the application; whatever is routed in it later is behind the same guard.

    Args:
        readiness: answers `/readyz`.
        access: says who may see what.
        log: hears of bugs.
        scrape: answers `/metrics`; None for no such path.
        private_metrics: it names what strangers should not hear: it needs a secret, too.
    """

    async def livez(_: web.Request) -> web.Response:
        """Answering at all is the answer: the loop turns."""
        return _json({"live": True}, HTTPStatus.OK)

    async def readyz(request: web.Request) -> web.Response:
        report = await readiness.report()
        trusted = request[STANDING] is Standing.TRUSTED
        status = HTTPStatus.OK if report.ready else HTTPStatus.SERVICE_UNAVAILABLE
        return _json(report.detail() if trusted else report.summary(), status)

    async def metrics(request: web.Request) -> web.Response:
        assert scrape is not None  # noqa: S101 - narrows the type
        try:
            body, content_type = await scrape.answer(request.headers.get(hdrs.ACCEPT, ""))
        except SiblingError as fault:
            log.fault("metrics are incomplete", level="warning", detail=str(fault))
            status = HTTPStatus.SERVICE_UNAVAILABLE
            return _json({"error": "a worker does not answer"}, status)
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})

    unguarded = _PROBES if private_metrics else _PROBES | {"/metrics"}
    application = web.Application(middlewares=[_guard(access, log, unguarded)])
    if scrape is not None:
        application.router.add_get("/metrics", metrics)
    application.router.add_get("/livez", livez)
    application.router.add_get("/readyz", readyz)
    return application


async def open_admin(
    application: web.Application,
    host: str,
    port: int,
    stack: AsyncExitStack,
    *,
    shared_port: bool,
) -> int:
    """Listen until the stack is closed; return the port.

    Args:
        application: made by `admin_application`.
        host: to bind to.
        port: likewise; 0 for any.
        stack: owns the listener.
        shared_port: other workers listen on the same port; the kernel picks who answers.

    Raises:
        OSError: the address is taken.
    """
    runner = web.AppRunner(
        application,
        handle_signals=False,
        access_log=None,
        keepalive_timeout=_KEEP_ALIVE_SECONDS,
        shutdown_timeout=_CUT_SECONDS,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    http = cast("web.Server", runner.server)

    def connected() -> asyncio.BaseProtocol:
        """Make room: whoever needs no secret to hold connections may not keep a probe out."""
        held = http.connections  # the oldest first
        for oldest in held[: max(0, len(held) + 1 - _CONNECTIONS)]:
            if oldest.transport is not None:
                oldest.transport.abort()
        return http()

    server = await listening(
        connected, host, port, "admin_host, admin_port", shared_port=shared_port
    )
    stack.callback(server.close)
    address: tuple[str, int] = server.sockets[0].getsockname()
    return address[1]


def _guard(access: AdminAccess, log: EventLog, unguarded: AbstractSet[str]) -> Middleware:
    """Everything passes here first: the name, the secret, and what every answer carries."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await _guarded(request, handler)
        except web.HTTPException as error:
            response = _json({"error": error.reason}, HTTPStatus(error.status))
            if hdrs.ALLOW in error.headers:
                response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
        except Exception:  # noqa: BLE001 - a bug is a 500, and its words are for the log
            log.fault("internal error of the admin listener", path=request.path[:200])
            error_status = HTTPStatus.INTERNAL_SERVER_ERROR
            response = _json({"error": error_status.phrase}, error_status)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not access.is_addressed(request.headers.get(hdrs.HOST, "")):
            return _json({"error": "no such host here"}, HTTPStatus.MISDIRECTED_REQUEST)
        standing = access.standing(request.headers.get(hdrs.AUTHORIZATION))
        if standing is Standing.REFUSED or (
            standing is Standing.UNKNOWN and request.path not in unguarded
        ):
            challenge = _json({"error": "a secret is needed"}, HTTPStatus.UNAUTHORIZED)
            for line in _CHALLENGES:
                challenge.headers.add(hdrs.WWW_AUTHENTICATE, line)
            return challenge
        request[STANDING] = standing
        return await handler(request)

    return guard


def _json(document: dict[str, object], status: HTTPStatus) -> web.Response:
    return web.Response(
        body=orjson.dumps(document, option=orjson.OPT_UTC_Z) + b"\n",
        status=status,
        content_type="application/json",
    )
