"""`inventory-gateway policy`."""

import asyncio
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from gateway.adapters.journal.sqlite import SqliteJournal
from gateway.adapters.opa_wasm import PolicyBundle
from tests.support.fakes import decision_record

EXAMPLE = Path(__file__).resolve().parents[2] / "docs/policy-settings.yaml"
SETTINGS = """\
org:
  revision: "1"
  enforcement: observe
  inventory:
    rules:
      INV001: {minimum: SSE-KMS}
      INV015: {mode: warn}
  exemptions:
    - {id: EX-1, rules: [INV001, INV015], buckets: ["legacy-*"], principals: ["*"],
       configuration_ids: ["*"], reason: r, ticket: "[red]GOV-1[/red]", approved_by: governance,
       expires: 2001-01-01T00:00:00Z}
    - {id: EX-2, rules: [INV001], buckets: ["*"], principals: ["*"], configuration_ids: ["*"],
       reason: r, ticket: GOV-2, approved_by: governance, expires: 2190-01-01T01:00:00+01:00}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings with a mode, a parameter, and two exemptions."""
    path = tmp_path / "policy.yaml"
    path.write_text(SETTINGS)
    return path


def row(output: str, name: str) -> list[str]:
    """The cells of the row that begins with a name."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines()]
    (found,) = [cells for cells in rows if cells[:1] == [name]]
    return found


def test_list_shows_every_rule_as_it_ships(run) -> None:
    """Without settings."""
    result = run("policy", "list")
    assert result.exit_code == 0
    catalog = PolicyBundle.shipped().catalog
    assert all(rule in result.output for rule in catalog)
    assert row(result.output, "INV015") == ["INV015", "high", "deny", catalog["INV015"]["title"]]
    assert "observe" not in result.output


def test_list_shows_the_modes_of_the_settings(run, settings: Path) -> None:
    """Named, or those of the gateway's settings."""
    output = run("policy", "list", "--settings", settings).output
    assert row(output, "INV015")[2] == "warn"
    assert "enforcement is observe" in output
    Path("gateway.yaml").write_text("policy_settings: policy.yaml\n")
    assert run("policy", "list").output == output


def test_list_names_facts_that_nobody_looks_up(run, settings: Path) -> None:
    """For rules that are on, as the setting of the gateway has it."""
    settings.write_text('org: {revision: "1", inventory: {rules: {INV053: {tags: {o: ["*"]}}}}}')
    output = run("policy", "list", "--settings", settings).output
    assert "`facts` does not name tags: never known to INV053." in output
    assert "INV017" not in output.splitlines()[-1]
    assert "does not name configurations" not in output
    Path("gateway.yaml").write_text("facts: [tags, delivery]\n")
    output = run("policy", "list", "--settings", settings).output
    assert output.count("does not name") == 1
    assert "`facts` does not name key-policy: never known to INV019." in output


def test_explain_says_what_a_rule_is_about(run, settings: Path) -> None:
    """Its words, its mode, and what may be set."""
    result = run("policy", "explain", "INV001", "--settings", settings)
    assert result.exit_code == 0
    assert "INV001: The report is encrypted" in result.output
    assert "mode in force: deny" in result.output
    assert 'Default: "SSE-S3". Set to: "SSE-KMS".' in result.output
    assert "Set to" not in run("policy", "explain", "INV001").output


def test_explain_says_what_must_be_known(run) -> None:
    """And the answer where it is not; rules that need nothing looked up say nothing."""
    output = run("policy", "explain", "INV053").output
    assert "facts: needs `facts` to name tags; where not known: A finding." in output
    assert "facts: where not known: A finding." in run("policy", "explain", "INV015").output
    assert "not known" not in run("policy", "explain", "INV030").output


def test_explain_of_none_is_an_error(run) -> None:
    """With what may have been meant."""
    result = run("policy", "explain", "INV01")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "there is no rule INV01; did you mean INV0" in result.stderr
    assert "did you mean" not in run("policy", "explain", "x").stderr


def test_exemptions_are_listed_also_when_they_have_ended(run, settings: Path) -> None:
    """Nothing is hidden, and no text is markup."""
    output = run("policy", "exemptions", "--settings", settings).output
    assert row(output, "EX-1") == [
        "EX-1",
        "INV001, INV015",
        "legacy-*",
        "[red]GOV-1[/red]",
        "governance",
        "2001-01-01 00:00Z",
        "expired",
    ]
    assert row(output, "EX-2")[-2:] == ["2190-01-01 00:00Z", "running"]
    assert run("policy", "exemptions").exit_code == 0


def test_exemptions_that_have_ended_or_were_never_used_are_told(run, settings: Path) -> None:
    """By the journal that is named, or that of the settings; without one nothing is claimed."""

    async def fill(*results: dict[str, object]) -> None:
        journal = await SqliteJournal.open(Path("journal.db"), writer="w")
        for number, result in enumerate(results):
            await journal.record(decision_record(f"d-{number}", result=result))
        await journal.close()

    arguments = ("policy", "exemptions", "--settings", settings)
    plain = run(*arguments).output
    assert "Expired: EX-1." in plain
    assert "used" not in plain
    asyncio.run(fill())
    empty = run(*arguments, "--used").output
    assert "Never used (the journal is empty): EX-1, EX-2." in empty
    finding = {"rule": "INV001", "exemption": {"id": "EX-2"}}
    asyncio.run(fill({"allow": True, "exempted": [finding]}))
    for more in (("--used",), ("--journal", "journal.db")):
        output = run(*arguments, *more).output
        assert row(output, "EX-1")[-1] == "never"
        assert row(output, "EX-2")[-1] == "2026-11-20 12:30Z"
        assert "Never used (since 2026-11-20 12:30Z): EX-1." in output
    missing = run(*arguments, "--journal", "missing.db")
    assert missing.exit_code == 2
    assert not Path("missing.db").exists()


@pytest.mark.parametrize("verb", [["list"], ["explain", "INV001"], ["exemptions"]])
def test_bad_settings_are_told(run, settings: Path, verb: list[str]) -> None:
    """By file and line, exit status 2."""
    settings.write_text(SETTINGS.replace("INV015: {mode", "INV999: {mode"))
    result = run("policy", *verb, "--settings", settings)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "policy.yaml:7: INV999 is no rule of this catalogue" in result.stderr


def test_the_example_of_the_documentation_holds(run) -> None:
    """It is read, and its exemption shown."""
    output = run("policy", "exemptions", "--settings", EXAMPLE).output
    assert row(output, "EX-7")[:3] == ["EX-7", "INV001", "legacy-*"]


def test_the_data_are_those_of_the_engine(run, settings: Path) -> None:
    """With what the rules compare: nanoseconds, and the revision with its digest."""
    org = json.loads(run("policy", "data", "--settings", settings).output)
    assert org["exemptions"][0]["expires_ns"] == 978_307_200_000_000_000
    assert org["revision"].startswith("1+")
    assert json.loads(run("policy", "data").output) == {"revision": "default"}


def test_the_schema_is_for_editors(run) -> None:
    """And takes what the loader takes."""
    schema = json.loads(run("policy", "schema").output)
    example = yaml.load(SETTINGS, yaml.BaseLoader)  # noqa: S506 - every scalar a text
    jsonschema.Draft202012Validator(schema).validate(example)
