"""An evaluation for people: a table of findings, what nobody knows, and the patch."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.app.evaluate import Evaluation
from gateway.core.policy.input import plain

#: The options that give a fact; the others come in the file of facts.
OPTIONS: Final = {
    "/source/region": "--source-region",
    "/source/known": "--source-region",
    "/destination/region": "--destination-region",
    "/destination/known": "--destination-region",
    "/destination/owner_verified": "--owner verified",
}
_COLOURS: Final = {"allow": "green", "deny": "red", "would deny": "yellow"}
_KINDS: Final = {"violation": "", "warning": "warns", "dryrun": "dry run", "exempted": "exempted"}


def as_table(evaluations: Sequence[Evaluation]) -> str:
    """The whole report, coloured where standard output is a terminal."""
    terminal = Console()
    with terminal.capture() as captured:
        for evaluation in evaluations:
            _print(evaluation, terminal)
        refused = sum(evaluation.refused for evaluation in evaluations)
        terminal.print(f"{len(evaluations)} judged, {refused} refused.", highlight=False)
    return captured.get()


def _print(evaluation: Evaluation, terminal: Console) -> None:
    head = Text(f"{_line(evaluation)}: ")
    head.append(evaluation.word, _COLOURS[evaluation.word])
    terminal.print(head, soft_wrap=True)
    table = Table(show_lines=True)
    for name in ("rule", "where", "what is wrong", "allowed", "what to do"):
        table.add_column(name, overflow="fold")
    for row in _rows(evaluation):
        table.add_row(*map(Text, row))
    if table.row_count:
        terminal.print(table)
    if evaluation.applied:
        members = ", ".join(f"{item.member} ({item.rule})" for item in evaluation.applied)
        terminal.print(Text(f"The gateway fills in: {members}"), soft_wrap=True)
    for words in _unknown(evaluation):
        terminal.print(Text(words), soft_wrap=True)
    if evaluation.diff:
        terminal.print(Text(_patched(evaluation)), soft_wrap=True)
        terminal.print(Text(evaluation.diff.rstrip("\n")), soft_wrap=True)


def _line(evaluation: Evaluation) -> str:
    asked = evaluation.document
    verb = "put" if evaluation.submission.configuration is not None else "removal of"
    names = (evaluation.submission.inventory_id, evaluation.bucket, asked["principal"]["name"])
    words = "{}: {} {} of {}, asked by {}".format(evaluation.submission.name, verb, *names)
    return plain(words, 1000)


def _rows(evaluation: Evaluation) -> Iterator[tuple[str, ...]]:
    for kind, finding in evaluation.findings():
        notes = [finding.severity.name.lower(), _KINDS[kind]]
        if finding.exemption is not None:
            notes[1] = f"exempted: {finding.exemption.id}, {finding.exemption.ticket}"
        place = evaluation.submission.position(finding.path)
        where = finding.path[1:].replace("/", ".") or "the request"
        yield (
            "\n".join(part for part in (finding.rule, *notes) if part),
            where if place is None else f"{where}\nline {place[0]}, column {place[1]}",
            finding.message,
            ", ".join(finding.allowed),
            finding.remedy,
        )


def _unknown(evaluation: Evaluation) -> Iterator[str]:
    """What the gateway would look up, and what nobody has said here: a finding may rest on it."""
    rules: dict[str, list[str]] = {}
    for _, finding in evaluation.findings():
        for fact in evaluation.unknown(finding.rule):
            rules.setdefault(fact, []).append(finding.rule)
    for fact, names in sorted(rules.items()):
        option = OPTIONS.get(fact, "--facts")
        readers = ", ".join(sorted(set(names)))
        yield f"Not known here: {fact} (read by {readers}); say it with {option}."


def _patched(evaluation: Evaluation) -> str:
    """Of what the gateway does by itself, nobody needs to be persuaded."""
    mended = evaluation.mended
    if evaluation.proposed == evaluation.applied:
        return "As S3 would get it:"
    if mended is None or mended.allow:
        return "Suggested patch; with it nothing is refused:"
    left = ", ".join(sorted({finding.rule for finding in mended.violations}))
    return f"Suggested patch; what it leaves: {left}"
