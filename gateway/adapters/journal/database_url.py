"""The address of the journal's database, as far as it must be understood here."""

from typing import Final
from urllib.parse import parse_qs, urlsplit

_SCHEMES: Final = ("postgresql", "postgres")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")


def check_url(url: str) -> str:
    """Refuse what is no address of PostgreSQL, or holds a password: that belongs in a file.

    Returns:
        the URL.

    Raises:
        ValueError: says what is wrong, without the URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise ValueError("must begin with postgresql://")
    user, _, _ = parts.netloc.rpartition("@")
    if ":" in user or "password" in parse_qs(parts.query):
        raise ValueError("holds a password: put it into journal_password_file, or PGPASSFILE")
    return url


def is_local(url: str) -> bool:
    """Whether what is sent there stays on this machine: a Unix socket, or loopback."""
    parts = urlsplit(url)
    _, _, hosts = parts.netloc.rpartition("@")
    named = hosts.split(",") + parse_qs(parts.query).get("host", [""])[0].split(",")
    return all(
        host in {"", *_LOOPBACK} or host.startswith(("/", "%2F", "%2f"))
        for host in (_without_port(host) for host in named)
    )


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
