"""`inventory-gateway keys`."""

import re
import stat
from pathlib import Path

import pytest

from gateway.adapters.principals_file import PrincipalsFile


def test_new_prints_an_entry_that_can_be_used(run, tmp_path: Path) -> None:
    """To be put into the principals file by hand."""
    result = run("keys", "new", "analytics", "--bucket", "acme-*", "--bucket", "raw")
    assert result.exit_code == 0
    path = tmp_path / "principals.yaml"
    path.touch(0o600)
    path.write_text(result.output)
    (principal,) = PrincipalsFile.load(path, {}).principals
    assert (principal.name, principal.buckets) == ("analytics", ("acme-*", "raw"))


def test_new_adds_to_a_file_and_tells_the_client_what_to_set(run, tmp_path: Path) -> None:
    """The file is made with mode 0600, and added to."""
    path = tmp_path / "p.yaml"
    first = run("keys", "new", "analytics", "--bucket", "acme-*", "--file", path)
    second = run("keys", "new", "billing", "--bucket", "bill-*", "--file", path)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store = PrincipalsFile.load(path, {})
    assert [principal.name for principal in store.principals] == ["analytics", "billing"]
    match = re.search(
        r"export AWS_ACCESS_KEY_ID=(\S+)\nexport AWS_SECRET_ACCESS_KEY=(\S+)\n", second.output
    )
    assert match is not None
    known = store.find(match[1])
    assert known is not None
    assert known.credential.secret_access_key == match[2]


def test_new_says_why_it_cannot(run, tmp_path: Path) -> None:
    """One line, exit status 2, nothing written."""
    path = tmp_path / "p.yaml"
    path.write_text("principals: nobody\n")
    result = run("keys", "new", "analytics", "--bucket", "acme-*", "--file", path)
    assert result.exit_code == 2
    assert result.stderr.startswith("inventory-gateway: ")
    assert path.read_text() == "principals: nobody\n"


@pytest.mark.parametrize("where", [[], ["--file", "p.yaml"]], ids=["printed", "in a file"])
@pytest.mark.parametrize(
    ("name", "bucket", "words"),
    [
        ("no good", "acme-*", "principal.name: must be 2 to 64 letters"),
        ("analytics", "Acme!", "principal.buckets: 'Acme!' is no glob"),
    ],
    ids=["name", "bucket"],
)
def test_new_makes_no_entry_that_a_gateway_would_not_take(
    run, tmp_path: Path, monkeypatch, where: list[str], name: str, bucket: str, words: str
) -> None:
    """One line, exit status 2, no key and no file."""
    monkeypatch.chdir(tmp_path)
    result = run("keys", "new", name, "--bucket", bucket, *where)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert not list(tmp_path.iterdir())


def test_new_needs_a_bucket(run) -> None:
    """Nobody may use every bucket by omission."""
    assert run("keys", "new", "analytics").exit_code == 2


def test_keys_alone_shows_its_verbs(run) -> None:
    """Help, not an error in silence."""
    assert "new" in run("keys").output
