"""Does the destination block public access? GetPublicAccessBlock."""

from collections.abc import Hashable
from typing import Final

from gateway.adapters.facts.clients import AwsClients, owned
from gateway.adapters.facts.reading import Fixed, part
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from gateway.core.ports import Principal

_PARTS: Final = (
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
)


class PublicAccessFact:
    """Reads the four parts. Those of the account are not asked for: they are not the bucket's own.

    Args:
        clients: ask S3.
    """

    fact = Fact.PUBLIC_ACCESS
    kept = True

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def about(self, subject: Subject) -> Hashable | None:
        """The destination, where it is, and whose it was confirmed to be."""
        if not subject.destination:
            return None
        return subject.destination, subject.destination_region, subject.destination_account

    async def read(self, subject: Subject, principal: Principal) -> Fixed:
        """Ask S3; that nothing was ever configured is an answer.

        Raises:
            FactUnknown, CredentialsUnavailable: see `AwsClients.call`.
        """
        answer = await self._clients.call(
            "s3",
            subject.destination_region,
            "get_public_access_block",
            principal,
            owned(subject.destination, subject.destination_account),
            none="NoSuchPublicAccessBlockConfiguration",
        )
        blocked = False
        if answer is not None:
            parts = part(answer, "PublicAccessBlockConfiguration", dict)
            if not parts:
                raise FactUnknown("error")
            blocked = all(parts.get(name) is True for name in _PARTS)
        return Fixed({"/destination/public_access_blocked": blocked})
