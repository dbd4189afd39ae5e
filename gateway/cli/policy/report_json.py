"""An evaluation for programs: one JSON document."""

from collections.abc import Sequence
from typing import Any

import orjson

from gateway.app.evaluate import Evaluation


def as_json(evaluations: Sequence[Evaluation]) -> str:
    """The whole report."""
    found = {"schema": "inventory.evaluation/1", "evaluations": [*map(_evaluation, evaluations)]}
    return orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n"


def _evaluation(evaluation: Evaluation) -> dict[str, Any]:
    submission, mended = evaluation.submission, evaluation.mended
    return {
        "file": submission.file,
        "address": submission.address,
        "bucket": evaluation.bucket,
        "inventory_id": submission.inventory_id,
        "verdict": evaluation.word,
        "policy_revision": evaluation.outcome.revision,
        "findings": [
            {
                "kind": kind,
                **finding.as_record(),
                "position": _position(submission.position(finding.path)),
                "unknown_facts": list(evaluation.unknown(finding.rule)),
            }
            for kind, finding in evaluation.findings()
        ],
        "applied": [mutation.as_record() for mutation in evaluation.applied],
        "proposed": [mutation.as_record() for mutation in evaluation.proposed],
        "allowed_with_proposed": None if mended is None else mended.allow,
        "diff": evaluation.diff,
    }


def _position(place: tuple[int, int] | None) -> dict[str, int] | None:
    return None if place is None else {"line": place[0], "column": place[1]}
