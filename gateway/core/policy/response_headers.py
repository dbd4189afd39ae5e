"""What an allowed write tells its client about the decision: ids, and members that were changed."""

import re
from collections.abc import Iterable
from typing import Final

from gateway.core.policy.decision import Allow

MUTATED: Final = "x-inventory-gateway-mutated"
WARNINGS: Final = "x-inventory-gateway-warnings"
EXEMPTIONS: Final = "x-inventory-gateway-exemptions"
WOULD_REFUSE: Final = "x-inventory-gateway-would-refuse"
#: The ids come from files; whatever else they hold, they must not end the line.
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,40}", re.ASCII)
_MOST: Final = 32


def response_headers(decision: Allow) -> list[tuple[str, str]]:
    """Name what was changed, warned of, exempted, and what enforcement would have refused.

    Each header is there only where it has something to name, and bounded.
    """
    verdict = decision.verdict
    used = [item.exemption.id for item in verdict.exempted if item.exemption is not None]
    named = {
        WARNINGS: [item.rule for item in verdict.warnings],
        EXEMPTIONS: used,
        WOULD_REFUSE: [item.rule for item in decision.would_refuse],
    }
    headers = [(name, _joined(ids)) for name, ids in named.items() if _joined(ids)]
    if decision.mutations:  # of three members, whose names are ours
        headers.insert(0, (MUTATED, ", ".join(item.member for item in decision.mutations)))
    return headers


def _joined(ids: Iterable[str]) -> str:
    """Each once, in order of severity as they came."""
    fit = [item for item in dict.fromkeys(ids) if _ID.fullmatch(item) is not None]
    return "; ".join(fit[:_MOST])
