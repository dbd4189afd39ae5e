"""`inventory-gateway decisions`."""

import asyncio
import json
from importlib import import_module
from pathlib import Path

import pytest

from gateway.adapters.journal_sqlite import SqliteJournal
from gateway.core.ports import Outcome
from tests.support.fakes import decision_record

DENIED = {
    "allow": False,
    "violations": [{"rule": "INV001"}, {"rule": "INV015"}],
}


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A yes with its outcome, a no, a fault, and a name that looks like markup."""

    async def fill(path: Path) -> None:
        kept = await SqliteJournal.open(path)
        await kept.record(decision_record("d-1"))
        await kept.conclude("d-1", Outcome("forwarded", 204, "UP1"))
        await kept.record(decision_record("d-2", allow=False, result=DENIED))
        await kept.conclude("d-2", Outcome("refused"))
        await kept.record(
            decision_record("d-3", allow=False, result={"allow": False}, error="engine_timeout")
        )
        await kept.record(
            decision_record("d-4", principal="[red]x[/red]", document=None, inventory_id="[/]")
        )
        await kept.close()

    path = tmp_path / "journal.db"
    asyncio.run(fill(path))
    return path


def test_list_shows_the_newest_first(run, journal: Path) -> None:
    """Verdict, who, where, why, and what became of it."""
    result = run("decisions", "list", "--journal", journal)
    assert result.exit_code == 0
    rows = [line for line in result.output.splitlines() if "d-" in line]
    assert [row.split()[-2] for row in rows] == ["d-4", "d-3", "d-2", "d-1"]
    assert "INV001, INV015" in rows[2]
    assert "engine_timeout" in rows[1]
    assert "unknown" in rows[1]
    assert "forwarded" in rows[3]


def test_list_tells_what_would_have_been_refused(run, tmp_path: Path) -> None:
    """It was performed, since policy only observed."""

    async def fill(path: Path) -> None:
        kept = await SqliteJournal.open(path)
        result = DENIED | {"allow": True, "would_refuse": True}
        await kept.record(decision_record("d-1", result=result))
        await kept.close()

    asyncio.run(fill(tmp_path / "observed.db"))
    output = run("decisions", "list", "--journal", tmp_path / "observed.db").output
    (row,) = [line for line in output.splitlines() if "d-1" in line]
    assert "would deny" in row
    assert "INV001, INV015" in row


def test_tenants_text_is_no_markup(run, journal: Path) -> None:
    """I19: it is shown as it is."""
    output = run("decisions", "list", "--journal", journal).output
    assert "[red]x[/red]" in output
    assert "[/]" in output


def test_list_has_a_limit(run, journal: Path) -> None:
    """The newest."""
    output = run("decisions", "list", "--journal", journal, "--limit", 1, "--json").output
    assert [json.loads(line)["decision_id"] for line in output.splitlines()] == ["d-4"]


def test_list_as_json_is_one_line_each(run, journal: Path) -> None:
    """I19: for scripts."""
    output = run("decisions", "list", "--journal", journal, "--json").output
    rows = [json.loads(line) for line in output.splitlines()]
    assert [row["decision_id"] for row in rows] == ["d-4", "d-3", "d-2", "d-1"]
    assert rows[3]["outcome"] == {
        "kind": "forwarded",
        "s3_status": 204,
        "upstream_request_id": "UP1",
    }
    assert rows[3]["document"] == "<InventoryConfiguration/>"


def test_the_journal_is_that_of_the_settings(run, journal: Path) -> None:
    """Here `journal.db` in the working directory."""
    assert "d-1" in run("decisions", "list").output
    assert journal.exists()


def test_show_is_the_whole_record(run, journal: Path) -> None:
    """As JSON."""
    result = run("decisions", "show", "d-2", "--journal", journal)
    assert result.exit_code == 0
    row = json.loads(result.output)
    assert (row["decision_id"], row["result"]) == ("d-2", DENIED)


def test_show_of_none_is_an_error(run, journal: Path) -> None:
    """Exit status 1, on stderr."""
    result = run("decisions", "show", "d-9", "--journal", journal)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "there is no decision d-9" in result.stderr


@pytest.mark.parametrize("verb", [["list"], ["show", "d-1"]])
def test_what_is_no_journal_is_told(run, tmp_path: Path, verb: list[str]) -> None:
    """One line, exit status 2."""
    path = tmp_path / "text.db"
    path.write_text("no database at all, but a text that is long enough to have a header\n" * 9)
    result = run("decisions", *verb, "--journal", path)
    assert result.exit_code == 2
    assert result.stderr.startswith("inventory-gateway: its journal is unavailable")


def test_wrong_settings_are_told(run, tmp_path: Path) -> None:
    """Before anything is opened."""
    (tmp_path / "gateway.yaml").write_text("nonsense: 1\n")
    result = run("decisions", "list")
    assert result.exit_code == 2
    assert "no such setting" in result.stderr


def test_what_json_does_not_know_is_a_bug() -> None:
    """And shows itself."""
    module = import_module("gateway.cli.decisions")  # the package shows the Typer of that name
    with pytest.raises(TypeError, match="object is not JSON"):
        module._plain(object())
