"""The last use of each exemption, out of a real journal."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.adapters.journal.sqlite import SqliteJournal, SqliteJournalReader
from gateway.app import exemption_use as module
from gateway.app.exemption_use import ExemptionUse, exemption_use
from gateway.core.policy.exemption import Exemption
from tests.support.fakes import decision_record

DAY = datetime(2026, 11, 20, tzinfo=UTC)


def exemption(name: str, *rules: str) -> Exemption:
    """An exemption for these rules."""
    return Exemption(name, rules, ("*",), ("*",), ("*",), "r", "T", "a", DAY)


async def use(folder: Path, *exemptions: Exemption, results: list[dict[str, object]]):
    """What a journal tells that holds one decision a day with these results."""
    path = folder / "journal.db"
    journal = await SqliteJournal.open(path, writer="w")
    for number, result in enumerate(results):
        moment = DAY + timedelta(days=number)
        record = decision_record(f"d-{number}", timestamp=moment, result={"allow": True, **result})
        await journal.record(record)
    await journal.close()
    reader = await SqliteJournalReader.open(path)
    try:
        return await asyncio.wait_for(exemption_use(exemptions, reader), 60)
    finally:
        await reader.close()


def exempted(*used: tuple[str, str]) -> dict[str, object]:
    """A result in which exemptions were used, each for a rule."""
    return {"exempted": [{"rule": rule, "exemption": {"id": name}} for rule, name in used]}


async def test_each_use_counts_and_the_last_is_told(tmp_path: Path) -> None:
    """Of whatever rule; an exemption of another for the same rule is not one's own."""
    found = await use(
        tmp_path,
        exemption("EX-1", "INV001", "INV030"),
        exemption("EX-2", "INV030"),
        exemption("EX-3", "INV030"),
        results=[
            exempted(("INV030", "EX-2")),
            exempted(("INV001", "EX-1")),
            exempted(("INV030", "EX-1"), ("INV001", "EX-1")),
            exempted(("INV030", "EX-9")),
            {"violations": [{"rule": "INV030"}]},
            exempted(("INV040", "EX-3")),
        ],
    )
    assert found == ExemptionUse(DAY, {"EX-1": DAY + timedelta(days=2), "EX-2": DAY})


@pytest.mark.parametrize("number", [1, 4, 5])
async def test_a_long_journal_is_read_page_by_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """To its end, for those that were never used."""
    monkeypatch.setattr(module, "_PAGE", 2)
    results = [exempted(("INV030", "EX-1"))] + [exempted(("INV030", "EX-9"))] * (number - 1)
    found = await use(
        tmp_path, exemption("EX-1", "INV030"), exemption("EX-2", "INV030"), results=results
    )
    assert found == ExemptionUse(DAY, {"EX-1": DAY})


async def test_an_empty_journal_knows_nothing(tmp_path: Path) -> None:
    """Not even since when."""
    assert await use(tmp_path, exemption("EX-1", "INV030"), results=[]) == ExemptionUse(None, {})
