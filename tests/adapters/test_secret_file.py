"""A secret in a file: what is taken, what is refused, and that it follows a change."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.adapters.secret_file import SecretFile, SecretFileError
from tests.support.descriptors import next_descriptor

SECRET = "0123456789abcdef"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good file."""
    return written(tmp_path / "token", f"{SECRET}\n")


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    """A file of that mode, replaced at once."""
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(text)
    new.chmod(mode)
    return new.rename(path)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640], ids=oct)
def test_a_secret_is_the_line_without_its_end(tmp_path: Path, mode: int) -> None:
    """Readable by its group as well, as mounted secrets are."""
    assert SecretFile(written(tmp_path / "t", f"{SECRET}\r\n", mode)).secret == SECRET.encode()


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o602, 0o601], ids=oct)
def test_nobody_else_may_read_or_write_it(tmp_path: Path, mode: int) -> None:
    """As with principals.yaml."""
    with pytest.raises(SecretFileError, match=r"lets others in; chmod 600"):
        SecretFile(written(tmp_path / "t", SECRET, mode))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "one line"),
        ("0123456789abcde", "too short"),
        ("two words and more", "one line"),
        (f"{SECRET}\n{SECRET}\n", "one line"),
        (f"{SECRET}é", "one line"),
        ("x" * 5000, "one line"),
    ],
    ids=["empty", "short", "spaces", "lines", "not-ascii", "long"],
)
def test_what_is_no_secret_is_refused_and_not_quoted(tmp_path: Path, text: str, words: str) -> None:
    """I5: the words go to the log."""
    with pytest.raises(SecretFileError, match=words) as caught:
        SecretFile(written(tmp_path / "t", text))
    assert not text.strip() or text.strip() not in str(caught.value)


def fifo(path: Path) -> None:
    """Nobody writes to it."""
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize(
    ("make", "words"),
    [(lambda _: None, "No such file"), (Path.mkdir, "directory|regular"), (fifo, "regular")],
    ids=["absent", "folder", "fifo"],
)
def test_what_is_no_file_is_refused(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    """And does not hang."""
    make(tmp_path / "t")
    with pytest.raises(SecretFileError, match=words):
        SecretFile(tmp_path / "t")


def test_a_change_is_seen_and_taken_up(path: Path) -> None:
    """Rotation without a restart."""
    file = SecretFile(path)
    assert not file.changed()
    written(path, "another-secret-of-24-chars")
    assert file.changed()
    file.reload()
    assert (file.secret, file.changed()) == (b"another-secret-of-24-chars", ())


def test_a_bad_change_is_told_once_and_the_old_secret_stays(path: Path) -> None:
    """As is a file that is gone."""
    file = SecretFile(path)
    written(path, "short")
    with pytest.raises(SecretFileError, match="too short"):
        file.reload()
    assert (file.secret, file.changed()) == (SECRET.encode(), ())
    path.unlink()
    assert file.changed()
    with pytest.raises(SecretFileError, match="No such file"):
        file.reload()
    assert (file.secret, file.changed()) == (SECRET.encode(), ())
    written(path, "another-secret-of-24-chars")
    assert file.changed()


def test_a_folder_in_its_place_is_told_once_and_holds_no_descriptor(path: Path) -> None:
    """I25: what is looked at every second may leave nothing open."""
    file = SecretFile(path)
    path.unlink()
    path.mkdir()
    before = next_descriptor()
    with pytest.raises(SecretFileError, match="directory"):
        file.reload()
    assert (file.secret, file.changed()) == (SECRET.encode(), ())
    assert next_descriptor() == before
