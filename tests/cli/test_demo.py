"""`inventory-gateway demo`: the tour goes as it is told."""

import re
from pathlib import Path

import pytest

from gateway.cli import demo
from gateway.cli.demo import TOUR


@pytest.fixture(scope="module")
def once() -> tuple[int, str]:
    """The tour, once: exit status and output."""
    from typer.testing import CliRunner  # noqa: PLC0415

    from gateway.cli.commands import app  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "400")
        result = CliRunner().invoke(app, ["demo", "--once"])
    return result.exit_code, result.output


def test_it_ends_well(once: tuple[int, str]) -> None:
    """Exit 0 only if every call ended as told."""
    status, output = once
    assert status == 0, output
    assert "not as told" not in output


@pytest.mark.parametrize("step", [pytest.param(step, id=step.title) for step in TOUR])
def test_each_step_is_shown_with_its_rule(once: tuple[int, str], step) -> None:
    """A real client reads why."""
    _, output = once
    assert step.title in output
    assert [rule for rule in step.refused_by if f"[{rule}]" not in output] == []


def test_the_admin_listener_is_shown(once: tuple[int, str]) -> None:
    """It has a port of its own."""
    assert re.search(r"its admin listener: http://127\.0\.0\.1:\d+\n", once[1])


def test_without_its_client_it_says_what_to_install(run, monkeypatch) -> None:
    """Who installs the gateway to serve does not get boto3."""
    monkeypatch.setattr(demo, "find_spec", lambda _: None)
    result = run("demo", "--once")
    assert result.exit_code == 2
    assert "pip install '.[demo]'" in result.stderr


def test_the_readme_quotes_it(once: tuple[int, str]) -> None:
    """Word for word, as far as a sentence goes before it is cut short."""
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    rows = re.findall(r"^\| (a report [^|]+?) \| `(\w+)` \| (.+) \|$", readme, re.MULTILINE)
    assert [title for title, _, _ in rows] == [step.title for step in TOUR]
    said = " ".join(re.sub(r"[\u2500-\u257f]", " ", once[1]).split())
    for title, code, reason in rows:
        words = re.sub(r" (…|\(decision .*)`$", "", reason).strip("`")
        assert f"{title} {code}" in said
        assert words in said


def test_the_allowed_configuration_is_listed_through_the_gateway(once: tuple[int, str]) -> None:
    """The one that was allowed, and no other."""
    assert "through the gateway: ['daily']" in once[1]


@pytest.mark.parametrize("step", TOUR, ids=[step.title for step in TOUR])
def test_a_step_changes_only_what_it_says(step) -> None:
    """Each is the good configuration with one change."""
    good = TOUR[-1].configuration()["Destination"]["S3BucketDestination"]
    changed = step.configuration()["Destination"]["S3BucketDestination"]
    differing = {name for name in good if good[name] != changed.get(name)}
    assert differing == set(step.changes)
