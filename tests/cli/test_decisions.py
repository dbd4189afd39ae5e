"""`inventory-gateway decisions`."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.adapters.journal.sqlite import SqliteJournal
from gateway.core.ports import Outcome
from tests.support.decisions import entry, removal
from tests.support.fakes import decision_record

ID = "2cfda492-6a0e-4c3b-9a5e-7d3f0d2b9a11"
ROOT = Path(__file__).resolve().parents[2]
DENIED = {
    "allow": False,
    "violations": [{"rule": "INV001"}, {"rule": "INV015"}],
}


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A yes with its outcome, a no, a fault, and a name that looks like markup."""

    async def fill(path: Path) -> None:
        kept = await SqliteJournal.open(path, writer="w")
        await kept.record(decision_record("d-1"))
        await kept.conclude("d-1", Outcome("forwarded", 204, "UP1", {"timer_upstream_ns": 9}))
        hostile = "<a><b>\x1b[31m\u202e</b></a>".encode()
        await kept.record(
            decision_record("d-2", allow=False, result=DENIED, received=hostile, document=b"<a/>")
        )
        await kept.conclude("d-2", Outcome("refused"))
        await kept.record(
            decision_record("d-3", allow=False, result={"allow": False}, error="engine_timeout")
        )
        await kept.record(
            decision_record(
                "d-4",
                principal="[red]x[/red]",
                document=None,
                received=None,
                inventory_id="[/]",
            )
        )
        await kept.close()

    path = tmp_path / "journal.db"
    asyncio.run(fill(path))
    return path


def test_list_shows_the_newest_first(run, journal: Path) -> None:
    """Verdict, who, where, why, and what became of it."""
    result = run("decisions", "list", "--journal", journal)
    assert result.exit_code == 0
    lines = [line.split() for line in result.output.splitlines()]
    rows = [line for line in lines if line[-1].startswith("d-")]
    assert [row[-1] for row in rows] == ["d-4", "d-3", "d-2", "d-1"]
    assert [row[1] for row in rows] == ["allow", "error", "deny", "allow"]
    assert [line[1] for line in lines if line[0] == "12:30:58"] == [
        "open",
        "open",
        "refused",
        "forwarded",
    ]
    assert "engine_timeout" in rows[1]
    assert "INV001, INV015" in " ".join(rows[2])


def test_list_tells_what_would_have_been_refused(run, tmp_path: Path) -> None:
    """It was performed, since policy only observed."""

    async def fill(path: Path) -> None:
        kept = await SqliteJournal.open(path, writer="w")
        result = DENIED | {"allow": True, "would_refuse": True}
        await kept.record(decision_record("d-1", result=result))
        await kept.close()

    asyncio.run(fill(tmp_path / "observed.db"))
    output = run("decisions", "list", "--journal", tmp_path / "observed.db").output
    (row,) = [line for line in output.splitlines() if "d-1" in line]
    assert "would deny" in row
    assert "INV001, INV015" in row


def test_list_tells_what_was_found_and_let_pass(run, tmp_path: Path) -> None:
    """By an exemption or a mode: nothing is hidden, and nothing looks like a refusal."""

    async def fill(path: Path) -> None:
        kept = await SqliteJournal.open(path, writer="w")
        result = {
            "allow": True,
            "exempted": [{"rule": "INV001", "exemption": {"id": "EX-7"}}],
            "dryrun": [{"rule": "INV030"}],
            "warnings": [{"rule": "INV033"}],
        }
        await kept.record(decision_record("d-1", result=result))
        await kept.close()

    asyncio.run(fill(tmp_path / "let-pass.db"))
    output = run("decisions", "list", "--journal", tmp_path / "let-pass.db").output
    (row,) = [line for line in output.splitlines() if "d-1" in line]
    assert "INV001 (exempted), INV030 (dryrun), INV033 (warn)" in row


