"""The clients' keys: good files, every way to be wrong, reloading, minting, appending."""

import contextlib
import json
import os
import re
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.principals_file import (
    PrincipalsError,
    PrincipalsFile,
    append_principal,
    mint_key_pair,
)
from gateway.core.ports import CredentialStore, KnownKey, Principal
from gateway.core.s3.operations import DEFAULT_GROUPS, Group
from gateway.core.sigv4.credential import Credential
from tests.support.descriptors import next_descriptor
from tests.support.kubelet import publish

SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00"
ROLE = "arn:aws:iam::111122223333:role/x"
MINIMAL: dict[str, Any] = {
    "name": "analytics-team",
    "access_key_id": "GWAKEXAMPLE0000000001",
    "secret_access_key": SECRET,
    "buckets": ["analytics-*", "raw"],
}
Write = Callable[[object], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a principals file: text as it is, entries as YAML."""

    def write_file(content: object, name: str = "principals.yaml") -> Path:
        path = tmp_path / name
        text = content if isinstance(content, str) else json.dumps({"principals": content})
        path.write_text(text)
        path.chmod(0o600)
        return path

    return write_file


def problems(path: Path, **environ: str) -> tuple[str, ...]:
    """What is wrong with a file."""
    with pytest.raises(PrincipalsError) as caught:
        PrincipalsFile.load(path, environ)
    assert SECRET not in str(caught.value)
    assert all(problem in str(caught.value) for problem in caught.value.problems)
    return caught.value.problems


def test_minimal_entry_has_the_default_groups(write: Write):
    """Groups and role have defaults."""
    store: CredentialStore = PrincipalsFile.load(write([MINIMAL]), {})
    principal = Principal("analytics-team", ("analytics-*", "raw"), DEFAULT_GROUPS)
    key = KnownKey(Credential("GWAKEXAMPLE0000000001", SECRET), principal)
    assert store.find("GWAKEXAMPLE0000000001") == key
    assert store.find("GWAKEXAMPLE0000000002") is None
    assert SECRET not in repr(store.find("GWAKEXAMPLE0000000001"))


def test_full_entry_is_read(write: Write):
    """Every member."""
    entry = {**MINIMAL, "groups": ["listing", "exports"], "role_arn": ROLE, "session_token": "t/+="}
    store = PrincipalsFile.load(write([entry]), {})
    key = store.find("GWAKEXAMPLE0000000001")
    assert key is not None
    assert key.principal.groups == {Group.LISTING, Group.EXPORTS}
    assert key.principal.role_arn == ROLE
    assert key.credential.session_token == "t/+="
    assert [principal.name for principal in store.principals] == ["analytics-team"]


def test_secrets_come_from_files_and_the_environment(write: Write, tmp_path: Path):
    """Paths are relative to the file; a final newline is not part of a secret."""
    entry = {**MINIMAL, "secret_access_key_file": "secret", "session_token_env": "TOKEN"}
    del entry["secret_access_key"]
    (tmp_path / "secret").write_text(SECRET + "\n")
    (tmp_path / "secret").chmod(0o400)
    store = PrincipalsFile.load(write([entry]), {"TOKEN": "token"})
    key = store.find("GWAKEXAMPLE0000000001")
    assert key is not None
    assert key.credential == Credential("GWAKEXAMPLE0000000001", SECRET, "token")


@pytest.mark.parametrize(("choice", "expected"), [("allow", True), ("deny", False)])
def test_unsigned_payloads_may_be_denied(write: Write, choice: str, expected: bool):
    """They are allowed where nothing is said."""
    store = PrincipalsFile.load(write([{**MINIMAL, "unsigned_payload": choice}]), {})
    assert [principal.unsigned_payload for principal in store.principals] == [expected]


def test_two_keys_of_one_principal_are_a_rotation(write: Write):
    """Several entries may share a name."""
    other = {**MINIMAL, "access_key_id": "GWAKEXAMPLE0000000002"}
    store = PrincipalsFile.load(write([MINIMAL, other]), {})
    assert store.find("GWAKEXAMPLE0000000002") is not None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"name": None}, "name: must be", id="name is no text"),
        pytest.param({"name": "a team"}, "name: must be", id="name with a space"),
        pytest.param({"name": "x" * 65}, "name: must be", id="long name"),
        pytest.param({"access_key_id": 12345}, "access_key_id: must be", id="key id is a number"),
        pytest.param({"access_key_id": "a/b"}, "access_key_id: must be", id="slash in a key id"),
        pytest.param({"secret_access_key": 1}, "must be a string", id="secret is a number"),
        pytest.param({"secret_access_key": "short"}, "too short", id="short secret"),
        pytest.param({"secret_access_key": "with space" * 4}, "printable", id="secret with space"),
        pytest.param({"secret_access_key_env": "X"}, "give one of", id="two secrets"),
        pytest.param({"session_token_env": "NO"}, "environment has no 'NO'", id="unset variable"),
        pytest.param({"session_token_file": "no"}, "No such file", id="missing secret file"),
        pytest.param({"session_token_file": "/dev/null"}, "not a regular file", id="device"),
        pytest.param({"buckets": []}, "not empty", id="no buckets"),
        pytest.param({"destinations": []}, "not empty", id="no destinations"),
        pytest.param({"destinations": ["a/b"]}, "no glob", id="destination with a slash"),
        pytest.param({"buckets": "raw"}, "list of strings", id="buckets is text"),
        pytest.param({"buckets": ["raw", 1]}, "list of strings", id="bucket is a number"),
        pytest.param({"buckets": ["a[bc]"]}, "no glob", id="character class"),
        pytest.param({"buckets": ["a/b"]}, "no glob", id="slash"),
        pytest.param({"buckets": [""]}, "no glob", id="empty glob"),
        pytest.param({"groups": []}, "not empty", id="no groups"),
        pytest.param({"groups": ["refused"]}, "is none of", id="group that is not granted"),
        pytest.param({"groups": ["admin"]}, "is none of", id="unknown group"),
        pytest.param({"role_arn": "x"}, "role_arn: must be", id="role is no ARN"),
        pytest.param({"role_arn": ROLE + "\n"}, "role_arn: must be", id="newline after the ARN"),
        pytest.param({"role_arn": None}, "role_arn: must be", id="role is null"),
        pytest.param({"bucket": ["raw"]}, "bucket: unknown member", id="unknown member"),
        pytest.param({"unsigned_payload": "no"}, "must be allow or deny", id="no such choice"),
        pytest.param({"unsigned_payload": False}, "must be allow or deny", id="choice is no text"),
        pytest.param({"unsigned_payload": ["deny"]}, "allow or deny", id="choice is a list"),
    ],
)
def test_wrong_member_is_named(write: Write, changes: dict[str, Any], expected: str):
    """One problem, with its place."""
    [problem] = problems(write([{**MINIMAL, **changes}]))
    assert problem.startswith("principals[0].")
    assert expected in problem


@pytest.mark.parametrize("member", list(MINIMAL))
def test_missing_member_is_named(write: Write, member: str):
    """All four are needed."""
    entry = {name: value for name, value in MINIMAL.items() if name != member}
    [problem] = problems(write([entry]))
    assert problem.startswith(f"principals[0].{member}: ")


def test_all_problems_are_said_at_once(write: Write, tmp_path: Path):
    """Of several entries, of the file's mode and of a secret file's mode."""
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o644)
    second = {**MINIMAL, "secret_access_key_file": "secret", "buckets": []}
    del second["secret_access_key"]
    path = write([{**MINIMAL, "groups": ["x"]}, second, "text"])
    path.chmod(0o640)
    found = problems(path)
    assert [problem.partition(":")[0] for problem in found] == [
        "the file",
        "principals[0].groups",
        "principals[1].secret_access_key_file",
        "principals[1].buckets",
        "principals[1].access_key_id",
        "principals[2]",
    ]
    assert f"chmod 600 {path}" in found[0]
    assert any(f"chmod 600 {tmp_path / 'secret'}" in problem for problem in found)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="list"),
        pytest.param("principals: {}", id="mapping of principals"),
        pytest.param("principals: []", id="nobody"),
        pytest.param("principals: [{}]\nother: 1", id="another member"),
        pytest.param(f"principals: [*{SECRET}", id="secret as alias"),
        pytest.param(f"principals:\n - secret_access_key: !{SECRET} x", id="secret as tag"),
        pytest.param(f"principals:\n - a: {SECRET}: x", id="colon in a value"),
        pytest.param(f"principals:\n - a: '{SECRET}", id="open quote"),
        pytest.param("principals: &a [1]\nx: *a", id="alias"),
        pytest.param("principals: []\nprincipals: []", id="member twice"),
        pytest.param("? [a, b]\n: c", id="complex key"),
        pytest.param("principals: " + "[" * 5000, id="depth"),
        pytest.param("principals: !!python/object/apply:os.getcwd []", id="python tag"),
        pytest.param("a: 1\n---\nb: 2", id="two documents"),
        pytest.param("principals: \x00", id="control character"),
        pytest.param("x" * (1024 * 1024 + 1), id="too large"),
        pytest.param("principals: 2026-13-45", id="impossible date"),
    ],
)
def test_text_that_is_no_list_of_principals_is_refused(write: Write, text: str):
    """With one problem, and without quoting the file."""
    [problem] = problems(write(text))
    assert "EXAMPLEKEY" not in problem


def test_billion_laughs_are_refused_at_once(write: Write):
    """Aliases are not expanded."""
    rows = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    rows += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    [problem] = problems(write("\n".join(rows)))
    assert "not plain YAML at line 2" in problem


def test_file_that_is_missing_or_not_utf8_is_refused(tmp_path: Path):
    """Operating system's words; and for a first start, the command that makes the file."""
    problem, remedy = problems(tmp_path / "none.yaml")
    assert "No such file" in problem
    assert f"keys new NAME --bucket GLOB --file {tmp_path / 'none.yaml'}" in remedy
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"principals: [\xff]")
    path.chmod(0o600)
    [problem] = problems(path)
    assert "not UTF-8" in problem


