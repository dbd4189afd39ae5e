"""The command line, called in this process."""

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.app.settings import PREFIX, environment
from gateway.cli import app

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command, in an empty folder and without our variables; wide enough for whole words."""
    for name in [name for name in environment() if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, [str(item) for item in arguments])
