"""Does delivery work? The policy of the destination bucket, by GetBucketPolicy."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.adapters.facts.destination_fact import DestinationFact
from gateway.core.policy.delivery import delivery_permission, known
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from gateway.core.ports import Principal


@dataclass(frozen=True, slots=True)
class BucketPolicy:
    """What S3 gave.

    Args:
        text: JSON; empty where the bucket has no policy.
    """

    text: str

    def members(self, subject: Subject) -> Mapping[str, object]:
        """Whether it lets S3 deliver.

        Raises:
            FactUnknown: `undecided`.
        """
        return {"/destination/delivery": known(delivery_permission(self.text, subject))}


class DeliveryFact(DestinationFact):
    """Reads bucket policies."""

    fact = Fact.DELIVERY

    async def read(self, subject: Subject, principal: Principal) -> BucketPolicy:
        """Ask S3; that there is no policy is an answer.

        Raises:
            FactUnknown, CredentialsUnavailable: see `AwsClients.call`.
        """
        answer = await self._ask("get_bucket_policy", subject, principal, none="NoSuchBucketPolicy")
        if answer is None:
            return BucketPolicy("")
        if not answer.get("Policy"):
            raise FactUnknown("error")
        return BucketPolicy(str(answer["Policy"]))
