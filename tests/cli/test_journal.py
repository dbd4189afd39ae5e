"""`inventory-gateway journal`."""

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.adapters.journal import upkeep
from gateway.adapters.journal.sqlite import SqliteJournal
from gateway.app.wiring import now
from gateway.cli import journal as module
from gateway.core.ports import Outcome
from tests.support.fakes import decision_record


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Five decisions, of four days ago to today; the first has its outcome."""

    async def fill(path: Path) -> None:
        kept = await SqliteJournal.open(path, writer="w")
        for number in range(5):
            at = now() - timedelta(days=4 - number)
            await kept.record(decision_record(f"d-{number}", timestamp=at))
        await kept.conclude("d-0", Outcome("forwarded", 204, "UP1"))
        await kept.close()

    path = tmp_path / "journal.db"
    asyncio.run(fill(path))
    return path


def ids(run) -> list[str]:
    """What is left, oldest first."""
    lines = run("journal", "export").stdout.splitlines()
    return [json.loads(line)["decision_id"] for line in lines]


def test_verify_names_the_last_hash(run, journal: Path) -> None:
    """Written down elsewhere, it vouches for all before it."""
    result = run("journal", "verify")
    assert result.exit_code == 0
    assert result.stdout.startswith("6 entries, whole; the last is 6 with ")
    with closing(sqlite3.connect(journal)) as database:
        (last,) = database.execute("SELECT hash FROM chain").fetchone()
    first, second = result.stdout.splitlines()
    assert first.endswith(f" with {last}")
    assert second == f"to note elsewhere: --noted 6:{last}"
    again = run("journal", "verify", *second.split()[-2:])
    assert (again.exit_code, again.stdout) == (0, result.stdout)


def test_verify_of_an_empty_journal_has_nothing_to_note(run, tmp_path: Path) -> None:
    """There is no entry yet."""

    async def make() -> None:
        await (await SqliteJournal.open(tmp_path / "journal.db", writer="w")).close()

    asyncio.run(make())
    result = run("journal", "verify")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)


@pytest.mark.parametrize(
    ("noted", "words"),
    [
        pytest.param(f"5:{'0' * 64}", "decision d-4 at 5 is not the entry", id="another hash"),
        pytest.param(f"7:{'0' * 64}", "position 7 was noted and is not there", id="cut off"),
    ],
)
def test_verify_fails_where_the_journal_is_not_the_one_that_was_noted(
    run, journal: Path, noted: str, words: str
) -> None:
    """Also where its chain is whole."""
    result = run("journal", "verify", "--journal", journal, "--noted", noted)
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr


@pytest.mark.parametrize(
    "noted", ["", "5", "x:1", f"0:{'0' * 64}", f"5:{'0' * 63}", f"5:{'G' * 64}"]
)
def test_verify_takes_no_note_that_is_none(run, journal: Path, noted: str) -> None:
    """Nothing is looked at."""
    assert journal.exists()
    result = run("journal", "verify", "--noted", noted)
    assert result.exit_code == 2
    assert "wanted is a position and its hash" in result.stderr


def test_verify_fails_where_a_row_was_changed(run, journal: Path) -> None:
    """Exit status 1, each problem on stderr."""
    with closing(sqlite3.connect(journal)) as database:
        database.execute("UPDATE decision SET principal = 'x' WHERE decision_id = 'd-2'")
        database.commit()
    result = run("journal", "verify", "--journal", journal)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "decision d-2 at 3 was changed" in result.stderr


@pytest.mark.parametrize(
    ("settings", "options", "left"),
    [
        pytest.param({}, [], 5, id="nothing is said"),
        pytest.param({"KEEP_DAYS": 2}, [], 2, id="days by settings"),
        pytest.param({"KEEP_DAYS": 2}, ["--keep-days", 3], 3, id="days by option"),
        pytest.param({"KEEP_DAYS": 2}, ["--keep-days", 0], 5, id="all by option"),
        pytest.param({"MAX_BYTES": 1}, [], 0, id="bytes by settings"),
        pytest.param({"MAX_BYTES": 1}, ["--max-bytes", 10_000_000], 5, id="bytes by option"),
        pytest.param({"KEEP_DAYS": 4, "MAX_BYTES": 3000}, [], 2, id="the stricter of both"),
    ],
)
def test_prune_keeps_what_it_is_told(
    run, journal: Path, monkeypatch: pytest.MonkeyPatch, settings, options, left: int
) -> None:
    """And what is left can be verified."""
    assert journal.exists()
    for name, value in settings.items():
        monkeypatch.setenv(f"GATEWAY_JOURNAL_{name}", str(value))
    dry = run("journal", "prune", "--dry-run", *options)
    assert f"{5 - left} decisions would go" in dry.stdout
    assert len(ids(run)) == 5
    assert f"{5 - left} decisions are gone" in run("journal", "prune", *options).stdout
    assert ids(run) == [f"d-{number}" for number in range(5 - left, 5)]
    assert run("journal", "verify").exit_code == 0


def test_prune_leaves_the_journal_to_others_between_its_steps(
    run, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long enough for whoever waits to look again; else a gateway's records would be refused."""
    sleep, pauses = asyncio.sleep, list[float]()

    async def pause(seconds: float) -> None:
        with closing(sqlite3.connect(journal, timeout=0, isolation_level=None)) as gateway:
            gateway.execute("BEGIN IMMEDIATE")
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(module, "asyncio", SimpleNamespace(sleep=pause, run=asyncio.run))
    monkeypatch.setattr(upkeep, "_AT_ONCE", 2)
    assert "5 decisions are gone" in run("journal", "prune", "--max-bytes", 1).stdout
    assert len(pauses) == 3
    assert min(pauses) > 0.1


def test_export_is_whole(run, journal: Path) -> None:
    """Every field, every decision."""
    rows = [
        json.loads(line)
        for line in run("journal", "export", "--journal", journal).stdout.splitlines()
    ]
    assert [row["position"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[0]["outcome"]["kind"] == "forwarded"
    assert rows[0]["document"] == "<InventoryConfiguration/>"


@pytest.mark.parametrize("verb", ["verify", "prune", "export"])
def test_no_journal_is_told(run, tmp_path: Path, verb: str) -> None:
    """And none is made."""
    result = run("journal", verb)
    assert result.exit_code == 2
    assert "there is no such file" in result.stderr
    assert list(tmp_path.iterdir()) == []
