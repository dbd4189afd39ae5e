"""A record as a row, and back."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Final

import orjson

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
    for name in _JSON:
        values[name] = orjson.dumps(values[name], default=_plain).decode()
    for value in values.values():
        _ = isinstance(value, str) and value.encode()
    return values


def text_of(instant: datetime) -> str:
    """An instant as it is stored."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def record_of(row: Mapping[Any, Any]) -> DecisionRecord:
    """The record that a row holds."""
    found = {name: row[name] for name in _FIELDS}
    found["timestamp"] = datetime.fromisoformat(row["timestamp"])
    found["allow"] = bool(row["allow"])
    for name in _JSON:
        found[name] = orjson.loads(row[name])
    return DecisionRecord(**found)


def outcome_of(row: Mapping[Any, Any]) -> Outcome | None:
    """The outcome that a row holds, if there is one."""
    if row["outcome"] is None:
        return None
    return Outcome(row["outcome"], row["s3_status"], row["upstream_request_id"])


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


def _plain(value: object) -> object:
    """Open up what orjson does not know: read-only mappings."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
