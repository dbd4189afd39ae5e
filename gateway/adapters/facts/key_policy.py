"""May S3 encrypt with the key? The policy of the KMS key, by GetKeyPolicy.

KMS shows a key's policy to callers of the key's own account alone: others stay unknown.
https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html
"""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.adapters.facts.clients import AwsClients
from gateway.adapters.facts.reading import part
from gateway.core.policy.delivery import key_permission, known
from gateway.core.policy.fact import Fact, Subject
from gateway.core.ports import Principal

_KEY: Final = re.compile(
    r"arn:aws(?:-[a-z]+)*:kms:([a-z0-9-]{1,40}):[0-9]{12}:key/[A-Za-z0-9-]{1,64}", re.ASCII
)


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """What KMS gave.

    Args:
        text: JSON.
    """

    text: str

    def members(self, subject: Subject) -> Mapping[str, object]:
        """Whether it lets S3 encrypt.

        Raises:
            FactUnknown: `undecided`.
        """
        return {"/destination/key_policy": known(key_permission(self.text, subject))}


class KeyPolicyFact:
    """Reads policies of keys.

    Args:
        clients: ask KMS.
    """

    fact = Fact.KEY_POLICY
    kept = True

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def about(self, subject: Subject) -> Hashable | None:
        """The key, if it is named by its whole ARN and in the destination's Region.

        What a client writes chooses no Region to ask in; S3 can use no key of another one.
        """
        found = _KEY.fullmatch(subject.key_arn)
        if found is None or found[1] != subject.destination_region:
            return None
        return subject.key_arn

    async def read(self, subject: Subject, principal: Principal) -> KeyPolicy:
        """Ask KMS.

        Raises:
            FactUnknown, CredentialsUnavailable: see `AwsClients.call`.
        """
        answer = await self._clients.call(
            "kms",
            subject.destination_region,
            "get_key_policy",
            principal,
            {"KeyId": subject.key_arn, "PolicyName": "default"},
        )
        return KeyPolicy(part(answer or {}, "Policy", str))
