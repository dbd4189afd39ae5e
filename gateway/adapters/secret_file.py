"""One secret in a file of its own, such as the admin listener's token; re-read when it changes."""

import os
import re
import stat
from pathlib import Path
from typing import Final

_MAX_BYTES: Final = 4096
_LEAST: Final = 16
_SECRET: Final = re.compile(r"[!-~]+")
#: Others may not read it, nobody else may write it. Its group may read: that is how a secret is
#: mounted for a container that does not run as root (defaultMode with fsGroup).
_FORBIDDEN: Final = 0o037

_Stamp = tuple[int, int, int] | None


class SecretFileError(ValueError):
    """The file cannot be used; the text names it and says why, and never what is in it."""


class SecretFile:
    """A secret of one line.

    Args:
        path: where it is.

    Raises:
        SecretFileError: it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: _Stamp = None
        self._secret = b""
        self.reload()

    @property
    def secret(self) -> bytes:
        """What the file said when it was last good."""
        return self._secret

    def changed(self) -> tuple[object, ...]:
        """What the file looks like, by one stat call; empty where the last load saw the same."""
        stamp = _stamp(self.path)
        return () if stamp == self._stamp else (stamp,)

    def reload(self) -> None:
        """Read the file again; the old secret stays where that fails.

        Raises:
            SecretFileError: it cannot be used.
        """
        # A bad file, one that cannot be opened, too, is reported once, not at every poll.
        self._stamp = _stamp(self.path)
        try:
            # An opener: of a folder, `os.fdopen` would leave the descriptor open for ever.
            with open(self.path, "rb", opener=_at_once) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise SecretFileError(f"{self.path} is not a regular file")
                if status.st_mode & _FORBIDDEN:
                    mode = stat.S_IMODE(status.st_mode)
                    raise SecretFileError(
                        f"{self.path}: mode {mode:04o} lets others in; chmod 600 {self.path}"
                    )
                raw = file.read(_MAX_BYTES + 1)
        except OSError as fault:
            raise SecretFileError(f"{self.path}: {fault.strerror}") from fault
        text = raw.decode("latin-1").rstrip("\r\n")
        if len(raw) > _MAX_BYTES or _SECRET.fullmatch(text) is None:
            raise SecretFileError(
                f"{self.path} must hold one line of printable ASCII without spaces"
            )
        if len(text) < _LEAST:
            raise SecretFileError(f"{self.path} is too short: at least {_LEAST} characters")
        self._secret = text.encode()


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _at_once(path: str, flags: int) -> int:
    """O_NONBLOCK: opening a FIFO must not hang."""
    return os.open(path, flags | os.O_NONBLOCK)
