"""What facts about the destination have in common: when one can be asked about, and how S3 is."""

from collections.abc import Hashable, Mapping
from typing import Any

from gateway.adapters.facts.clients import AwsClients, owned
from gateway.core.policy.fact import Subject
from gateway.core.ports import Principal


class DestinationFact:
    """A fact about the bucket that receives reports.

    Args:
        clients: ask AWS.
    """

    kept = True

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def about(self, subject: Subject) -> Hashable | None:
        """The destination, where it is, and whose it was confirmed to be."""
        if not subject.destination:
            return None
        return subject.destination, subject.destination_region, subject.destination_account

    async def _ask(
        self, operation: str, subject: Subject, principal: Principal, *, none: str
    ) -> Mapping[str, Any] | None:
        """Ask S3 about the destination, its owner's alone where that is known.

        See `AwsClients.call`.
        """
        return await self._clients.call(
            "s3",
            subject.destination_region,
            operation,
            principal,
            owned(subject.destination, subject.destination_account),
            none=none,
        )
