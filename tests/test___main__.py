"""The console script: which command line goes which way."""

import sys

import pytest

from gateway.__main__ import main

UNUSED = "http://127.0.0.1:1/livez"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["health", UNUSED], 1, f"inventory-gateway: {UNUSED}: "),
        (["health", "--help"], 0, ""),
        (["health", UNUSED, "more"], 2, "unexpected extra argument"),
        (["serve", "--help"], 0, ""),
        (["serve", "more"], 2, "inventory-gateway serve"),
        (["version"], 0, ""),
    ],
    ids=[
        "the check",
        "its help",
        "one argument too many",
        "help of serving",
        "a mistake in serving",
        "another command",
    ],
)
def test_every_command_ends_with_its_status(
    capsys, monkeypatch, arguments: list[str], status: int, words: str
) -> None:
    """What the short way does not know is left to the command line."""
    monkeypatch.setattr(sys, "argv", ["inventory-gateway", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == status
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(("trouble", "status"), [("", 0), ("it hangs", 1)], ids=["well", "ill"])
def test_the_address_can_be_left_out(capsys, monkeypatch, trouble: str, status: int) -> None:
    """As a container's health check does, whose gateway listens where it does by default."""
    monkeypatch.setattr(sys, "argv", ["inventory-gateway", "health"])
    answers = {"http://127.0.0.1:9001/livez": trouble}
    monkeypatch.setattr("gateway.health.trouble", answers.__getitem__)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == status
    assert trouble in capsys.readouterr().err