@pytest.mark.parametrize(
    ("owner", "user"), [(0, 0), (1000, 1000), (1000, 0), (0, 65532)],
    ids=["root's, for root", "one's own", "another's, for root", "root's, for a service"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("mode", "strict", "relaxed"),
    [(0o600, True, True), (0o400, True, True), (0o640, False, True), (0o440, False, True),
     (0o660, False, False), (0o604, False, False), (0o644, False, False), (0o610, False, False)],
)  # fmt: skip
def test_mode_of_the_file(
    write: Write, monkeypatch, owner: int, user: int, mode: int, strict: bool, relaxed: bool
):
    """Group and others are kept out; what root handed to a group's service may be read by it."""
    path = write([MINIMAL])
    path.chmod(mode)
    fstat = os.fstat
    owned = lambda file: os.stat_result((*fstat(file)[:4], owner, *fstat(file)[5:]))  # noqa: E731
    monkeypatch.setattr("gateway.adapters.principals_file.os.fstat", owned)
    monkeypatch.setattr("gateway.adapters.principals_file.os.geteuid", lambda: user)
    accepted = relaxed if (owner, user) == (0, 65532) else strict
    good = contextlib.nullcontext()
    with good if accepted else pytest.raises(PrincipalsError, match="chmod 600"):
        PrincipalsFile.load(path, {})


def test_a_mounted_secret_is_followed(tmp_path: Path):
    """The kubelet swaps a symlink of a folder: file and secrets change at once."""
    entry = {**MINIMAL, "secret_access_key_file": "ana"}
    del entry["secret_access_key"]
    document = json.dumps({"principals": [entry]})
    publish(tmp_path / "v", {"principals.yaml": document, "ana": SECRET}, mode=0o400)
    store = PrincipalsFile.load(tmp_path / "v" / "principals.yaml", {})
    assert not store.changed()
    publish(tmp_path / "v", {"principals.yaml": document, "ana": SECRET[::-1]}, mode=0o400)
    assert store.changed()
    store.reload()
    key = store.find("GWAKEXAMPLE0000000001")
    assert key is not None
    assert key.credential.secret_access_key == SECRET[::-1]
    assert not store.changed()


def test_a_folder_in_its_place_is_told_once_and_holds_no_descriptor(write: Write):
    """I25: what is looked at every second may leave nothing open."""
    path = write([MINIMAL])
    store = PrincipalsFile.load(path, {})
    path.unlink()
    path.mkdir()
    before = next_descriptor()
    with pytest.raises(PrincipalsError, match="directory"):
        store.reload()
    assert not store.changed()
    assert next_descriptor() == before


def test_fifo_is_refused_without_hanging(tmp_path: Path):
    """It is opened without waiting for its writer."""
    path = tmp_path / "fifo"
    os.mkfifo(path, 0o600)
    [problem] = problems(path)
    assert "not a regular file" in problem


def test_reload_swaps_all_keys(write: Write):
    """The new file counts as a whole; `changed` says when to look."""
    path = write([MINIMAL])
    store = PrincipalsFile.load(path, {})
    assert not store.changed()
    write([{**MINIMAL, "access_key_id": "GWAKEXAMPLE0000000009"}])
    assert store.changed()
    store.reload()
    assert not store.changed()
    assert store.find("GWAKEXAMPLE0000000001") is None
    assert store.find("GWAKEXAMPLE0000000009") is not None


def test_reload_keeps_the_old_keys_when_the_file_is_bad(write: Write):
    """A typo locks nobody out, and is reported once per change."""
    path = write([MINIMAL])
    store = PrincipalsFile.load(path, {})
    for spoil in (lambda: write("principals: ["), path.unlink):
        spoil()
        assert store.changed()
        with pytest.raises(PrincipalsError):
            store.reload()
        assert not store.changed()
        assert store.find("GWAKEXAMPLE0000000001") is not None


def test_rotated_secret_file_is_a_change(write: Write, tmp_path: Path):
    """Files that the entries name are watched too."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    entry = {**MINIMAL, "secret_access_key_file": str(secret)}
    del entry["secret_access_key"]
    store = PrincipalsFile.load(write([entry]), {})
    secret.write_text(SECRET[::-1] + "x")
    assert store.changed()
    store.reload()
    key = store.find("GWAKEXAMPLE0000000001")
    assert key is not None
    assert key.credential.secret_access_key == SECRET[::-1] + "x"


def test_minted_keys_have_the_documented_form():
    """And no two are alike."""
    pairs = [mint_key_pair(secrets.token_bytes) for _ in range(100)]
    assert all(re.fullmatch("GW[A-Z2-7]{18}", pair.access_key_id) for pair in pairs)
    assert all(re.fullmatch("[A-Za-z0-9+/]{40}", pair.secret_access_key) for pair in pairs)
    assert len({pair.access_key_id for pair in pairs}) == 100
    assert len({pair.secret_access_key for pair in pairs}) == 100


def test_appended_entries_are_loaded(tmp_path: Path):
    """A new file is private; comments of an old one stay."""
    path = tmp_path / "principals.yaml"
    first, second = (mint_key_pair(secrets.token_bytes) for _ in range(2))
    append_principal(path, "one", first, ["one-*"])
    path.write_text("# ours\n" + path.read_text().rstrip("\n"))
    append_principal(path, "two", second, ["two-*", "raw"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("# ours\n")
    store = PrincipalsFile.load(path, {})
    for name, pair in (("one", first), ("two", second)):
        key = store.find(pair.access_key_id)
        assert key is not None
        assert (key.credential, key.principal.name) == (pair, name)
    assert [entry.name for entry in tmp_path.iterdir()] == ["principals.yaml"]


@pytest.mark.parametrize(
    "old",
    [
        "principals: [{name: x}]\n",
        "principals:\n- {name: x}\n",
        "other: 1\n",
        "principals:\n  - {access_key_id: GWAKEXAMPLE0000000001}\n",
    ],
)
def test_file_that_cannot_be_appended_to_is_left_alone(tmp_path: Path, old: str):
    """The result is read before it replaces the file."""
    path = tmp_path / "principals.yaml"
    path.write_text(old)
    with pytest.raises(PrincipalsError):
        append_principal(path, "new", Credential("GWAKEXAMPLE0000000001", SECRET), ["raw"])
    assert path.read_text() == old


@pytest.mark.parametrize("old", ["", "\n"], ids=["empty", "a blank line"])
def test_an_empty_file_is_appended_to(tmp_path: Path, old: str):
    """As one that is not there: somebody has touched it, for its mode."""
    path = tmp_path / "principals.yaml"
    path.write_text(old)
    append_principal(path, "new", Credential("GWAKEXAMPLE0000000001", SECRET), ["raw"])
    assert [entry.name for entry in PrincipalsFile.load(path, {}).principals] == ["new"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("latin.yaml", "the file is not UTF-8"),
        ("none/principals.yaml", "none does not exist; create it"),
    ],
    ids=["another encoding", "no folder"],
)
def test_what_cannot_be_appended_to_is_told(tmp_path: Path, name: str, words: str):
    """By the name that was given, in words for who gave it."""
    (tmp_path / "latin.yaml").write_bytes("principals: # für\n".encode("latin-1"))
    with pytest.raises(PrincipalsError, match=words) as caught:
        append_principal(
            tmp_path / name, "new", Credential("GWAKEXAMPLE0000000001", SECRET), ["raw"]
        )
    assert str(caught.value).startswith(str(tmp_path / name))


def test_destinations_are_read_when_given(write: Write):
    """Where inventories may report to; without them it is the buckets."""
    path = write([{**MINIMAL, "destinations": ["inventory"]}])
    (principal,) = PrincipalsFile.load(path, {}).principals
    assert principal.destinations == ("inventory",)
