"""Opening a listener; where that fails, in words that name the settings to change."""

import asyncio
import errno
from collections.abc import Callable
from ssl import SSLContext

_REMEDIES = {
    errno.EADDRINUSE: "; end what listens there, or name another port",
    errno.EADDRNOTAVAIL: "; name an address of this machine",
    errno.EACCES: "; name a port from 1024 on",
}


async def listening(
    protocol: Callable[[], asyncio.BaseProtocol],
    host: str,
    port: int,
    settings: str,
    *,
    shared_port: bool,
    backlog: int = 100,
    tls: SSLContext | None = None,
    handshake_seconds: float | None = None,
) -> asyncio.Server:
    """Listen.

    Args:
        protocol: makes one for each connection.
        host: to bind to.
        port: likewise; 0 for any.
        settings: their names, for whoever has to change them.
        shared_port: others listen on the same port; the kernel picks who answers.
        backlog: connections that wait to be taken.
        tls: None for plain text.
        handshake_seconds: longest TLS handshake.

    Raises:
        OSError: it cannot be listened there; its text is for the operator.
    """
    try:
        return await asyncio.get_running_loop().create_server(
            protocol,
            host,
            port,
            backlog=backlog,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else handshake_seconds,
            reuse_port=shared_port,
        )
    except OSError as fault:
        number = fault.errno or 0
        why = (fault.strerror or str(fault)) + _REMEDIES.get(number, "")
        raise OSError(number, f"{settings}: {why}") from fault
