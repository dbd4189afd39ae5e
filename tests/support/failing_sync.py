"""Syncs that fail in a running process, by libfiu: a preloaded library, told by named pipes."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_LIBRARIES = ("fiu_run_preload.so", "fiu_posix_preload.so")
_FOLDERS = ("/usr/lib/fiu", "/usr/local/lib/fiu", "/usr/lib64/fiu")
_POINTS = ("posix/io/sync/fsync", "posix/io/sync/fdatasync")


@dataclass(frozen=True, slots=True)
class FailingSync:
    """A process whose fsync(2) and fdatasync(2) fail with EIO while they are told to.

    Args:
        folder: for its pipes.
        libraries: that are preloaded.
    """

    folder: Path
    libraries: str

    @property
    def environment(self) -> dict[str, str]:
        """What the process is to be started with."""
        return {"LD_PRELOAD": self.libraries, "FIU_CTRL_FIFO": str(self._pipes)}

    @property
    def _pipes(self) -> Path:
        return self.folder / "fiu"

    def begin(self, pid: int) -> None:
        """From now on all fail."""
        self._tell(pid, "enable", ",failinfo=5")  # EIO

    def end(self, pid: int) -> None:
        """From now on none fails."""
        self._tell(pid, "disable", "")

    def _tell(self, pid: int, word: str, more: str) -> None:
        orders = [part for it in _POINTS for part in ("-c", f"{word} name={it}{more}")]
        subprocess.run(
            ["fiu-ctrl", "-f", str(self._pipes), *orders, str(pid)],
            check=True,
            capture_output=True,
            timeout=60,
        )


def failing_sync(folder: Path) -> FailingSync:
    """For a process that keeps its pipes there; the test fails or is skipped without libfiu."""
    for place in map(Path, _FOLDERS):
        libraries = [place / name for name in _LIBRARIES]
        if shutil.which("fiu-ctrl") and all(library.exists() for library in libraries):
            return FailingSync(folder, " ".join(map(str, libraries)))
    words = "libfiu is not there: python3 scripts/tools.py"
    if os.environ.get("CI") == "true":
        pytest.fail(words)
    pytest.skip(words)