def test_ids_are_whole_on_a_narrow_terminal(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """80 columns, long names: an id can be copied, and no name is shortened."""
    record = decision_record(
        ID,
        allow=False,
        result=DENIED,
        principal="principal-" * 6,
        bucket="b" * 63,
        inventory_id="i" * 64,
    )

    async def fill(path: Path) -> None:
        kept = await SqliteJournal.open(path, writer="w")
        await kept.record(record)
        await kept.close()

    asyncio.run(fill(tmp_path / "narrow.db"))
    monkeypatch.setenv("COLUMNS", "80")
    output = run("decisions", "list", "--journal", tmp_path / "narrow.db").output
    assert ID in output
    assert max(len(line) for line in output.splitlines()) <= 80
    assert "…" not in output
    assert output.count("i") >= 64


def test_tenants_text_is_no_markup(run, journal: Path) -> None:
    """I19: it is shown as it is."""
    output = run("decisions", "list", "--journal", journal).output
    assert "[red]x[/red]" in output
    assert "[/]" in output


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        pytest.param(["--limit", 1], ["d-4"], id="limit"),
        pytest.param(["--verdict", "deny"], ["d-2"], id="verdict"),
        pytest.param(["--outcome", "open"], ["d-4", "d-3"], id="outcome"),
        pytest.param(["--principal", "[red]x[/red]"], ["d-4"], id="principal"),
        pytest.param(["--bucket", "acme-orders", "--rule", "INV015"], ["d-2"], id="bucket, rule"),
        pytest.param(["--since", "2026-11-20T12:31"], [], id="since"),
        pytest.param(["--until", "2026-11-20T12:31Z", "--limit", 2], ["d-4", "d-3"], id="until"),
        pytest.param(["--since", "0m"], [], id="since now"),
        pytest.param(
            ["--since", "2026-11-20T13:30+01:00", "--verdict", "error"], ["d-3"], id="zone"
        ),
    ],
)
def test_list_is_narrowed_down(run, journal: Path, options: list[object], ids: list[str]) -> None:
    """By each column."""
    result = run("decisions", "list", "--journal", journal, "--json", *options)
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["decision_id"] for line in result.stdout.splitlines()] == ids


def test_an_empty_list_says_so(run, journal: Path) -> None:
    """On stderr."""
    result = run("decisions", "list", "--journal", journal, "--rule", "INV999")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no decisions" in result.stderr


def test_what_is_no_time_is_told(run, journal: Path) -> None:
    """With what would be one."""
    result = run("decisions", "list", "--journal", journal, "--since", "yesterday")
    assert result.exit_code == 2
    assert "24h" in result.stderr


def test_list_as_json_is_one_line_each(run, journal: Path) -> None:
    """I19: for scripts; the whole record."""
    output = run("decisions", "list", "--journal", journal, "--json").output
    rows = [json.loads(line) for line in output.splitlines()]
    assert [row["decision_id"] for row in rows] == ["d-4", "d-3", "d-2", "d-1"]
    assert rows[3]["outcome"] == {
        "kind": "forwarded",
        "s3_status": 204,
        "upstream_request_id": "UP1",
        "metrics": {"timer_upstream_ns": 9},
    }
    assert (rows[3]["document"], rows[0]["document"]) == ("<InventoryConfiguration/>", None)
    received = '<?xml version="1.0"?>\n<InventoryConfiguration />'
    assert (rows[3]["received"], rows[0]["received"]) == (received, None)
    assert (rows[2]["verdict"], rows[2]["writer"]) == ("deny", "w")


def test_the_journal_is_that_of_the_settings(run, journal: Path) -> None:
    """Here `journal.db` in the working directory."""
    assert "d-1" in run("decisions", "list").output
    assert journal.exists()


@pytest.mark.parametrize(
    ("decision_id", "status", "said"),
    [
        pytest.param("d-1", 0, "The client wrote the same but for layout", id="layout"),
        pytest.param("d-2", 0, "-   <b>⟨U+001B⟩[31m⟨U+202E⟩</b>", id="hostile"),
        pytest.param("d-4", 1, "what the client wrote is not on record", id="removal"),
    ],
)
def test_show_compares_what_the_client_wrote(
    run, journal: Path, decision_id: str, status: int, said: str
) -> None:
    """With what was judged, as the page does; a terminal gets no command of a stranger's."""
    result = run("decisions", "show", decision_id, "--diff", "--journal", journal)
    assert result.exit_code == status
    assert said in result.output + result.stderr
    assert not set(result.output) & {"\x1b", "\u202e"}


def test_list_tells_a_removal_from_a_put(run, tmp_path: Path) -> None:
    """An allowed removal is the end of a report."""

    async def fill(path: Path) -> None:
        kept = await SqliteJournal.open(path, writer="w")
        await kept.record(removal(1).record)
        await kept.record(entry(2).record)
        await kept.close()

    asyncio.run(fill(tmp_path / "removal.db"))
    lines = run("decisions", "list", "--journal", tmp_path / "removal.db").output.splitlines()
    assert [line.strip() for line in lines if " on " in line] == [
        "daily on acme-orders",
        "removal of daily on acme-orders",
    ]


