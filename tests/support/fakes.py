"""One fake per port: in memory, told what to answer, and remembering what it was asked."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from gateway.core.errors import DependencyUnavailable, JournalUnavailable
from gateway.core.policy.input import BucketFact
from gateway.core.ports import DecisionRecord, Outcome, Principal


class FakeJournal:
    """A journal in memory.

    `fault` is raised by every write while it is set; `calls` is the order of what was written.
    """

    def __init__(self) -> None:
        self.records: dict[str, DecisionRecord] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.calls: list[tuple[str, str]] = []
        self.fault: JournalUnavailable | None = None

    async def record(self, record: DecisionRecord) -> None:
        """Keep a decision."""
        if self.fault is not None:
            raise self.fault
        if record.decision_id in self.records:
            raise JournalUnavailable("journal_refused", detail="duplicate decision_id")
        self.calls.append(("record", record.decision_id))
        self.records[record.decision_id] = record

    async def conclude(self, decision_id: str, outcome: Outcome) -> None:
        """Keep an outcome."""
        if self.fault is not None:
            raise self.fault
        self.calls.append(("conclude", decision_id))
        self.outcomes[decision_id] = outcome


class FakeBucketFacts:
    """Facts as told.

    `regions` holds the buckets that exist, `owners` their accounts; `unreadable` buckets answer
    403 without a Region. `moved` tells where a bucket is found once its Region is doubted.
    `fault` is raised while it is set; `asked` is what was looked up. Where `remembers` is set, an
    answer is known from then on.
    """

    def __init__(
        self, regions: Mapping[str, str] | None = None, owners: Mapping[str, str] | None = None
    ) -> None:
        self.regions = dict(regions or {})
        self.owners = dict(owners or {})
        self.unreadable: set[str] = set()
        self.moved: dict[str, str] = {}
        self.fault: DependencyUnavailable | None = None
        self.asked: list[tuple[str, str, str]] = []
        self.remembers = False
        self._known: dict[tuple[str, str | None, str], BucketFact] = {}

    def recall(
        self, bucket: str, principal: Principal, *, expected_owner: str = ""
    ) -> BucketFact | None:
        """The fact that was told before."""
        key = (bucket, principal.role_arn, expected_owner)
        return self._known.get(key) if self.remembers else None

    async def look_up(
        self, bucket: str, principal: Principal, *, expected_owner: str = "", not_in: str = ""
    ) -> BucketFact:
        """The fact that was told."""
        fact = self._told(bucket, principal, expected_owner, not_in)
        self._known[bucket, principal.role_arn, expected_owner] = fact
        return fact

    def _told(
        self, bucket: str, principal: Principal, expected_owner: str, not_in: str
    ) -> BucketFact:
        self.asked.append((bucket, principal.name, expected_owner))
        if self.fault is not None:
            raise self.fault
        if not_in and bucket in self.moved and self.regions.get(bucket, "") in {not_in, ""}:
            self.regions[bucket] = self.moved.pop(bucket)
        fact = BucketFact(bucket, account=expected_owner)
        if bucket in self.unreadable:
            return fact
        if bucket not in self.regions:
            return replace(fact, exists=False)
        verified = bool(expected_owner) and self.owners.get(bucket) == expected_owner
        return replace(fact, region=self.regions[bucket], known=True, owner_verified=verified)


def decision_record(decision_id: str = "d-1", **changes: object) -> DecisionRecord:
    """A record with every field filled."""
    record = DecisionRecord(
        decision_id=decision_id,
        timestamp=datetime(2026, 11, 20, 12, 30, 58, 123456, UTC),
        request_id="4442587FB7D0A2F9",
        principal="analytics-team",
        action="s3:PutInventoryConfiguration",
        bucket="acme-orders",
        inventory_id="daily",
        allow=True,
        revision="2026-11-20.1",
        input={"schema": "inventory.input/1", "source": {"bucket": "acme-orders"}},
        result={"allow": True, "violations": []},
        document=b"<InventoryConfiguration/>",
        document_sha256="ab" * 32,
        error="",
        metrics={"timer_rego_query_eval_ns": 1_050_000},
        received=b'<?xml version="1.0"?>\n<InventoryConfiguration />',
    )
    return replace(record, **changes)  # type: ignore[arg-type]
