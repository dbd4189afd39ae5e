"""How does the destination encrypt what comes without a word? GetBucketEncryption."""

from collections.abc import Hashable, Mapping
from typing import Final

from gateway.adapters.facts.clients import AwsClients, owned
from gateway.adapters.facts.reading import Fixed, part
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from gateway.core.ports import Principal

_NAMES: Final[Mapping[str, str]] = {
    "AES256": "SSE-S3",
    "aws:kms": "SSE-KMS",
    "aws:kms:dsse": "DSSE-KMS",
}


class DefaultEncryptionFact:
    """Reads the default of a destination.

    Args:
        clients: ask S3.
    """

    fact = Fact.DEFAULT_ENCRYPTION
    kept = True

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def about(self, subject: Subject) -> Hashable | None:
        """The destination, where it is, and whose it was confirmed to be."""
        if not subject.destination:
            return None
        return subject.destination, subject.destination_region, subject.destination_account

    async def read(self, subject: Subject, principal: Principal) -> Fixed:
        """Ask S3; that there is no default is an answer.

        Raises:
            FactUnknown, CredentialsUnavailable: see `AwsClients.call`.
        """
        answer = await self._clients.call(
            "s3",
            subject.destination_region,
            "get_bucket_encryption",
            principal,
            owned(subject.destination, subject.destination_account),
            none="ServerSideEncryptionConfigurationNotFoundError",
        )
        name = ""
        if answer is not None:
            rules = part(part(answer, "ServerSideEncryptionConfiguration", dict), "Rules", list)
            # S3 takes one rule.
            defaults = [part(rule, "ApplyServerSideEncryptionByDefault", dict) for rule in rules]
            [algorithm] = [part(default, "SSEAlgorithm", str) for default in defaults] or [""]
            if algorithm not in _NAMES:
                raise FactUnknown("error")
            name = _NAMES[algorithm]
        return Fixed({"/destination/default_encryption": name})
