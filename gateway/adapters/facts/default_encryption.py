"""How does the destination encrypt what comes without a word? GetBucketEncryption."""

from collections.abc import Mapping
from typing import Final

from gateway.adapters.facts.destination_fact import DestinationFact
from gateway.adapters.facts.reading import Fixed, part
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from gateway.core.ports import Principal

_NAMES: Final[Mapping[str, str]] = {
    "AES256": "SSE-S3",
    "aws:kms": "SSE-KMS",
    "aws:kms:dsse": "DSSE-KMS",
}


class DefaultEncryptionFact(DestinationFact):
    """Reads the default of a destination."""

    fact = Fact.DEFAULT_ENCRYPTION

    async def read(self, subject: Subject, principal: Principal) -> Fixed:
        """Ask S3; that there is no default is an answer.

        Raises:
            FactUnknown, CredentialsUnavailable: see `AwsClients.call`.
        """
        answer = await self._ask(
            "get_bucket_encryption",
            subject,
            principal,
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