def test_show_tells_what_its_page_tells(run, journal: Path) -> None:
    """For people: the verdict in plain words, and no JSON."""
    output = run("decisions", "show", "d-2", "--journal", journal).output
    assert "breaks rules, so it is refused.\nNothing was sent to S3." in output
    assert "INV015" in output


def test_show_is_the_whole_record(run, journal: Path) -> None:
    """As JSON."""
    result = run("decisions", "show", "d-2", "--json", "--journal", journal)
    assert result.exit_code == 0
    row = json.loads(result.output)
    assert (row["decision_id"], row["result"]) == ("d-2", DENIED)


@pytest.mark.parametrize(
    ("beginning", "words"),
    [
        pytest.param("d-9", "there is no decision d-9", id="none"),
        pytest.param("d-", "several decisions begin with d-", id="several"),
    ],
)
def test_show_of_no_single_one_is_an_error(run, journal: Path, beginning, words) -> None:
    """Exit status 1, on stderr."""
    result = run("decisions", "show", beginning, "--journal", journal)
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr


def test_show_takes_a_beginning(run, tmp_path: Path) -> None:
    """As git does."""

    async def fill(path: Path) -> None:
        kept = await SqliteJournal.open(path, writer="w")
        await kept.record(decision_record(ID))
        await kept.close()

    asyncio.run(fill(tmp_path / "journal.db"))
    assert json.loads(run("decisions", "show", ID[:6], "--json").output)["decision_id"] == ID


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        pytest.param([], ["d-1", "d-2", "d-3", "d-4"], id="all"),
        pytest.param(["-n", 2], ["d-3", "d-4"], id="so many"),
        pytest.param(["-n", 0], [], id="none"),
        pytest.param(["-n", 2, "--rule", "INV001"], ["d-2"], id="rule"),
    ],
)
def test_tail_begins_with_the_last(run, journal: Path, options: list[object], ids) -> None:
    """Oldest first."""
    result = run("decisions", "tail", "--no-follow", "--json", "--journal", journal, *options)
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["decision_id"] for line in result.stdout.splitlines()] == ids


def test_tail_shows_a_table(run, journal: Path) -> None:
    """For people."""
    output = run("decisions", "tail", "--no-follow", "--journal", journal).output
    assert output.index("d-1") < output.index("d-4")


def test_tail_follows_until_interrupted(tmp_path: Path) -> None:
    """What comes later is shown, each once, in order, though it does not pass the filter's page."""
    path = tmp_path / "journal.db"

    async def fill(numbers: range) -> None:
        kept = await SqliteJournal.open(path, writer="w")
        for number in numbers:
            await kept.record(decision_record(f"d-{number}"))
        await kept.close()

    asyncio.run(fill(range(3)))
    command = [sys.executable, "-m", "gateway", "decisions", "tail"]
    with subprocess.Popen(
        [*command, "--json", "--journal", str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as tailing:
        assert tailing.stdout is not None
        seen = [json.loads(tailing.stdout.readline())["decision_id"] for _ in range(3)]
        asyncio.run(fill(range(3, 8)))
        seen += [json.loads(tailing.stdout.readline())["decision_id"] for _ in range(5)]
        tailing.send_signal(signal.SIGINT)
        rest = tailing.stdout.read()
    assert seen == [f"d-{number}" for number in range(8)]
    assert (rest, tailing.returncode) == ("", 130)


@pytest.mark.parametrize("verb", [["list"], ["show", "d-1"], ["tail"]])
def test_what_is_no_journal_is_told(run, tmp_path: Path, verb: list[str]) -> None:
    """One line, exit status 2."""
    path = tmp_path / "text.db"
    path.write_text("no database at all, but a text that is long enough to have a header\n" * 9)
    result = run("decisions", *verb, "--journal", path)
    assert result.exit_code == 2
    assert result.stderr.startswith("inventory-gateway: the journal is unavailable")


def test_wrong_settings_are_told(run, tmp_path: Path) -> None:
    """Before anything is opened."""
    (tmp_path / "gateway.yaml").write_text("nonsense: 1\n")
    result = run("decisions", "list")
    assert result.exit_code == 2
    assert "no such setting" in result.stderr
