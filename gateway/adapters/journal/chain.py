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
    """The hash of a decision, from the columns of its row; of documents, what they hash to."""
    values = [*(row[name] for name in _DECISION), _hash_of(row["document"])]
    return _hash("decision", previous, values, _hash_of(row.get("received")))


def outcome_hash(previous: str, row: Mapping[str, Any]) -> str:
    """The hash of an outcome, from the columns of its decision's row."""
    values = [row[name] for name in _OUTCOME]
    return _hash("outcome", previous, values, row.get("outcome_metrics"))


def _hash_of(document: bytes | None) -> str | None:
    return None if document is None else sha256(document).hexdigest()


def _hash(kind: str, previous: str, values: list[Any], later: str | None) -> str:
    # What came with a later release is left out where it is empty: older entries hash as before.
    more = [] if later is None else [later]
    # JSON: no two lists of values are written alike.
    return sha256(orjson.dumps([kind, previous, *values, *more])).hexdigest()
