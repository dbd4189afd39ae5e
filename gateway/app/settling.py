"""Whether a changed file is whole: not everybody writes a new one and moves it into place."""

from collections.abc import Callable
from typing import Final

#: Looks at a file that never stands still, after which it is taken as it is: a key that was taken
#: away must not be good for ever.
_PATIENCE: Final = 10


class Settling:
    """Says of a changed file that it may be read, once two looks in a row have found it the same.

    Who writes a file in place is seen in the middle of it; half of a file of principals may read
    like a whole one with fewer of them. A file that is moved into place waits for one look more.

    Args:
        changed: what the file looks like; empty where that is what was last read.
    """

    def __init__(self, changed: Callable[[], tuple[object, ...]]) -> None:
        self._changed = changed
        self._seen: tuple[object, ...] = ()
        self._looks = 0

    def settled(self) -> bool:
        """Look once more: whether there is something to read, and nobody seems to write it now."""
        found = self._changed()
        same, self._seen = found == self._seen, found
        self._looks = self._looks + 1 if found else 0
        return bool(found) and (same or self._looks >= _PATIENCE)
