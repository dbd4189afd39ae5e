"""Does the destination block public access? GetPublicAccessBlock."""

from typing import Final

from gateway.adapters.facts.destination_fact import DestinationFact
from gateway.adapters.facts.reading import Fixed, part
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from gateway.core.ports import Principal

_PARTS: Final = (
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
)


class PublicAccessFact(DestinationFact):
    """Reads the four parts; those of the account are not asked for: they are not the bucket's."""

    fact = Fact.PUBLIC_ACCESS

    async def read(self, subject: Subject, principal: Principal) -> Fixed:
        """Ask S3; that nothing was ever configured is an answer.

        Raises:
            FactUnknown, CredentialsUnavailable: see `AwsClients.call`.
        """
        answer = await self._ask(
            "get_public_access_block",
            subject,
            principal,
            none="NoSuchPublicAccessBlockConfiguration",
        )
        blocked = False
        if answer is not None:
            parts = part(answer, "PublicAccessBlockConfiguration", dict)
            if not parts:
                raise FactUnknown("error")
            blocked = all(parts.get(name) is True for name in _PARTS)
        return Fixed({"/destination/public_access_blocked": blocked})
