"""An evaluation as JUnit XML, which CI systems show as tests: one suite a submission.

Every rule that ran is a test case, so that a rule that is new shows up before it first fails.
"""

from collections.abc import Sequence
from typing import Final

from lxml import etree

from gateway.app.evaluate import Evaluation
from gateway.core.policy.catalog import Finding
from gateway.core.policy.input import plain

_MAX: Final = 2000
#: Where nothing is refused, nothing fails; what is found is in the words of the case.
_TOLD: Final = {"warning": "warning", "dryrun": "dry run"}


def as_junit(evaluations: Sequence[Evaluation]) -> str:
    """The whole report."""
    root = etree.Element("testsuites", name="inventory-gateway policy eval")
    for evaluation in evaluations:
        _add_suite(root, evaluation)
    _count(root)
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return text.decode()


def _add_suite(root: etree._Element, evaluation: Evaluation) -> None:
    name = f"{evaluation.submission.name}: {evaluation.bucket}/{evaluation.submission.inventory_id}"
    suite = etree.SubElement(root, "testsuite", name=plain(name, _MAX))
    found: dict[str, list[tuple[str, Finding]]] = {}
    for kind, finding in evaluation.findings():
        found.setdefault(finding.rule, []).append((kind, finding))
    for rule_id, rule in sorted(evaluation.catalog.rules.items()):
        title = plain(f"{rule_id}: {rule.title}", _MAX)
        case = etree.SubElement(
            suite, "testcase", classname=plain(evaluation.submission.name, _MAX), name=title
        )
        for kind, finding in found.get(rule_id, ()):
            _add_finding(case, kind, finding, evaluation)
    _count(suite)


def _add_finding(case: etree._Element, kind: str, finding: Finding, evaluation: Evaluation) -> None:
    words = plain(f"{finding.message} {finding.remedy}", _MAX)
    if kind == "violation" and evaluation.refused:
        failure = etree.SubElement(
            case, "failure", type=finding.severity.name.lower(), message=words
        )
        place = evaluation.submission.position(finding.path)
        where = "" if place is None else f":{place[0]}:{place[1]}"
        failure.text = plain(f"{evaluation.submission.file}{where}: {finding.path}", _MAX)
    elif finding.exemption is not None:
        told = f"exempted by {finding.exemption.id}, {finding.exemption.ticket}"
        etree.SubElement(case, "skipped", message=plain(told, _MAX))
    else:
        output = etree.SubElement(case, "system-out")
        output.text = f"{_TOLD.get(kind, 'would be refused')}: {words}"


def _count(element: etree._Element) -> None:
    cases = [*element.iter("testcase")]
    failed = sum(case.find("failure") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    for name, number in (("tests", len(cases)), ("failures", failed), ("skipped", skipped)):
        element.set(name, str(number))
    element.set("errors", "0")
