"""When each exemption was used last, as the journal has it: one that never was may go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gateway.core.journal import FoundRule, JournalFilter, JournalReader
from gateway.core.policy.exemption import Exemption

_PAGE: Final = 500
_EXEMPTED: Final = "exempted"


@dataclass(frozen=True, slots=True)
class ExemptionUse:
    """What the journal knows of exemptions.

    Args:
        since: its first decision; None where it has none.
        last: the last decision that each was used in, by the exemption's id; others never were.
    """

    since: datetime | None
    last: Mapping[str, datetime]


async def exemption_use(exemptions: Sequence[Exemption], reader: JournalReader) -> ExemptionUse:
    """Look through the decisions in which an exempted rule fired, from the newest on.

    Raises:
        JournalUnavailable: it cannot be read.
    """
    first = await reader.tail(after=0, limit=1)
    last: dict[str, datetime] = {}
    for rule in sorted({rule for exemption in exemptions for rule in exemption.rules}):
        wanted = {exemption.id for exemption in exemptions if rule in exemption.rules}
        await _look_through(rule, wanted, reader, last)
    return ExemptionUse(first[0].timestamp if first else None, last)


async def _look_through(
    rule: str, wanted: set[str], reader: JournalReader, last: dict[str, datetime]
) -> None:
    """Note the last use of each of these exemptions for a rule; stop where all are found."""
    before: int | None = None
    while wanted:
        rows = await reader.page(JournalFilter(rule=rule), before=before, limit=_PAGE)
        for row in rows:
            if FoundRule(rule, _EXEMPTED) not in row.rules:
                continue
            entry = await reader.get(row.decision_id)
            for used in wanted & (_used(entry.record.result, rule) if entry else set()):
                wanted.discard(used)
                last[used] = max(row.timestamp, last.get(used, row.timestamp))
            if not wanted:
                return
        if len(rows) < _PAGE:
            return
        before = rows[-1].position


def _used(result: Mapping[str, Any], rule: str) -> set[str]:
    """The exemptions that were used for a rule."""
    found = [finding for finding in result[_EXEMPTED] if finding["rule"] == rule]
    return {str(finding["exemption"]["id"]) for finding in found}
