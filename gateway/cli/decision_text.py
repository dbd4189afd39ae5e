"""One decision as text for a terminal: what its page on the admin listener shows.

Much of it is strangers' text: nothing is read as markup, what hides or moves the cursor is written
out, and a value is one line, so that none can look like the next.
"""

from collections.abc import Iterable
from typing import Final

from rich.text import Text

from gateway.admin.difference import Change
from gateway.admin.record import DecisionView, FindingView
from gateway.admin.wording import moment, visible
from gateway.core.journal import Verdict
from gateway.core.policy.input import DELETE_ACTION

COLOURS: Final = {
    Verdict.ALLOW: "green",
    Verdict.DENY: "red",
    Verdict.WOULD_DENY: "yellow",
    Verdict.ERROR: "magenta",
}
_CHANGES: Final = {Change.ADDED: "green", Change.REMOVED: "red", Change.SAME: "default"}
_KINDS: Final = {"refuses": "red", "warns": "yellow"}
_NAME_WIDTH: Final = 22


def one_line(value: str) -> str:
    """A stranger's text as it may be printed."""
    return visible(value).replace("\t", " ").replace("\n", " ")


def decision_text(view: DecisionView) -> Text:
    """The whole of it, lines not cut: a terminal breaks them, a pipe keeps them."""
    text = Text()
    _head(text, view)
    _heading(text, "Findings")
    for finding in view.findings:
        _finding(text, finding)
    if not view.findings:
        text.append("No rule fired.\n")
    _heading(text, "Request")
    _pairs(text, view.request)
    for bucket in view.buckets:
        age = f", facts {bucket.age} old" if bucket.age else ""
        _heading(text, f"{bucket.role.capitalize()} {bucket.bucket}{age}")
        _pairs(text, bucket.facts)
    if view.timings:
        _heading(text, f"Timings, {view.elapsed} together")
        _pairs(text, ((part.label, part.text) for part in view.timings))
    _documents(text, view)
    _heading(text, "Record")
    _pairs(text, view.policy)
    text.rstrip()
    return text


def _head(text: Text, view: DecisionView) -> None:
    row = view.row
    removal = "removal of " if row.action == DELETE_ACTION else ""
    text.append(row.verdict.replace("_", " "), f"bold {COLOURS[row.verdict]}")
    text.append(one_line(f"  {removal}{row.inventory_id} on {row.bucket}"), "bold")
    about = f"{moment(row.timestamp)}  {row.principal}  {row.decision_id}"
    text.append(f"\n{one_line(about)}\n\n")
    text.append(f"{one_line(view.sentence)}\n")
    if view.mutations:
        text.append(f"Policy changed {_members(view.mutations)} before it judged.\n")
    text.append(f"{one_line(view.outcome)}\n", "bold yellow" if view.doubtful else "default")


def _finding(text: Text, finding: FindingView) -> None:
    text.append(one_line(finding.rule), "bold")
    text.append(f"  {finding.kind}", _KINDS.get(finding.kind, "default"))
    text.append(one_line(f"  severity {finding.severity}"))
    text.append(f"\n  {one_line(finding.message)}\n")
    members: list[tuple[str, str]] = []
    if finding.path:
        members += [("member", finding.path), ("value", finding.value or "not there")]
    members += [
        ("allowed", ", ".join(finding.allowed)),
        ("remedy", finding.remedy),
        ("exempted by", finding.exemption),
    ]
    _pairs(text, members)


def _documents(text: Text, view: DecisionView) -> None:
    lines = view.changes
    if view.rewriting is not None:
        _heading(text, "From what the client wrote to what was judged")
        text.append(f"{view.rewriting.sentence}\n")
        lines = view.rewriting.lines
    elif lines:
        _heading(text, "What policy changed")
    for line in lines:
        text.append(f"{line.mark} {one_line(line.text)}\n", _CHANGES[line.change])
    if view.proposals:
        members = _members(view.proposals)
        text.append(f"Policy would have changed {members}, but that it only observes.\n")
    if view.document and view.rewriting is None:
        text.append("\nThe client's own document is not on record.\n")
    if view.document:
        _heading(text, "The document that was judged")
        text.append(f"{visible(view.document)}\n")


def _members(changed: Iterable[tuple[str, str]]) -> str:
    return one_line(", ".join(f"{member} ({rule})" for rule, member in changed))


def _heading(text: Text, words: str) -> None:
    text.append(f"\n{one_line(words)}\n", "bold")


def _pairs(text: Text, items: Iterable[tuple[str, str]]) -> None:
    for name, value in items:
        if value:
            text.append(f"  {one_line(name):{_NAME_WIDTH}}  ", "dim")
            text.append(f"{one_line(value)}\n")
