"""A journal to read, in memory, and decisions to put into it."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.admin.record import row_of
from gateway.core.errors import JournalUnavailable
from gateway.core.journal import (
    EVERYTHING,
    AmbiguousIdError,
    JournalCounts,
    JournalEntry,
    JournalFilter,
    JournalRow,
)
from gateway.core.policy.input import DELETE_ACTION, PUT_ACTION
from gateway.core.ports import DecisionRecord, Outcome

NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
CONFIGURATION: dict[str, Any] = {
    "Destination": {
        "S3BucketDestination": {
            "Bucket": "arn:aws:s3:::acme-inventory",
            "Format": "Parquet",
            "AccountId": "111122223333",
        }
    },
    "IsEnabled": True,
    "Id": "daily",
    "IncludedObjectVersions": "Current",
    "Schedule": {"Frequency": "Daily"},
}
DOCUMENT = (
    b'<InventoryConfiguration xmlns="x"><Id>daily</Id><A><B>c</B></A></InventoryConfiguration>'
)
FINDING: dict[str, Any] = {
    "rule": "INV001",
    "path": "/Destination/S3BucketDestination/Encryption",
    "severity": "high",
    "message": "The inventory report must be encrypted; Encryption is not set.",
    "remedy": "Set Encryption of the destination to one of: SSE-KMS, SSE-S3.",
    "allowed": ["SSE-KMS", "SSE-S3"],
}


def question(**sections: Any) -> dict[str, Any]:
    """An input document; sections replace its own."""
    document: dict[str, Any] = {
        "schema": "inventory.input/1",
        "action": PUT_ACTION,
        "request": {
            "id": "REQUEST000000001",
            "configuration_id": "daily",
            "source_ip": "127.0.0.1",
            "user_agent": "Boto3/1.43",
            "expected_bucket_owner": "",
        },
        "principal": {"name": "ana", "access_key_id": "GWCLIENT", "method": "sigv4-header"},
        "source": {"bucket": "acme-orders", "region": "eu-central-1", "facts_age_seconds": 12},
        "destination": {
            "bucket": "acme-inventory",
            "region": "eu-central-1",
            "known": True,
            "owner_verified": True,
            "facts_age_seconds": 240,
            "tags": {"team": "data"},
        },
        "configuration": CONFIGURATION,
    }
    return document | sections


def result(**findings: Any) -> dict[str, Any]:
    """A result without findings but these."""
    empty: dict[str, Any] = {
        "allow": not findings.get("violations"),
        "would_refuse": False,
        "violations": [],
        "warnings": [],
        "dryrun": [],
        "exempted": [],
        "provenance": {"bundles": {"inventory": {"revision": "abc123"}}},
    }
    return empty | findings


def entry(position: int = 1, **changes: Any) -> JournalEntry:
    """An allowed PUT; changes are to its record, `outcome` is its outcome."""
    outcome = changes.pop("outcome", Outcome("forwarded", 204, "S3REQUEST0000001"))
    record = DecisionRecord(
        decision_id=f"{position:08x}-0000-4000-8000-000000000000",
        timestamp=NOW - timedelta(minutes=1),
        request_id="REQUEST000000001",
        principal="ana",
        action=PUT_ACTION,
        bucket="acme-orders",
        inventory_id="daily",
        allow=True,
        revision="2026-11-20.1",
        input=question(),
        result=result(),
        document=DOCUMENT,
        document_sha256="0f" * 32,
        metrics={
            "timer_facts_ns": 1_200_000,
            "timer_policy_ns": 800_000,
            "timer_wasm_eval_ns": 5_000,
            "counter_steps": 1234,
        },
    )
    return JournalEntry(position, replace(record, **changes), outcome, "writer-1", "ab" * 32)


def refusal(position: int = 2, **changes: Any) -> JournalEntry:
    """A refused PUT."""
    values = {"allow": False, "result": result(violations=[FINDING]), "outcome": Outcome("refused")}
    return entry(position, **(values | changes))


def removal(position: int = 3, **changes: Any) -> JournalEntry:
    """An allowed DELETE."""
    asked = question(action=DELETE_ACTION)
    del asked["configuration"], asked["destination"]
    values = {"action": DELETE_ACTION, "input": asked, "document": None, "document_sha256": ""}
    return entry(position, **(values | changes))


class FakeReader:
    """A `JournalReader` over entries, oldest first; `fault` is raised while it is set."""

    def __init__(self, entries: Sequence[JournalEntry] = ()) -> None:
        self.entries = list(entries)
        self.fault: JournalUnavailable | None = None
        self.counted = 0

    async def page(
        self, wanted: JournalFilter = EVERYTHING, *, before: int | None = None, limit: int = 50
    ) -> Sequence[JournalRow]:
        """Newest first."""
        rows = [row for row in self._rows(wanted) if before is None or row.position < before]
        return rows[::-1][:limit]

    async def tail(
        self, wanted: JournalFilter = EVERYTHING, *, after: int, limit: int = 50
    ) -> Sequence[JournalRow]:
        """Oldest first."""
        return [row for row in self._rows(wanted) if row.position > after][:limit]

    async def get(self, decision_id: str) -> JournalEntry | None:
        """By the beginning of its id."""
        self._fail()
        found = [it for it in self.entries if it.record.decision_id.startswith(decision_id)]
        if len(found) > 1:
            raise AmbiguousIdError(decision_id)
        return found[0] if found else None

    async def counts(self, since: datetime, until: datetime) -> JournalCounts:
        """Of a span."""
        self._fail()
        self.counted += 1
        await asyncio.sleep(0)  # others have their turn, as with a real one
        rows = [row for row in self._rows(EVERYTHING) if since <= row.timestamp < until]
        return JournalCounts(
            hours=Counter((_hour(row.timestamp), row.verdict) for row in rows),
            rules=Counter(found for row in rows for found in row.rules),
            principals=Counter((row.principal, row.verdict) for row in rows),
            open=sum(row.outcome is None for row in rows),
        )

    async def timings(self, *, limit: int = 500) -> Sequence[Mapping[str, int]]:
        """Of the newest."""
        return [entry.record.metrics for entry in self.entries[::-1][:limit]]

    def _rows(self, wanted: JournalFilter) -> list[JournalRow]:
        self._fail()
        rows = [row_of(entry) for entry in self.entries]
        return [row for row in rows if _fits(row, wanted)]

    def _fail(self) -> None:
        if self.fault is not None:
            raise self.fault


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _fits(row: JournalRow, wanted: JournalFilter) -> bool:
    outcome = "open" if row.outcome is None else row.outcome.kind
    return (
        wanted.verdict in (None, row.verdict)
        and wanted.outcome in ("", outcome)
        and wanted.principal in ("", row.principal)
        and wanted.bucket in ("", row.bucket)
        and (not wanted.rule or wanted.rule in {found.rule for found in row.rules})
        and (wanted.since is None or row.timestamp >= wanted.since)
        and (wanted.until is None or row.timestamp < wanted.until)
    )
