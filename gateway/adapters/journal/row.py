"""A record as a row, and back."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from gateway.adapters.journal.received import packed, unpacked
from gateway.core.journal import FoundRule, JournalEntry, JournalRow, Verdict, verdict_of
from gateway.core.ports import DecisionRecord, Outcome

_JSON: Final = ("input", "result", "metrics")
_FIELDS: Final = tuple(field.name for field in fields(DecisionRecord))


def values_of(record: DecisionRecord) -> dict[str, Any]:
    """A record as columns, but for those that are known at the commit.

    Raises:
        TypeError: a value that JSON cannot carry.
        UnicodeEncodeError: a text that is none.
    """
    values: dict[str, Any] = {name: getattr(record, name) for name in _FIELDS}
    values["timestamp"] = text_of(record.timestamp)
    values["allow"] = int(record.allow)
    values["verdict"] = verdict_of(record).value
    values["received"] = packed(record.received, record.document)
    for name in _JSON:
        values[name] = _text_of_json(values[name])
    for value in values.values():
        _ = isinstance(value, str) and value.encode()
    return values


def outcome_values(outcome: Outcome) -> dict[str, Any]:
    """An outcome as columns, but for those that are known at the commit.

    Raises:
        TypeError: a value that JSON cannot carry.
        UnicodeEncodeError: a text that is none.
    """
    values = {
        "outcome": outcome.kind,
        "s3_status": outcome.s3_status,
        "upstream_request_id": outcome.upstream_request_id,
        "outcome_metrics": _text_of_json(outcome.metrics) if outcome.metrics else None,
    }
    f"{outcome.kind}{outcome.upstream_request_id}".encode()
    return values


def text_of(instant: datetime) -> str:
    """An instant as it is stored."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def record_of(row: Mapping[Any, Any]) -> DecisionRecord:
    """The record that a row holds."""
    found = {name: row[name] for name in _FIELDS}
    found["timestamp"] = datetime.fromisoformat(row["timestamp"])
    found["allow"] = bool(row["allow"])
    found["received"] = unpacked(row["received"], row["document"])
    for name in _JSON:
        found[name] = orjson.loads(row[name])
    return DecisionRecord(**found)


def outcome_of(row: Mapping[Any, Any]) -> Outcome | None:
    """The outcome that a row holds, if there is one."""
    if row["outcome"] is None:
        return None
    metrics = orjson.loads(row["outcome_metrics"] or "{}")
    return Outcome(row["outcome"], row["s3_status"], row["upstream_request_id"], metrics)


def entry_of(row: Mapping[Any, Any]) -> JournalEntry:
    """A row, whole."""
    return JournalEntry(
        row["position"], record_of(row), outcome_of(row), row["writer"], row["hash"]
    )


def listed(row: Mapping[Any, Any], rules: tuple[FoundRule, ...]) -> JournalRow:
    """A row as it stands in a list."""
    return JournalRow(
        position=row["position"],
        decision_id=row["decision_id"],
        timestamp=datetime.fromisoformat(row["timestamp"]),
        principal=row["principal"],
        action=row["action"],
        bucket=row["bucket"],
        inventory_id=row["inventory_id"],
        verdict=Verdict(row["verdict"]),
        error=row["error"],
        outcome=outcome_of(row),
        rules=rules,
    )


def _text_of_json(value: object) -> str:
    return orjson.dumps(value, default=_plain).decode()


def _plain(value: object) -> object:
    """Open up what orjson does not know: read-only mappings."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
