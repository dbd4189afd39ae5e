"""A TCP connection on which requests go out byte for byte and answers are read by the letter."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from ssl import SSLContext
from types import TracebackType
from typing import Self
from xml.etree import ElementTree as ET

_BODILESS = frozenset({100, 204, 304})


class BrokenAnswerError(Exception):
    """The connection ended within an answer."""


@dataclass(frozen=True, slots=True)
class Response:
    """One answer as received."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    head: bytes = field(repr=False, default=b"")

    def header(self, name: str) -> str | None:
        """The value of a header; None where it is absent."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def error(self) -> dict[str, str]:
        """The members of an S3 error document."""
        root = ET.fromstring(self.body)  # noqa: S314 - from our own gateway
        assert root.tag == "Error"
        return {child.tag: child.text or "" for child in root}

    @property
    def code(self) -> str:
        """Its code; empty where this is no error."""
        return self.error["Code"] if self.status >= 400 and self.body else ""


class Connection:
    """One connection to a local port.

    Args:
        port: where to.
        timeout: seconds that any read or write may take.
        tls: whom to trust; None for plain text.
    """

    def __init__(self, port: int, *, timeout: float = 10.0, tls: SSLContext | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave."""
        self._file.close()
        self.socket.close()

    def send(self, *parts: bytes) -> None:
        """Write."""
        for part in parts:
            self.socket.sendall(part)

    def trickle(self, parts: Iterable[bytes]) -> bool:
        """Write part by part; False when the other side takes no more."""
        try:
            for part in parts:
                self.socket.sendall(part)
        except OSError:
            return False
        return True

    def receive(self, method: str = "GET") -> Response:
        """Read one answer to its declared end."""
        head = bytearray()
        while not head.endswith(b"\r\n\r\n"):
            line = self._file.readline()
            if not line:
                raise BrokenAnswerError(bytes(head))
            head += line
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = tuple(
            (name.lower(), value.strip())
            for name, _, value in (line.partition(":") for line in lines[1:] if line)
        )
        fields = dict(headers)
        body = b""
        if method != "HEAD" and status not in _BODILESS:
            chunked = fields.get("transfer-encoding") == "chunked"
            body = self._chunks() if chunked else self._exactly(int(fields["content-length"]))
        return Response(status, headers, body, bytes(head))

    def is_closed(self) -> bool:
        """Whether the other side ends the connection without another byte."""
        try:
            return self._file.read(1) == b""
        except ConnectionError:
            return True

    def _chunks(self) -> bytes:
        body = b""
        while True:
            size = int(self._file.readline() or b"broken", 16) if self._peek() else None
            if size is None:
                raise BrokenAnswerError(body)
            body += self._exactly(size)
            assert self._exactly(2) == b"\r\n"
            if not size:
                return body

    def _peek(self) -> bytes:
        try:
            return self._file.peek(1)
        except ConnectionError:
            return b""

    def _exactly(self, size: int) -> bytes:
        try:
            data = self._file.read(size)
        except ConnectionError as error:
            raise BrokenAnswerError from error
        if len(data) != size:
            raise BrokenAnswerError(data)
        return data
