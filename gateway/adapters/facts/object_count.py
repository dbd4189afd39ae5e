"""How much is there to list? CloudWatch's NumberOfObjects, which S3 reports once a day.

It counts all versions, delete markers and the parts of unfinished uploads together: what
IncludedObjectVersions All lists, and never less than the current objects.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html
"""

from datetime import timedelta
from typing import Final

from gateway.adapters.facts.clients import AwsClients
from gateway.adapters.facts.reading import Fixed, part
from gateway.adapters.facts.source_fact import SourceFact
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from gateway.core.ports import Clock, Principal

#: A day's figure may come a day and more later.
_WINDOW: Final = timedelta(days=4)
_DAY: Final = 86_400
#: Where counting stops, see the schema of the question.
_SATURATED: Final = 2**31 - 1


class ObjectCountFact(SourceFact):
    """Reads the last daily figure of a source.

    Args:
        clients: ask CloudWatch.
        clock: the wall clock, aware.
    """

    fact = Fact.OBJECT_COUNT

    def __init__(self, clients: AwsClients, clock: Clock) -> None:
        super().__init__(clients)
        self._clock = clock

    async def read(self, subject: Subject, principal: Principal) -> Fixed:
        """Ask CloudWatch in the source's Region.

        Raises:
            FactUnknown: `none`: no figure, as for a new bucket or that of another account.
            FactUnknown, CredentialsUnavailable: see `AwsClients.call`.
        """
        now = self._clock()
        answer = await self._clients.call(
            "cloudwatch",
            subject.source_region,
            "get_metric_statistics",
            principal,
            {
                "Namespace": "AWS/S3",
                "MetricName": "NumberOfObjects",
                "Dimensions": [
                    {"Name": "BucketName", "Value": subject.source},
                    {"Name": "StorageType", "Value": "AllStorageTypes"},
                ],
                "StartTime": now - _WINDOW,
                "EndTime": now,
                "Period": _DAY,
                "Statistics": ["Average"],
            },
        )
        points = part(answer or {}, "Datapoints", list)
        if not points:
            raise FactUnknown("none")
        try:
            average = max(points, key=lambda point: point["Timestamp"])["Average"]
            count = min(int(average), _SATURATED)
        except (KeyError, TypeError, ValueError, OverflowError) as fault:
            raise FactUnknown("error") from fault
        if count < 0:
            raise FactUnknown("error")
        return Fixed({"/source/object_count": count, "/source/version_count": count})
