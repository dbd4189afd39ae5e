"""A container without a container engine: this machine's /usr as the base image, all else empty.

bubblewrap(1) makes the mounts. Nobody finds a file there that was not put there, so that what runs
inside holds for an image, too.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

#: Of a machine's configuration, what a base image has as well, or an engine puts there.
_ETC = ("ssl", "ca-certificates.conf", "resolv.conf", "hosts", "nsswitch.conf", "pip.conf")
_SHELLS = ("sh", "dash", "bash")
#: The user of the image.
USER = 65532


def bwrap() -> str:
    """The program; without it the test is skipped, except in CI."""
    found = shutil.which("bwrap")
    if found is None:
        words = "needs bubblewrap (make tools)"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    return found


@dataclass(frozen=True, slots=True)
class Sandbox:
    """How to run commands in it.

    Args:
        writable: paths inside, and the folders that they are.
        readable: likewise, read-only.
        environment: all of it.
        folder: where commands start.
        network: False for loopback alone, of its own.
    """

    writable: Mapping[str, Path]
    readable: Mapping[str, Path] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: str = "/"
    network: bool = True

    def as_root(self, command: Sequence[str]) -> list[str]:
        """The command of a build step."""
        return [*self._mounts(), "--tmpfs", "/tmp", "--", *command]  # noqa: S108 - inside

    def as_user(self, command: Sequence[str]) -> list[str]:
        """The command of a container: another user, nothing but `writable` writable, no shell."""
        mounts = self._mounts()
        for shell in _SHELLS:
            if Path("/usr/bin", shell).is_file():
                mounts += ["--ro-bind", "/dev/null", f"/usr/bin/{shell}"]
        mounts += ["--remount-ro", "/etc", "--remount-ro", "/"]
        if os.geteuid() != 0:
            return [*mounts, "--unshare-user", f"--uid={USER}", f"--gid={USER}", "--", *command]
        mounts += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--"]
        to_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        return [*mounts, *to_user, "--inh-caps=-all", "--no-new-privs", *command]

    def _mounts(self) -> list[str]:
        mounts = [bwrap(), "--die-with-parent", "--unshare-pid", "--clearenv"]
        if not self.network:
            mounts.append("--unshare-net")
        mounts += ["--tmpfs", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/etc"]
        mounts += ["--ro-bind", "/usr", "/usr"]
        for name in ("bin", "sbin", "lib", "lib64"):
            if Path("/", name).is_symlink():
                mounts += ["--symlink", f"usr/{name}", f"/{name}"]
            elif Path("/", name).exists():
                mounts += ["--ro-bind", f"/{name}", f"/{name}"]
        for name in _ETC:
            mounts += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
        for option, binds in (("--ro-bind", self.readable), ("--bind", self.writable)):
            for inside, outside in binds.items():
                for parent in list(Path(inside).parents)[-2::-1]:  # else they are root's alone
                    mounts += ["--dir", str(parent)]
                mounts += [option, str(outside), inside]
        for name, value in self.environment.items():
            mounts += ["--setenv", name, value]
        return [*mounts, "--chdir", self.folder]
