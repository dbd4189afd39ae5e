"""The image, built step by step as the Dockerfile says, in a sandbox instead of an engine."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.dockerfile import ROOT, Stage, stages
from tests.deploy.sandbox import USER, Sandbox

#: What a step may write to, in the build stage.
_BUILD_FOLDERS = ("src", "wheels", "build", "opt", "var")
_PATIENCE = 600
#: So that a build finds packages where this machine does.
_PASSED_ON = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "HTTPS_PROXY", "SSL_CERT_FILE")


@dataclass(frozen=True, slots=True)
class Image:
    """What is in it.

    Args:
        folder: the build stage's folders.
        stage: the last one of the Dockerfile.
    """

    folder: Path
    stage: Stage

    @property
    def wheels(self) -> Path:
        """What the build stage made."""
        return self.folder / "wheels"

    def container(self, state: Path, mounts: Mapping[str, Path], **variables: str) -> Sandbox:
        """A container of it: a read-only tree, and `state` at /var/lib/gateway.

        Args:
            state: a folder; it is given to the image's user.
            mounts: more, read-only.
            variables: of the environment, over those of the image.
        """
        state.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(state, USER, USER)
        return Sandbox(
            writable={"/var/lib/gateway": state},
            readable={"/opt/gateway": self.folder / "opt" / "gateway", **mounts},
            environment={**self.stage.merged("ENV"), **variables},
            folder=self.stage.only("WORKDIR").rest,
            network=False,
        )


def build(folder: Path, **arguments: str) -> Image:
    """Run the build stage; the other stage only copies from it.

    Args:
        folder: for the stage's folders.
        arguments: as of `docker build --build-arg`.

    Raises:
        subprocess.CalledProcessError: a step failed.
    """
    _, build_stage, last = stages()
    for name in _BUILD_FOLDERS:
        (folder / name).mkdir(parents=True)
    variables = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/build",
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        **build_stage.merged("ARG"),
        **build_stage.merged("ENV"),
        **arguments,
    }
    sandbox = Sandbox({f"/{name}": folder / name for name in _BUILD_FOLDERS}, {}, variables, "/src")
    for item in build_stage.instructions:
        if item.word == "COPY":
            *sources, target = item.rest.split()
            for source in sources:
                _copy(ROOT / source, folder / "src" / target)
        elif item.word == "RUN":
            subprocess.run(
                sandbox.as_root(item.command),
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=sys.stderr,
                umask=0o022,
                timeout=_PATIENCE,
            )
    if os.geteuid() == 0:  # as the last stage's COPY has it
        os.chown(folder / "var/lib/gateway", USER, USER)
    return Image(folder, last)


def shared(folder: Path) -> Image:
    """One build for all processes of a test run: the first one makes it, the others wait."""
    with _locked(folder.with_suffix(".lock")):
        if not (folder / "done").exists():
            build(folder)
            (folder / "done").touch()
    return Image(folder, stages()[-1])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _copy(source: Path, target: Path) -> None:
    """As COPY does: a file into a folder, a folder's content into a folder."""
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
