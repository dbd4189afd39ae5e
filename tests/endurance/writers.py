"""Clients that write inventory configurations, whatever becomes of the gateway."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from tests.endurance.traffic import Client, client
from tests.support.inventory import document
from tests.support.site import ANA
from tests.support.wire import message, signed

#: Seconds until a client that was told "not now" comes again; SDKs wait as well.
_PAUSE = 0.1


@dataclass(slots=True)
class Writers:
    """Clients that write configurations; what is not acknowledged is written again, unchanged.

    Args:
        acknowledged: by id, the decision that the answer named.
        sent: how many PUTs.
        unavailable: how often the answer was 503.
        ended: whether they are to stop, each after an answer.
    """

    acknowledged: dict[str, str] = field(default_factory=dict)
    sent: int = 0
    unavailable: int = 0
    ended: bool = False
    _again: deque[str] = field(default_factory=deque)
    _made: int = 0

    async def write(self, port: int) -> None:
        """Write one after the other, until the gateway is gone, or it is the end."""
        while not self.ended:
            inventory_id = self._again.popleft() if self._again else self._new()
            try:
                async with client(port) as one:
                    await self._write(one, inventory_id)
            except (ConnectionError, asyncio.IncompleteReadError):
                self._again.append(inventory_id)  # S3 may have it or not: the same once more
                return

    def _new(self) -> str:
        self._made += 1
        return f"inv-{self._made}"

    async def _write(self, one: Client, inventory_id: str) -> None:
        body = document(inventory_id=inventory_id).encode()
        target = f"/acme-orders?inventory&id={inventory_id}"
        one.writer.write(signed(message("PUT", target, body), ANA).wire)
        self.sent += 1
        status, headers = await one.head()
        if status == 503:
            self.unavailable += 1
            self._again.append(inventory_id)
            await asyncio.sleep(_PAUSE)
            return
        assert status == 200
        self.acknowledged[inventory_id] = headers["x-inventory-gateway-decision-id"]
