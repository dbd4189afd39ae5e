"""What a client does on one side, and how it goes at versitygw."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.servers.stage import Side


@dataclass(frozen=True, slots=True)
class Script:
    """Something to do on either side, with a client of its own.

    Args:
        run: does it, and returns what is compared.
        refused: the errors that it meets at versitygw, in order: where all is refused alike,
            nothing has been compared.
    """

    run: Callable[[Side], Any]
    refused: tuple[str, ...] = ()
