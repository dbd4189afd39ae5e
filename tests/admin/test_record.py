"""A decision of the journal, for people."""

from hashlib import sha256
from typing import Any

import pytest

from gateway.admin.difference import Change
from gateway.admin.record import at, decision_view, findings_of, row_of, sentence
from gateway.core.journal import FoundRule, JournalEntry, Verdict
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

ENCRYPTION = "/Destination/S3BucketDestination/Encryption"


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        pytest.param(Verdict.ALLOW, "so it is allowed", id="allowed"),
        pytest.param(Verdict.WOULD_DENY, "enforced, it would be refused", id="observed"),
        pytest.param(Verdict.DENY, "so it is refused", id="refused"),
        pytest.param(Verdict.ERROR, "(engine_timeout)", id="not decided"),
    ],
)
def test_the_verdict_is_said_in_plain_words(verdict: Verdict, words: str) -> None:
    """Of a removal as of a configuration."""
    assert words in sentence(verdict, "engine_timeout", removal=False)
    if verdict is not Verdict.ALLOW:
        exempted = sentence(verdict, "engine_timeout", removal=False, exempted=True)
        assert exempted == sentence(verdict, "engine_timeout", removal=False)
    if verdict is not Verdict.ERROR:
        assert sentence(verdict, "", removal=True).startswith("The removal of the configuration")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        pytest.param(None, "Not on record", id="open"),
        pytest.param(Outcome("refused"), "Nothing was sent to S3.", id="refused"),
        pytest.param(Outcome("forwarded", 204), "Sent to S3. S3 answered 204.", id="forwarded"),
        pytest.param(
            Outcome("failed", 503, "ABC"), "S3 answered 503. S3's request id: ABC", id="failed"
        ),
        pytest.param(
            Outcome("failed"), "It did not take effect. S3 gave no answer.", id="no answer"
        ),
        pytest.param(Outcome("unknown"), "nobody knows", id="unknown"),
        pytest.param(Outcome("of tomorrow"), "of tomorrow", id="another word"),
    ],
)
def test_the_outcome_is_said_in_plain_words(outcome: Outcome | None, words: str) -> None:
    """What became of it, as far as anybody knows."""
    assert words in decision_view(entry(outcome=outcome)).outcome


def test_a_finding_shows_rule_value_and_what_would_be_allowed() -> None:
    """The value is that of the configuration, at the finding's pointer."""
    configuration: dict[str, Any] = {
        "Destination": {"S3BucketDestination": {"Encryption": {"SSES3": {}}}}
    }
    (found,) = findings_of(result(violations=[FINDING]), question(configuration=configuration))
    assert (found.kind, found.rule, found.severity) == ("refuses", "INV001", "high")
    assert found.value == '{"SSES3": {}}'
    assert found.allowed == ("SSE-KMS", "SSE-S3")
    assert found.remedy == FINDING["remedy"]
    assert found.path == ENCRYPTION


def test_findings_say_what_they_do() -> None:
    """Those that refuse come first, those that were let pass last, with who let them."""
    exempted = FINDING | {"exemption": {"id": "EX-7", "ticket": "GOV-1"}}
    found = findings_of(
        result(exempted=[exempted], dryrun=[FINDING], warnings=[FINDING], violations=[FINDING]), {}
    )
    assert [item.kind for item in found] == ["refuses", "warns", "dry run", "exempted"]
    assert [item.exemption for item in found] == ["", "", "", "EX-7 (GOV-1)"]


def test_an_exemption_is_told_with_the_verdict() -> None:
    """Rules that refuse are broken: to say that none is would be wrong."""
    exempted = result(exempted=[FINDING | {"exemption": {"id": "EX-7"}}])
    view = decision_view(entry(result=exempted))
    assert "a rule from which it is exempted, and none that refuses" in view.sentence


def test_a_trace_id_is_shown_where_there_is_one() -> None:
    """It leads to what other services have seen of the request."""
    traced = decision_view(entry(result=result(trace_id="0af7651916cd43dd8448eb211c80319c")))
    assert ("trace id", "0af7651916cd43dd8448eb211c80319c") in traced.request
    assert ("trace id", "") in decision_view(entry()).request


@pytest.mark.parametrize(
    ("before", "words"),
    [
        pytest.param({}, "Policy has filled in", id="was not there"),
        pytest.param({"Id": "own"}, "Policy has replaced", id="was there"),
    ],
)
def test_what_the_client_wrote_is_not_said_to_be_left_out(
    before: dict[str, Any], words: str
) -> None:
    """A prefix that follows no template is replaced, not filled in."""
    mutated = result(
        mutations=[{"rule": "INV032", "path": "/Id"}], original={"configuration": before}
    )
    view = decision_view(entry(received=DOCUMENT.replace(b"daily", b"own"), result=mutated))
    assert view.rewriting is not None
    assert view.rewriting.sentence.startswith(words)


def test_the_view_shows_facts_with_their_age() -> None:
    """Of both buckets."""
    source, destination = decision_view(entry()).buckets
    assert (source.role, source.bucket, source.age) == ("source", "acme-orders", "12 s")
    assert (destination.bucket, destination.age) == ("acme-inventory", "4 min")
    facts = dict(destination.facts)
    assert facts["owner verified"] == "yes"
    assert facts["tags"] == '{"team": "data"}'


def test_a_long_list_of_facts_is_cut() -> None:
    """A bucket may have a thousand inventories."""
    source = {"bucket": "b", "inventories": list(range(1000)), "versioning": False}
    (view,) = decision_view(entry(input={"source": source})).buckets
    facts = dict(view.facts)
    assert facts["inventories"].endswith("39] and 960 more")
    assert facts["versioning"] == "no"


