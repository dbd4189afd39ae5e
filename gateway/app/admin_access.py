"""Who may see what on the admin listener."""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Sequence
from enum import Enum
from hashlib import sha256
from ipaddress import ip_address
from typing import Final

from gateway.adapters.secret_file import SecretFile

USER: Final = b"admin"
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Standing(Enum):
    """What a request may see."""

    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    REFUSED = "refused"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener at that address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class AdminAccess:
    """Knows the secrets of the admin listener, and the names that it answers to.

    Args:
        host: that the listener is bound to.
        token: of `Authorization: Bearer`; None for none.
        password: of the user `admin` in `Authorization: Basic`; None for none.
    """

    def __init__(
        self, host: str, *, token: SecretFile | None = None, password: SecretFile | None = None
    ) -> None:
        self._token = token
        self._password = password
        self._names = {*_LOOPBACK_NAMES, f"[{host}]" if ":" in host else host}
        self._is_loopback = is_loopback(host)

    @property
    def files(self) -> Sequence[SecretFile]:
        """The files to follow."""
        return [file for file in (self._token, self._password) if file is not None]

    def is_addressed(self, host: str) -> bool:
        """Whether a Host header names this listener.

        On loopback, a page of another origin that has its own name resolved to 127.0.0.1 (DNS
        rebinding) would read what the browser's user may read. Elsewhere kubelets and Prometheus
        come by addresses that nobody knows beforehand, and what matters needs a secret, which a
        browser does not send to another origin.
        """
        if not self._is_loopback:
            return True
        name, colon, port = host.rpartition(":")
        if not colon or not port.isdecimal():
            name = host
        return name.lower() in self._names

    def standing(self, authorization: str | None) -> Standing:
        """Judge an Authorization header; without any secret, loopback is trusted.

        Settings do not let a listener beyond loopback start without a secret.
        """
        if not self.files:
            return Standing.TRUSTED if self._is_loopback else Standing.UNKNOWN
        if authorization is None:
            return Standing.UNKNOWN
        scheme, _, given = authorization.partition(" ")
        match scheme.lower():
            case "bearer" if self._token is not None:
                good = _same(given.encode(errors="replace"), self._token.secret)
            case "basic" if self._password is not None:
                good = _same(_decoded(given), USER + b":" + self._password.secret)
            case _:
                good = False
        return Standing.TRUSTED if good else Standing.REFUSED


def _decoded(given: str) -> bytes:
    try:
        return b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _same(given: bytes, known: bytes) -> bool:
    """Compare in a time that tells neither where they differ nor how long the secret is."""
    return hmac.compare_digest(sha256(given).digest(), sha256(known).digest())
