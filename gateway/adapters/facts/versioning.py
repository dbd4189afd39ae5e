"""Does the source keep versions? GetBucketVersioning."""

from typing import Final

from gateway.adapters.facts.reading import Fixed
from gateway.adapters.facts.source_fact import SourceFact
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from gateway.core.ports import Principal

_STATUSES: Final = frozenset({"", "Enabled", "Suspended"})


class VersioningFact(SourceFact):
    """Reads the versioning of a source."""

    fact = Fact.VERSIONING

    async def read(self, subject: Subject, principal: Principal) -> Fixed:
        """Ask S3; the answer is empty where versioning was never switched on.

        Raises:
            FactUnknown, CredentialsUnavailable: see `AwsClients.call`.
        """
        answer = await self._ask("get_bucket_versioning", subject, principal)
        status = (answer or {}).get("Status", "")
        if status not in _STATUSES:
            raise FactUnknown("error")
        return Fixed({"/source/versioning": status})
