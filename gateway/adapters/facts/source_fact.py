"""What facts about the source have in common: when one can be asked about, and how S3 is."""

from collections.abc import Hashable, Mapping
from typing import Any

from gateway.adapters.facts.clients import AwsClients, owned
from gateway.core.policy.fact import Subject
from gateway.core.ports import Principal


class SourceFact:
    """A fact about the bucket that is listed.

    Args:
        clients: ask AWS.
    """

    kept = True

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def about(self, subject: Subject) -> Hashable | None:
        """The source, and where it is."""
        return (subject.source, subject.source_region) if subject.source_region else None

    async def _ask(
        self, operation: str, subject: Subject, principal: Principal, *, none: str = ""
    ) -> Mapping[str, Any] | None:
        """Ask S3 about the source; see `AwsClients.call`."""
        return await self._clients.call(
            "s3", subject.source_region, operation, principal, owned(subject.source, ""), none=none
        )
