"""Does the source keep versions? GetBucketVersioning."""

from collections.abc import Hashable
from typing import Final

from gateway.adapters.facts.clients import AwsClients, owned
from gateway.adapters.facts.reading import Fixed
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from gateway.core.ports import Principal

_STATUSES: Final = frozenset({"", "Enabled", "Suspended"})


class VersioningFact:
    """Reads the versioning of a source.

    Args:
        clients: ask S3.
    """

    fact = Fact.VERSIONING
    kept = True

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def about(self, subject: Subject) -> Hashable | None:
        """The source, and where it is."""
        return (subject.source, subject.source_region) if subject.source_region else None

    async def read(self, subject: Subject, principal: Principal) -> Fixed:
        """Ask S3; the answer is empty where versioning was never switched on.

        Raises:
            FactUnknown, CredentialsUnavailable: see `AwsClients.call`.
        """
        answer = await self._clients.call(
            "s3",
            subject.source_region,
            "get_bucket_versioning",
            principal,
            owned(subject.source, ""),
        )
        status = (answer or {}).get("Status", "")
        if status not in _STATUSES:
            raise FactUnknown("error")
        return Fixed({"/source/versioning": status})
