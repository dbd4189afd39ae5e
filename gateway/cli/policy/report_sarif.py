"""An evaluation as SARIF 2.1.0, which code hosts show beside the line.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

import orjson

from gateway import __version__
from gateway.app.evaluate import Evaluation
from gateway.core.policy.catalog import Finding, Rule, Severity

_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_TOOL: Final = "s3-inventory-gateway"
_LEVELS: Final = {"violation": "error", "warning": "warning", "dryrun": "note", "exempted": "error"}
#: How code hosts rank findings: by the bands of CVSS.
_RANKS: Final = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
}


def as_sarif(evaluations: Sequence[Evaluation]) -> str:
    """The whole report."""
    rules = {
        rule_id: rule
        for evaluation in evaluations
        for rule_id, rule in evaluation.catalog.rules.items()
    }
    results = [
        _result(evaluation, kind, finding)
        for evaluation in evaluations
        for kind, finding in evaluation.findings()
    ]
    driver = {
        "name": _TOOL,
        "version": __version__,
        "rules": [_rule(rule) for _, rule in sorted(rules.items())],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return orjson.dumps(log, option=orjson.OPT_INDENT_2).decode() + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "help": {"text": rule.remedy},
        "properties": {"security-severity": _RANKS[rule.severity], "tags": [rule.topic]},
    }


def _result(evaluation: Evaluation, kind: str, finding: Finding) -> dict[str, Any]:
    submission = evaluation.submission
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(submission.file)}}
    place = submission.position(finding.path)
    if place is not None:
        physical["region"] = {"startLine": place[0], "startColumn": place[1]}
    logical = f"{submission.address or evaluation.bucket}{finding.path}"
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": _LEVELS[kind] if evaluation.refused or kind != "violation" else "warning",
        "message": {"text": f"{finding.message} {finding.remedy}"},
        "locations": [
            {
                "physicalLocation": physical,
                "logicalLocations": [{"fullyQualifiedName": logical, "kind": "member"}],
            }
        ],
        "properties": {
            "allowed": list(finding.allowed),
            "unknownFacts": list(evaluation.unknown(finding.rule)),
        },
    }
    if finding.exemption is not None:
        why = f"{finding.exemption.id}, {finding.exemption.ticket}"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": why}]
    return result


def _uri(file: str) -> str:
    """Relative to wherever it was called, as code hosts expect; of an absolute path a file URI."""
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
