"""The configured OPA server: nothing in an answer can choose another."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SHAPE = "expected http(s)://host[:port] or unix:///path/of/a/socket"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the OPA server is.

    Args:
        host: its name or address, an IPv6 address in brackets; of no meaning where it is a socket.
        port: likewise.
        secure: whether it speaks TLS.
        socket: the path of its Unix socket; empty where it is reached over TCP.
    """

    host: str = "localhost"
    port: int = 80
    secure: bool = False
    socket: str = ""

    @classmethod
    def read(cls, url: str) -> Self:
        """Read `http://…`, `https://…` or `unix:///path`.

        Raises:
            ValueError: it is none of them, or says more than where the server is.
        """
        parts = urlsplit(url)
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError(f"not the address of an OPA server: {_SHAPE}, and nothing else")
        if parts.scheme == "unix" and not parts.netloc and len(parts.path) > 1:
            return cls(socket=parts.path)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.path not in {"", "/"}:
            raise ValueError(f"not the address of an OPA server: {_SHAPE}")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        port = _DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
        return cls(host, port, secure=parts.scheme == "https")

    @property
    def url(self) -> str:
        """As a person would write it."""
        if self.socket:
            return f"unix://{self.socket}"
        return f"{'https' if self.secure else 'http'}://{self.host}:{self.port}"

    @property
    def is_private(self) -> bool:
        """Whether nobody on a network can read or change what is said: TLS, or this machine."""
        if self.socket or self.secure or self.host == "localhost":
            return True
        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False
