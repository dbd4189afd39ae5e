"""Which tags does the source carry? GetBucketTagging."""

from typing import Final

from gateway.adapters.facts.reading import Fixed, part
from gateway.adapters.facts.source_fact import SourceFact
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from gateway.core.policy.input import plain
from gateway.core.ports import Principal

#: S3 takes 50, each name of 128 characters and each value of 256; the question is bounded, too.
_MOST: Final = 64


class TagsFact(SourceFact):
    """Reads the tags of a source."""

    fact = Fact.TAGS

    async def read(self, subject: Subject, principal: Principal) -> Fixed:
        """Ask S3; that there are no tags is an answer.

        Raises:
            FactUnknown, CredentialsUnavailable: see `AwsClients.call`.
        """
        answer = await self._ask("get_bucket_tagging", subject, principal, none="NoSuchTagSet")
        tags = [] if answer is None else part(answer, "TagSet", list)
        found = {plain(part(tag, "Key", str)): plain(part(tag, "Value", str)) for tag in tags}
        if len(found) > _MOST or len(found) < len(tags):
            raise FactUnknown("error")
        return Fixed({"/source/tags": found})
