"""Which peers and scenarios a run measures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from tests.benchmark.peers import GATEWAY, PEERS
from tests.benchmark.run import BESIDE, FOOTPRINT, GATED
from tests.benchmark.scenario import SCENARIOS

NAMES = (*PEERS, *SCENARIOS, GATED, BESIDE, FOOTPRINT)


@dataclass(frozen=True, slots=True)
class Selection:
    """What to measure, in the order of the tables.

    Args:
        peers: their names.
        scenarios: their names, with those that only some peers take part in.
    """

    peers: Sequence[str]
    scenarios: Sequence[str]

    @classmethod
    def of(cls, only: Sequence[str], *, quick: bool) -> Self:
        """What is named; of the one kind of which nothing is named, everything.

        Raises:
            ValueError: a name means nothing here.
        """
        unknown = [name for name in only if name not in NAMES]
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: not among {', '.join(NAMES)}")
        default = [peer for peer in PEERS if PEERS[peer].quick or not quick]
        return cls(
            [peer for peer in PEERS if peer in only] or default,
            [name for name in NAMES[len(PEERS) :] if name in only] or NAMES[len(PEERS) :],
        )

    @property
    def gated(self) -> bool:
        """Inventory PUTs: only the gateway knows them."""
        return GATED in self.scenarios and GATEWAY in self.peers

    @property
    def beside(self) -> bool:
        """GETs beside inventory PUTs: likewise."""
        return BESIDE in self.scenarios and GATEWAY in self.peers

    @property
    def footprints(self) -> bool:
        """Memory of streams."""
        return FOOTPRINT in self.scenarios