def test_timings_are_those_of_the_gateways_stages() -> None:
    """In the order of a request; what the engine says of its insides is only in the table."""
    view = decision_view(entry())
    assert [(part.label, part.text) for part in view.timings] == [
        ("facts", "1.2 ms"),
        ("policy", "800 µs"),
    ]
    assert dict(view.metrics)["timer_wasm_eval_ns"] == "5 µs"
    assert dict(view.metrics)["counter_steps"] == "1,234"


def test_timings_that_came_with_the_outcome_follow() -> None:
    """The bar is whole, where the record is."""
    later = {"timer_upstream_ns": 30_000_000, "timer_journal_ns": 2_000_000}
    whole = entry(
        metrics={"timer_policy_ns": 800_000, "timer_verification_ns": 90_000, "timer_facts_ns": 1},
        outcome=Outcome("forwarded", 204, metrics=later),
    )
    assert [(part.label, part.text) for part in decision_view(whole).timings] == [
        ("verification", "90 µs"),
        ("facts", "0 µs"),
        ("policy", "800 µs"),
        ("journal", "2.0 ms"),
        ("upstream", "30.0 ms"),
    ]
    assert decision_view(whole).elapsed == "32.9 ms"
    assert decision_view(entry(metrics={})).elapsed == ""


def test_the_clients_document_is_compared_where_it_is_on_record() -> None:
    """And hashed as it came; in what was patched, the document says what the JSON would."""
    received = DOCUMENT.replace(b"<A>", b"<X/><A>")
    patched = result(
        mutations=[{"rule": "INV001", "path": ENCRYPTION}],
        original={"configuration": CONFIGURATION, "body_sha256": "cd" * 32},
    )
    view = decision_view(entry(received=received, result=patched))
    assert view.rewriting is not None
    differ = [line.text for line in view.rewriting.lines if line.change is not Change.SAME]
    assert differ == ["  <X></X>"]
    assert (view.changes, view.rewriting.length) == ((), len(received))
    assert ("body as sent, SHA-256", sha256(received).hexdigest()) in view.policy


@pytest.mark.parametrize(
    "old", [entry(), removal(), entry(received=b"<a/>", document=None)], ids=["old", "removal", "?"]
)
def test_what_is_not_on_record_is_not_compared(old: JournalEntry) -> None:
    """Nothing is claimed about it."""
    assert decision_view(old).rewriting is None


def test_what_policy_filled_in_is_a_difference_of_older_records() -> None:
    """From what the client wrote to what was judged, as JSON."""
    patched = CONFIGURATION | {"Id": "nightly"}
    view = decision_view(
        entry(
            input=question(configuration=patched),
            result=result(
                mutations=[{"rule": "INV001", "path": ENCRYPTION}],
                original={"configuration": CONFIGURATION, "body_sha256": "cd" * 32},
            ),
        )
    )
    changed = [line.text.strip() for line in view.changes if line.change is not Change.SAME]
    assert changed == ['"Id": "daily",', '"Id": "nightly",']
    assert view.mutations == (("INV001", "Destination.S3BucketDestination.Encryption"),)
    assert view.proposals == ()
    assert ("body as sent, SHA-256", "cd" * 32) in view.policy


def test_a_removal_has_neither_document_nor_destination() -> None:
    """There is nothing that would be written."""
    view = decision_view(removal())
    assert view.document == ""
    assert view.changes == ()
    assert [bucket.role for bucket in view.buckets] == ["source"]
    assert view.sentence.startswith("The removal")


def test_a_row_of_a_list_is_made_of_an_entry() -> None:
    """As the journal itself would list it."""
    row = row_of(refusal(7))
    assert (row.position, row.verdict) == (7, Verdict.DENY)
    assert row.rules == (FoundRule("INV001", "deny"),)


@pytest.mark.parametrize(
    "strange",
    [
        pytest.param(entry(input={}, result={}, metrics={}, document=None), id="empty"),
        pytest.param(
            entry(input={"request": 1, "source": [], "principal": None}), id="mistyped input"
        ),
        pytest.param(
            entry(result={"violations": "x", "warnings": [1], "original": 2, "mutations": 3}),
            id="mistyped result",
        ),
        pytest.param(
            entry(result={"violations": [{}], "provenance": {"bundles": {"a": 1}}}),
            id="mistyped members",
        ),
        pytest.param(entry(document=b"\xff\xfe<a"), id="no UTF-8"),
        pytest.param(entry(received=b"\xff\xfe<a"), id="nor in what came"),
        pytest.param(
            entry(metrics={"timer_facts_ns": None, "a": "b", "c": True}), id="mistyped metrics"
        ),
    ],
)
def test_a_record_of_another_version_is_shown_as_far_as_it_goes(strange: JournalEntry) -> None:
    """Old records stay readable; the page never fails over one."""
    assert decision_view(strange).row.position == 1


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("/a/b", 1),
        ("/l/1", "y"),
        ("/l/2", None),
        ("/l/x", None),
        ("/x~1y/z~0", 2),
        ("/a/b/c", None),
        ("", {"a": {"b": 1}, "l": ["x", "y"], "x/y": {"z~": 2}}),
    ],
)
def test_pointers_are_followed(pointer: str, expected: object) -> None:
    """RFC 6901, section 4; what is not there is None."""
    assert at({"a": {"b": 1}, "l": ["x", "y"], "x/y": {"z~": 2}}, pointer) == expected
