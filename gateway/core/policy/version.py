"""Which rules and settings answer together, and which times are the same to them."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

_NANOSECONDS: Final = "_ns"


@dataclass(frozen=True, slots=True, eq=False)
class PolicyVersion:
    """Rules under settings, loaded once. Loaded anew they are another version, whatever they say.

    Args:
        revision: of the bundle.
        settings_revision: of the settings; empty where those of the bundle apply.
        repeats: whether the bundle's rules promise `inventory.repeats/1` (`policies/README.md`):
            they read no id of a request and no age of a fact, and hold the time against nothing but
            the times that settings name.
        instants: these times, in nanoseconds since 1970, sorted.
    """

    revision: str
    settings_revision: str = ""
    repeats: bool = False
    instants: tuple[int, ...] = ()

    @classmethod
    def of(
        cls,
        revision: str,
        org: Mapping[str, Any],
        *,
        settings_revision: str = "",
        repeats: bool = False,
    ) -> Self:
        """The version of these rules under the settings `data.org`."""
        instants = tuple(sorted(set(_instants(org))))
        return cls(revision, settings_revision, repeats, instants)

    def span(self, time_ns: int) -> int:
        """The number of the span between two instants in which a time is; it begins with its first.

        All times of one span are the same to rules that ask `now < instant` or `instant <= now`.
        """
        return bisect_right(self.instants, time_ns)


def _instants(value: object) -> Iterator[int]:
    """Every `…_ns` in settings, wherever it stands."""
    match value:
        case Mapping():
            for name, item in value.items():
                if str(name).endswith(_NANOSECONDS) and isinstance(item, int):
                    yield item
                yield from _instants(item)
        case list():
            for item in value:
                yield from _instants(item)
        case _:
            pass
