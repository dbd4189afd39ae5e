"""Does the destination's account belong to the organisation? AWS Organizations' DescribeAccount.

One call about one account, where ListAccounts would page through all of them. Only the management
account and delegated administrators may ask, so that the gateway's own role does, and not the
principal's; policy gets to know a yes or a no about the owner of a destination that the principal
may use.
https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeAccount.html
"""

from collections.abc import Hashable, Mapping
from typing import Final

from gateway.adapters.facts.clients import AwsClients
from gateway.adapters.facts.reading import Fixed, part
from gateway.core.inventory.configuration import partition_of
from gateway.core.policy.fact import Fact, Subject
from gateway.core.ports import Principal

#: Organizations has one place in each partition.
_PLACES: Final[Mapping[str, str]] = {
    "aws": "us-east-1",
    "aws-cn": "cn-northwest-1",
    "aws-us-gov": "us-gov-west-1",
}
#: Has no role of its own, which makes it the gateway itself.
_GATEWAY: Final = Principal("gateway", (), frozenset())


class AccountsFact:
    """Asks for accounts of the organisation.

    Args:
        clients: ask Organizations.
    """

    fact = Fact.ACCOUNTS
    kept = True

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def about(self, subject: Subject) -> Hashable | None:
        """The account, where S3 has confirmed that the destination is its own."""
        if partition_of(subject.destination_region) not in _PLACES:
            return None
        return subject.destination_account or None

    async def read(self, subject: Subject, principal: Principal) -> Fixed:  # noqa: ARG002 - see above
        """Ask Organizations; an account that is suspended or being closed is none of ours.

        Raises:
            FactUnknown, CredentialsUnavailable: see `AwsClients.call`.
        """
        answer = await self._clients.call(
            "organizations",
            _PLACES[partition_of(subject.destination_region)],
            "describe_account",
            _GATEWAY,
            {"AccountId": subject.destination_account},
            none="AccountNotFoundException",
        )
        ours = False
        if answer is not None:
            account = part(answer, "Account", dict)
            ours = account.get("State", account.get("Status")) == "ACTIVE"
        return Fixed({"/destination/in_organisation": ours})
