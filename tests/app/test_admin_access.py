"""Who may see what: names, secrets, and what is taken for loopback."""

from base64 import b64encode
from pathlib import Path

import pytest

from gateway.adapters.secret_file import SecretFile
from gateway.app.admin_access import AdminAccess, Standing, is_loopback

TOKEN = "token-token-token"
PASSWORD = "password-password"


def secret_file(folder: Path, text: str) -> SecretFile:
    """A file that holds it."""
    path = folder / f"secret-{text[:5]}"
    path.touch(mode=0o600)
    path.write_text(text)
    return SecretFile(path)


def basic(text: str) -> str:
    """The header of a browser."""
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - the question is what it means
        ("::", False),
        ("10.0.0.1", False),
        ("gateway", False),
        ("", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, *, expected: bool) -> None:
    """Every other address needs a secret."""
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("bound", "host", "expected"),
    [
        ("127.0.0.1", "127.0.0.1:9001", True),
        ("127.0.0.1", "localhost:9001", True),
        ("127.0.0.1", "LOCALHOST", True),
        ("127.0.0.1", "[::1]:9001", True),
        ("127.0.0.2", "127.0.0.2:9001", True),
        ("::1", "[::1]", True),
        ("127.0.0.1", "rebound.example.org:9001", False),
        ("127.0.0.1", "localhost.example.org", False),
        ("127.0.0.1", "127.0.0.1:9001:", False),
        ("127.0.0.1", "", False),
        ("10.0.0.1", "10.0.0.1:9001", True),
        ("0.0.0.0", "gateway.internal:9001", True),  # noqa: S104 - likewise
    ],
)
def test_on_loopback_it_has_only_its_own_names(bound: str, host: str, *, expected: bool) -> None:
    """DNS rebinding: a page elsewhere may have its name resolved to 127.0.0.1."""
    assert AdminAccess(bound).is_addressed(host) is expected


@pytest.mark.parametrize("header", [None, f"Bearer {TOKEN}", "nonsense"])
def test_without_secrets_loopback_alone_is_trusted(header: str | None) -> None:
    """Whoever is on this machine could read the journal's file as well."""
    assert AdminAccess("127.0.0.1").standing(header) is Standing.TRUSTED
    assert AdminAccess("10.0.0.1").standing(header) is Standing.UNKNOWN


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Standing.UNKNOWN),
        (f"Bearer {TOKEN}", Standing.TRUSTED),
        (f"bearer {TOKEN}", Standing.TRUSTED),
        (basic(f"admin:{PASSWORD}"), Standing.TRUSTED),
        (f"Bearer {TOKEN}x", Standing.REFUSED),
        (f"Bearer {TOKEN[:-1]}", Standing.REFUSED),
        (f"Bearer {PASSWORD}", Standing.REFUSED),
        ("Bearer", Standing.REFUSED),
        ("Bearer \udcff", Standing.REFUSED),
        ("", Standing.REFUSED),
        (TOKEN, Standing.REFUSED),
        (f"Digest {TOKEN}", Standing.REFUSED),
        (basic(f"root:{PASSWORD}"), Standing.REFUSED),
        (basic(f"admin:{TOKEN}"), Standing.REFUSED),
        (basic("admin:"), Standing.REFUSED),
        (basic(PASSWORD), Standing.REFUSED),
        ("Basic %%%", Standing.REFUSED),
        ("Basic é", Standing.REFUSED),
        ("Basic", Standing.REFUSED),
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1"])
def test_a_secret_is_needed_where_there_is_one(
    tmp_path: Path, host: str, header: str | None, expected: Standing
) -> None:
    """On loopback, too: whoever has set one means it."""
    token, password = secret_file(tmp_path, TOKEN), secret_file(tmp_path, PASSWORD)
    access = AdminAccess(host, token=token, password=password)
    assert access.standing(header) is expected
    assert list(access.files) == [token, password]


@pytest.mark.parametrize("header", [basic("admin:"), "Bearer ", "Bearer x", basic("admin:x")])
def test_a_scheme_without_a_secret_opens_nothing(tmp_path: Path, header: str) -> None:
    """The absent secret is not the empty one."""
    token = AdminAccess("10.0.0.1", token=secret_file(tmp_path, TOKEN))
    password = AdminAccess("10.0.0.1", password=secret_file(tmp_path, PASSWORD))
    assert token.standing(header) is password.standing(header) is Standing.REFUSED
