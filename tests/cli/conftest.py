"""The command line, called in this process."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.adapters import opa_wasm
from gateway.app.settings import PREFIX, environment
from gateway.cli.commands import app

Run = Callable[..., Any]
_COMPILED = functools.cache(opa_wasm._compiled)


@pytest.fixture
def run(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command, in an empty folder and without our variables; wide enough for whole words."""
    for name in [name for name in environment() if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, [str(item) for item in arguments])


@pytest.fixture(autouse=True)
def _compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command compiles the policy in a process of its own, a second each: once will do."""
    monkeypatch.setattr(opa_wasm, "_compiled", _COMPILED)
