"""Three-valued logic (Kleene's): yes, no, and None for what cannot be told."""

from collections.abc import Iterable

Truth = bool | None


def every(parts: Iterable[Truth]) -> Truth:
    """The conjunction: one no decides, whatever else is not known."""
    found: Truth = True
    for part in parts:
        if part is False:
            return False
        if part is None:
            found = None
    return found


def some(parts: Iterable[Truth]) -> Truth:
    """The disjunction: one yes decides, whatever else is not known."""
    found: Truth = False
    for part in parts:
        if part is True:
            return True
        if part is None:
            found = None
    return found


def negated(part: Truth) -> Truth:
    """What is not known stays so."""
    return None if part is None else not part
