"""The `opa` binary: it formats, checks, tests, compiles and evaluates Rego sources."""

import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

#: What the shipped bundle was built with; others may write another module.
KNOWN_GOOD: Final = "1.22"
ENTRYPOINT: Final = "inventory/main/decision"
_TESTS: Final = "*_test.rego"
_SECONDS: Final = 300.0


class OpaCommandError(Exception):
    """The binary is missing, or it refuses; the text says what to do."""


class OpaCommand:
    """One binary.

    Args:
        program: its path.
    """

    def __init__(self, program: str) -> None:
        self.program = program

    @classmethod
    def find(cls, *names: str | Path | None) -> Self:
        """The first of these that is given; where none is, `opa` on the PATH.

        Raises:
            OpaCommandError: it is not there.
        """
        named = next((str(name) for name in names if name), None)
        found = shutil.which(named or "opa")
        if found is None:
            where = f"{named} is not an executable" if named else "it is not on PATH"
            raise OpaCommandError(
                f"The opa binary is missing: {where}. Install version {KNOWN_GOOD} or later from "
                "https://www.openpolicyagent.org/docs/#1-download-opa or name it with --opa or "
                "$OPA."
            )
        return cls(str(Path(found).resolve()))

    def version(self) -> str:
        """Its version: another compiler may write another module."""
        first = self._run(["version"], Path.cwd()).splitlines()[0]
        return first.removeprefix("Version:").strip()

    def unformatted(self, folder: Path) -> tuple[str, ...]:
        """The files that `opa fmt` would write otherwise, relative to the folder."""
        done = self._start(["fmt", "--list", "."], folder)
        if done.returncode:
            raise _refused("fmt", done)
        return tuple(sorted(line.removeprefix("./") for line in done.stdout.splitlines() if line))

    def check(self, folder: Path, schema: Path) -> str:
        """What the compiler, at its strictest, has to say; empty where that is nothing.

        Args:
            folder: a whole tree of policies.
            schema: of the input.
        """
        options = ["check", "--strict", "--bundle", "--schema", str(schema), "."]
        done = self._start(options, folder)
        return "" if done.returncode == 0 else (done.stderr.strip() or done.stdout.strip())

    def test(self, folder: Path) -> tuple[bool, str]:
        """Run the Rego tests of a whole tree: whether all pass, and the report."""
        done = self._start(["test", "--bundle", "."], folder)
        return done.returncode == 0, (done.stdout + done.stderr).strip()

    def compile(self, folder: Path, target: str, revision: str) -> dict[str, bytes]:
        """Compile a whole tree, without its tests.

        Args:
            folder: the tree.
            target: `wasm` or `rego`.
            revision: for the manifest.

        Returns:
            The members of the bundle, by their names.

        Raises:
            OpaCommandError: it does not compile; the text is what the compiler says.
        """
        with tempfile.TemporaryDirectory() as scratch:
            raw = Path(scratch) / "bundle.tar.gz"
            command = ["build", "--target", target, "--bundle", ".", "--ignore", _TESTS]
            command += ["--entrypoint", ENTRYPOINT] if target == "wasm" else []
            self._run([*command, "--revision", revision, "--output", str(raw)], folder)
            return unpack(raw.read_bytes())

    def evaluate(self, folder: Path, query: str, document: object) -> Any:
        """Evaluate a query on a whole tree, strict about errors of built-ins as a server is asked.

        Raises:
            OpaCommandError: it has no value, or fails.
        """
        command = ["eval", "--strict-builtin-errors", "--format", "raw", "--stdin-input"]
        command += ["--bundle", ".", "--fail", query]
        return json.loads(self._run(command, folder, json.dumps(document)))

    def _run(self, arguments: Sequence[str], folder: Path, given: str = "") -> str:
        done = self._start(arguments, folder, given)
        if done.returncode:
            raise _refused(" ".join(arguments[:2]), done)
        return done.stdout

    def _start(
        self, arguments: Sequence[str], folder: Path, given: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(  # noqa: S603 - the binary that was named
                [self.program, *arguments],
                cwd=folder,
                input=given,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as fault:
            raise OpaCommandError(f"{self.program} does not run: {fault}") from fault


def unpack(archive: bytes) -> dict[str, bytes]:
    """The files of an archive, by their names without a leading slash."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        files = ((member.name.lstrip("/"), tar.extractfile(member)) for member in tar)
        return {name: file.read() for name, file in files if file is not None}


def _refused(what: str, done: "subprocess.CompletedProcess[str]") -> OpaCommandError:
    return OpaCommandError(f"opa {what} failed:\n{done.stderr.strip() or done.stdout.strip()}")
