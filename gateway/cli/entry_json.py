"""A decision as JSON, for scripts and archives."""

from dataclasses import asdict, fields
from typing import Any

from gateway.core.journal import JournalEntry


def whole(entry: JournalEntry) -> dict[str, Any]:
    """The fields of the record, then what the journal knows beside."""
    record = {field.name: getattr(entry.record, field.name) for field in fields(entry.record)}
    for name in ("document", "received"):
        held = record[name]
        # It was UTF-8 when it was read; what has become of it since must not stop an export.
        record[name] = None if held is None else held.decode(errors="backslashreplace")
    return {
        **record,
        "verdict": entry.verdict,
        "outcome": None if entry.outcome is None else asdict(entry.outcome),
        "position": entry.position,
        "writer": entry.writer,
        "hash": entry.hash,
    }
