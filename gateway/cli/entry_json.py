"""A decision as JSON, for scripts and archives."""

from dataclasses import asdict, fields
from typing import Any

from gateway.core.journal import JournalEntry


def whole(entry: JournalEntry) -> dict[str, Any]:
    """The fields of the record, then what the journal knows beside."""
    record = {field.name: getattr(entry.record, field.name) for field in fields(entry.record)}
    document = entry.record.document
    record["document"] = None if document is None else document.decode()
    return {
        **record,
        "verdict": entry.verdict,
        "outcome": None if entry.outcome is None else asdict(entry.outcome),
        "position": entry.position,
        "writer": entry.writer,
        "hash": entry.hash,
    }
