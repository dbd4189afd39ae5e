"""A client on one connection: signed requests one after the other, each answer read to its end."""

import re
import socket
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from gateway.core.s3.endpoint import Endpoint
from gateway.core.s3.query import parse_query
from gateway.core.sigv4.outgoing import sign_request
from tests.benchmark.keys import CLIENT, REGION
from tests.benchmark.process import Server

_PATIENCE = 60.0
_BUFFER = 1 << 20


def head_of(
    server: Server, method: str, target: str, payload: str, headers: Mapping[str, str]
) -> bytes:
    """A request up to its body, signed for a quarter of an hour."""
    path, _, query = target.partition("?")
    signed = sign_request(
        method,
        Endpoint(server.url),
        REGION,
        path,
        parse_query(query),
        headers.items(),
        payload,
        credential=CLIENT,
        now=datetime.now(UTC),
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in signed.headers)
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("ascii")


class Client:
    """A connection.

    Args:
        server: whom to talk to; over TLS, if it does.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=_PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket: socket.socket = plain
        if server.certificate is not None:
            trusted = server.certificate.trusted()
            self._socket = trusted.wrap_socket(plain, server_hostname="127.0.0.1")
        self._buffer = memoryview(bytearray(_BUFFER))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def send(self, method: str, target: str, payload: str, body: bytes = b"") -> None:
        """Sign a request, and write it to its end."""
        length = {"content-length": str(len(body))} if body else {}
        self._socket.sendall(head_of(self._server, method, target, payload, length))
        if body:
            self._socket.sendall(body)

    def begin(self) -> int:
        """Read the head of an answer, and what came with it; how much is left.

        Raises:
            SystemExit: it is an error, or none came.
        """
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self._socket.recv(65536)
            if not piece:
                raise SystemExit(f"benchmark: {self._server.name} left after {data!r}")
            data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise SystemExit(f"benchmark: {self._server.name} answered {data[:2000]!r}")
        length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
        return (int(length[1]) if length else 0) - len(rest)

    def exchange(self, method: str, target: str, payload: str, body: bytes = b"") -> float:
        """A request and its whole answer; the seconds between."""
        before = time.perf_counter()
        self.send(method, target, payload, body)
        missing = self.begin()
        while missing > 0:
            got = self._socket.recv_into(self._buffer)
            if not got:
                raise SystemExit(f"benchmark: {self._server.name} left {missing} bytes early")
            missing -= got
        return time.perf_counter() - before
