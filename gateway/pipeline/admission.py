"""How many requests may be under way: in all, and for one principal.

One tenant must not take every connection to S3. Whoever is over the limit reads S3's own SlowDown,
which every SDK answers by waiting.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.core.errors import GatewayError


class Admission:
    """Counts requests under way.

    Args:
        total: at most so many.
        per_principal: at most so many of one principal's.
    """

    def __init__(self, total: int, per_principal: int) -> None:
        self._total = total
        self._per_principal = per_principal
        self._under_way = 0
        self._by_principal: Counter[str] = Counter()

    @contextmanager
    def admitted(self, principal: str) -> Iterator[None]:
        """Hold a place for one request.

        Raises:
            GatewayError: SlowDown (503): there is none.
        """
        if self._under_way >= self._total or self._by_principal[principal] >= self._per_principal:
            raise GatewayError(
                "SlowDown", "Please reduce your request rate.", headers={"Retry-After": "1"}
            )
        self._under_way += 1
        self._by_principal[principal] += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._by_principal[principal] -= 1
            if not self._by_principal[principal]:
                del self._by_principal[principal]
