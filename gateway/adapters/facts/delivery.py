"""Does delivery work? The policy of the destination bucket, by GetBucketPolicy."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from gateway.adapters.facts.clients import AwsClients, owned
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


class DeliveryFact:
    """Reads bucket policies.

    Args:
        clients: ask S3.
    """

    fact = Fact.DELIVERY
    kept = True

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def about(self, subject: Subject) -> Hashable | None:
        """The destination, where it is, and whose it was confirmed to be."""
        if not subject.destination:
            return None
        return subject.destination, subject.destination_region, subject.destination_account

    async def read(self, subject: Subject, principal: Principal) -> BucketPolicy:
        """Ask S3; that there is no policy is an answer.

        Raises:
            FactUnknown, CredentialsUnavailable: see `AwsClients.call`.
        """
        answer = await self._clients.call(
            "s3",
            subject.destination_region,
            "get_bucket_policy",
            principal,
            owned(subject.destination, subject.destination_account),
            none="NoSuchBucketPolicy",
        )
        if answer is None:
            return BucketPolicy("")
        if not answer.get("Policy"):
            raise FactUnknown("error")
        return BucketPolicy(str(answer["Policy"]))
