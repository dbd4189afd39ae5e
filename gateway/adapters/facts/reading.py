"""What a service gave, as far as it says the same of every subject; and what cannot be used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.core.policy.fact import FactUnknown, Subject


@dataclass(frozen=True, slots=True)
class Fixed:
    """An answer that does not depend on the configuration.

    Args:
        answer: JSON pointer -> value.
    """

    answer: Mapping[str, object]

    def members(self, _subject: Subject) -> Mapping[str, object]:
        """The same for all."""
        return self.answer


def part(answer: object, name: str, kind: type[Any]) -> Any:
    """A part of an answer, which must be there and of its kind.

    Raises:
        FactUnknown: `error`.
    """
    found = answer.get(name) if isinstance(answer, Mapping) else None
    if not isinstance(found, kind):
        raise FactUnknown("error")
    return found
