"""One decision as text for a terminal."""

from dataclasses import replace

import pytest

from gateway.admin.record import decision_view
from gateway.cli.decision_text import decision_text
from gateway.core.journal import JournalEntry
from gateway.core.ports import Outcome
from tests.support.decisions import (
    CONFIGURATION,
    DOCUMENT,
    FINDING,
    entry,
    question,
    refusal,
    removal,
    result,
)

PATCH = {"rule": "INV032", "path": "/Id"}


def shown(found: JournalEntry) -> str:
    """The text of a decision."""
    return decision_text(decision_view(found)).plain


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        pytest.param(
            refusal(),
            [
                "deny  daily on acme-orders",
                "The configuration breaks rules, so it is refused.",
                "Nothing was sent to S3.",
                "INV001  refuses  severity high",
                "  member                  /Destination/S3BucketDestination/Encryption",
                "  value                   not there",
                "  allowed                 SSE-KMS, SSE-S3",
                "Source acme-orders, facts 12 s old",
                "  region                  eu-central-1",
                "Timings, 2.0 ms together",
                "  policy                  800 µs",
                "The document that was judged",
                "  <Id>daily</Id>",
                "  settings                2026-11-20.1",
            ],
            id="refused",
        ),
        pytest.param(
            removal(outcome=Outcome("failed", 404)),
            [
                "allow  removal of daily on acme-orders",
                "It did not take effect. S3 answered 404.",
                "No rule fired.",
            ],
            id="removal that failed",
        ),
        pytest.param(
            entry(
                received=DOCUMENT.replace(b"daily", b"own"),
                result=result(
                    mutations=[PATCH], original={"configuration": CONFIGURATION | {"Id": "own"}}
                ),
            ),
            [
                "Policy changed Id (INV032) before it judged.",
                "From what the client wrote to what was judged",
                "Policy has replaced what the client wrote.",
                "-   <Id>own</Id>",
                "+   <Id>daily</Id>",
            ],
            id="changed by policy",
        ),
        pytest.param(
            entry(
                result=result(
                    mutations=[PATCH], original={"configuration": CONFIGURATION | {"Id": "own"}}
                ),
            ),
            [
                "What policy changed",
                "The client's own document is not on record.",
                '-   "Id": "own",',
                '+   "Id": "daily",',
            ],
            id="of a release that kept no client's document",
        ),
        pytest.param(
            entry(result=result(would_mutate=[PATCH])),
            ["Policy would have changed Id (INV032), but that it only observes."],
            id="observed",
        ),
        pytest.param(
            entry(result=result(exempted=[FINDING | {"exemption": {"id": "EX-7"}}])),
            ["INV001  exempted  severity high", "  exempted by             EX-7"],
            id="exempted",
        ),
    ],
)
def test_a_decision_is_told_as_on_its_page(found: JournalEntry, lines: list[str]) -> None:
    """Each of these is a line of its own."""
    text = shown(found).splitlines()
    assert [line for line in lines if line not in text] == []


@pytest.mark.parametrize(
    ("found", "absent"),
    [
        pytest.param(removal(), "The document", id="no document"),
        pytest.param(entry(metrics={}), "Timings", id="nothing timed"),
        pytest.param(entry(), "Policy changed", id="nothing changed"),
        pytest.param(entry(), "From what the client wrote", id="no client's document"),
        pytest.param(entry(input=question(source={"bucket": "b"})), "b, facts", id="no age"),
    ],
)
def test_what_there_is_not_has_no_heading(found: JournalEntry, absent: str) -> None:
    """Old records lack what newer ones hold."""
    assert absent not in shown(found)


def test_strangers_text_moves_no_cursor_and_forges_no_line() -> None:
    """I19: escape sequences, overrides of direction, markup and line ends."""
    hostile = "\x1b[2J\u202e[red]x[/red]\r\nverdict  allow"
    finding = dict.fromkeys(FINDING, hostile) | {"allowed": [hostile]}
    found = entry(
        principal=hostile,
        bucket=hostile,
        inventory_id=hostile,
        document=DOCUMENT.replace(b"daily", hostile.encode()),
        input=question(request={"user_agent": hostile}, source={"bucket": hostile, "a": hostile}),
        result=result(
            violations=[finding], would_mutate=[{"rule": hostile, "path": f"/{hostile}"}]
        ),
    )
    text = shown(replace(found, writer=hostile))
    assert "⟨U+001B⟩[2J⟨U+202E⟩[red]x[/red]⟨U+000D⟩ verdict  allow" in text
    assert not {"\x1b", "\u202e", "\r"} & set(text)
    outside = text.partition("The document that was judged")[0]
    assert "verdict  allow" not in [line.strip() for line in outside.splitlines()]
