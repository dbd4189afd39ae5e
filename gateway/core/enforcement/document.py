"""A document for AWS: JSON, and no longer than the service takes."""

import json
from collections.abc import Mapping
from typing import Any, Final

from gateway.core.enforcement.parameter import ParametersError

Document = Mapping[str, Any]
VERSION: Final = "2012-10-17"


def policy(*statements: Document) -> Document:
    """A policy of some statements."""
    return {"Version": VERSION, "Statement": [*statements]}


def compact(document: Document) -> str:
    """As AWS counts it: without white space between the elements."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def pretty(document: Document) -> str:
    """For people, and for review."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def refuse_oversize(document: Document, limit: int, what: str) -> None:
    """AWS would refuse it, and an SCP that was cut by hand is worse than none.

    Raises:
        ParametersError: it is longer than `limit`.
    """
    size = len(compact(document))
    if size > limit:
        raise ParametersError([f"{what} has {size} characters, and AWS takes {limit}"])
