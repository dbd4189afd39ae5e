"""The chain: every entry carries the hash of the one before it.

An entry is a decision or an outcome. The hash covers its position, the hash before it, and all
that it says, so that whoever changes an entry, takes one out or puts one in must change all that
follow, and the last hash, which anybody may have written down, tells.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import orjson

#: The hash before the first entry.
GENESIS: Final = "0" * 64
_DECISION: Final = (
    "position decision_id timestamp request_id principal action bucket inventory_id verdict allow "
    "revision input result document_sha256 error metrics writer"
).split()
_OUTCOME: Final = (
    "outcome_position decision_id outcome s3_status upstream_request_id outcome_writer"
).split()


def decision_hash(previous: str, row: Mapping[str, Any]) -> str:
    """The hash of a decision, from the columns of its row; of the document, what it hashes to."""
    document = row["document"]
    held = None if document is None else sha256(document).hexdigest()
    return _hash("decision", previous, [*(row[name] for name in _DECISION), held])


def outcome_hash(previous: str, row: Mapping[str, Any]) -> str:
    """The hash of an outcome, from the columns of its decision's row."""
    return _hash("outcome", previous, [row[name] for name in _OUTCOME])


def _hash(kind: str, previous: str, values: list[Any]) -> str:
    # JSON: no two lists of values are written alike.
    return sha256(orjson.dumps([kind, previous, *values])).hexdigest()
