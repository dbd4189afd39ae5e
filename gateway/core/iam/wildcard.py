"""IAM's wildcards: `*` for any text, `?` for one character, and nothing else.

The patterns are a stranger's, so that they are matched piece by piece, each piece as early as it
fits: the work grows with pattern times text, and there is nothing to go back to.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from typing import Final

from gateway.core.iam.truth import Truth

#: The longest resource or condition value that is looked at; S3's longest ARN has 1,100 characters.
MAX_PATTERN: Final = 2_048


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches the whole text."""
    first, *rest = pattern.split("*")
    if not rest:
        return len(pattern) == len(text) and _fits(pattern, text, 0)
    *middle, last = rest
    end = len(text) - len(last)
    if len(first) > end or not _fits(first, text, 0) or not _fits(last, text, end):
        return False
    return _in_turn(middle, text, len(first), end)


def covers(pattern: str, beginning: str) -> Truth:
    """Whether the pattern matches the texts that begin so: all of them, none, or None for some.

    What follows the beginning is any text of at least one character.
    """
    first, *rest = pattern.split("*")
    if not rest:
        possible = len(pattern) > len(beginning) and _fits(pattern[: len(beginning)], beginning, 0)
        return None if possible else False
    shared = min(len(first), len(beginning))
    if not _fits(first[:shared], beginning, 0):
        return False
    if len(first) > len(beginning) or rest[-1]:
        return None
    return True if _in_turn(rest[:-1], beginning, len(first), len(beginning)) else None


def _fits(piece: str, text: str, at: int) -> bool:
    for run in piece.split("?"):
        if not text.startswith(run, at):
            return False
        at += len(run) + 1
    return True


def _in_turn(pieces: list[str], text: str, start: int, end: int) -> bool:
    """Whether the pieces occur one after the other in this part of the text."""
    for piece in pieces:
        at = _find(piece, text, start, end)
        if at < 0:
            return False
        start = at + len(piece)
    return True


def _find(piece: str, text: str, start: int, end: int) -> int:
    """Where a piece first occurs, by the longest run of it that has no `?`; -1 for nowhere."""
    if "?" not in piece:
        return text.find(piece, start, end)
    run = max(piece.split("?"), key=len)
    before = piece.index(run)
    last = end - len(piece) + before + len(run)
    at = text.find(run, start + before, last)
    while at >= 0 and not _fits(piece, text, at - before):
        at = text.find(run, at + 1, last)
    return max(at - before, -1)
