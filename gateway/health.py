"""Ask a gateway's admin listener whether it lives.

For health checks of containers, which run it every few seconds: the standard library only, and no
import of the rest, which would cost each of them a second and 100 MiB.
"""

import http.client
from typing import Final
from urllib.parse import urlsplit

#: Where a gateway listens that was told nothing else.
URL: Final = "http://127.0.0.1:9001/livez"
_SECONDS: Final = 2.0


def trouble(url: str, seconds: float = _SECONDS) -> str:
    """What keeps it from being well; empty where it answers with 200.

    Args:
        url: `/livez` or `/readyz` of its admin listener, http.
        seconds: longest wait for an answer.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as fault:
        return f"{url}: {fault}"
    if parts.scheme != "http" or not host:
        return f"{url} is no http:// address"
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", parts.path or "/")
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException) as fault:
        return f"{url}: {str(fault) or type(fault).__name__}"
    finally:
        connection.close()
    return "" if answer.status == http.client.OK else f"{url}: {answer.status} {answer.reason}"
