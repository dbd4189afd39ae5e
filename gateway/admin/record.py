"""One decision of the journal, for people: pure, an entry in, what its page shows out.

Entries outlive the version that wrote them. What one lacks, or holds in another shape, is left out
of the page; it is never a fault of the page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from gateway.admin.charts import Part
from gateway.admin.difference import Line, difference, laid_out
from gateway.admin.rewriting import Rewriting, rewriting
from gateway.admin.wording import age, as_json, duration
from gateway.core.journal import JournalEntry, JournalRow, Verdict, rules_of
from gateway.core.policy.input import DELETE_ACTION
from gateway.core.ports import DecisionRecord, Outcome

EXEMPTED: Final = "exempted"
_KINDS: Final = {
    "violations": "refuses",
    "warnings": "warns",
    "dryrun": "dry run",
    "exempted": EXEMPTED,
}
#: What the gateway itself has timed, in order; what an engine says of its own insides is part of
#: `policy`, so that it is in the table and not in the bar.
_STAGES: Final = {
    "timer_verification_ns": "verification",
    "timer_facts_ns": "facts",
    "timer_policy_ns": "policy",
    "timer_journal_ns": "journal",
    "timer_upstream_ns": "upstream",
}
#: Of a bucket's facts these are in the heading.
_HEADING: Final = frozenset({"bucket", "arn", "facts_age_seconds"})
_MOST_ITEMS: Final = 40

_Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding.

    Args:
        kind: what it does: refuses, warns, dry run, exempted.
        rule: its id.
        severity: low, medium, high or critical.
        message: what is wrong.
        remedy: what to do.
        path: JSON pointer into the configuration; empty for what is not in it.
        value: what stands there, as JSON; empty where nothing does.
        allowed: what would be allowed, where the rule says.
        exemption: who let it pass: `EX-7 (GOV-1289)`; empty where nobody did.
    """

    kind: str
    rule: str
    severity: str
    message: str
    remedy: str
    path: str
    value: str
    allowed: tuple[str, ...]
    exemption: str


@dataclass(frozen=True, slots=True)
class BucketView:
    """What was known of a bucket when it was decided."""

    role: str
    bucket: str
    age: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A decision on a page of its own.

    Args:
        row: what a list shows of it.
        sentence: the verdict in plain words.
        outcome: what became of it, likewise.
        doubtful: whether it was allowed and, as far as is known, did not take effect.
        findings: all of them, those that refuse first.
        buckets: source and destination, with their facts.
        request: (name, value) of who asked, and how.
        document: the canonical document, laid out; empty for a removal.
        rewriting: from what the client wrote to what was judged; None where that is not on record.
        changes: the same, of older records, where policy changed something; else empty.
        mutations: (rule, member) of what policy filled in.
        proposals: the same, of what it would have, but that it only observes.
        timings: of the stages, for the bar.
        elapsed: all of these together; empty where nothing was timed.
        metrics: (name, value), all that was measured.
        policy: (name, value), what decided.
        recorded: the input as JSON.
    """

    row: JournalRow
    sentence: str
    outcome: str
    doubtful: bool
    findings: tuple[FindingView, ...]
    buckets: tuple[BucketView, ...]
    request: tuple[tuple[str, str], ...]
    document: str
    rewriting: Rewriting | None
    changes: tuple[Line, ...]
    mutations: tuple[tuple[str, str], ...]
    proposals: tuple[tuple[str, str], ...]
    timings: tuple[Part, ...]
    elapsed: str
    metrics: tuple[tuple[str, str], ...]
    policy: tuple[tuple[str, str], ...]
    recorded: str


def row_of(entry: JournalEntry) -> JournalRow:
    """An entry as a list would have it."""
    record = entry.record
    return JournalRow(
        position=entry.position,
        decision_id=record.decision_id,
        timestamp=record.timestamp,
        principal=record.principal,
        action=record.action,
        bucket=record.bucket,
        inventory_id=record.inventory_id,
        verdict=entry.verdict,
        error=record.error,
        outcome=entry.outcome,
        rules=rules_of(record.result),
    )


def decision_view(entry: JournalEntry) -> DecisionView:
    """What the page of one decision shows."""
    record = entry.record
    question, result = record.input, record.result
    later = {} if entry.outcome is None else entry.outcome.metrics
    metrics = dict(_sorted({**record.metrics, **later}))
    document = b"" if record.document is None else record.document
    findings = findings_of(result, question)
    timed = {name: metrics[name] for name in _STAGES if name in metrics}
    return DecisionView(
        row=row_of(entry),
        sentence=sentence(
            entry.verdict,
            record.error,
            removal=record.action == DELETE_ACTION,
            exempted=any(item.kind == EXEMPTED for item in findings),
        ),
        outcome=_outcome(entry.outcome),
        doubtful=record.allow and (entry.outcome is None or entry.outcome.kind != "forwarded"),
        findings=findings,
        buckets=tuple(_buckets(question)),
        request=tuple(_request(record)),
        document=laid_out(document.decode(errors="replace")),
        rewriting=_rewriting(record),
        changes=() if record.received else _changes(_mapping(result.get("original")), question),
        mutations=tuple(_mutations(result.get("mutations"))),
        proposals=tuple(_mutations(result.get("would_mutate"))),
        timings=tuple(
            Part(_STAGES[name], _STAGES[name], took, duration(took)) for name, took in timed.items()
        ),
        elapsed=duration(sum(timed.values())) if timed else "",
        metrics=tuple((name, _measured(name, value)) for name, value in metrics.items()),
        policy=tuple(_policy(entry)),
        recorded=as_json(question),
    )


def sentence(verdict: Verdict, error: str, *, removal: bool, exempted: bool = False) -> str:
    """The verdict in plain words.

    Args:
        verdict: of the decision.
        error: why there was no answer, where there was none.
        removal: whether a configuration was to be removed.
        exempted: whether an exemption let it pass somewhere.
    """
    what = "The removal of the configuration" if removal else "The configuration"
    match verdict:
        case Verdict.ALLOW if exempted:
            return (
                f"{what} breaks a rule from which it is exempted, and none that refuses, so it is "
                "allowed."
            )
        case Verdict.ALLOW:
            return f"{what} breaks no rule that refuses, so it is allowed."
        case Verdict.WOULD_DENY:
            return (
                f"{what} breaks rules. Policy only observes, so it is allowed; enforced, it would "
                "be refused."
            )
        case Verdict.DENY:
            return f"{what} breaks rules, so it is refused."
        case Verdict.ERROR:
            return (
                f"Nobody could say whether this is allowed ({error}), so it is refused; the client "
                "may try again."
            )


def findings_of(result: _Json, question: _Json) -> tuple[FindingView, ...]:
    """The findings of a result.

    Args:
        result: as recorded.
        question: the input, whose configuration holds the values.
    """
    configuration = question.get("configuration")
    return tuple(
        FindingView(
            kind=kind,
            rule=_text(item.get("rule")),
            severity=_text(item.get("severity")),
            message=_text(item.get("message")),
            remedy=_text(item.get("remedy")),
            path=_text(item.get("path")),
            value=_value(configuration, _text(item.get("path"))),
            allowed=tuple(map(_text, _sequence(item.get("allowed")))),
            exemption=_exemption(_mapping(item.get("exemption"))),
        )
        for name, kind in _KINDS.items()
        for item in map(_mapping, _sequence(result.get(name)))
    )


def at(value: object, pointer: str) -> object:
    """The value at a JSON pointer (RFC 6901), or None."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _outcome(outcome: Outcome | None) -> str:
    if outcome is None:
        return "Not on record: the request is under way, or a crash has cut it short."
    answered = f"S3 answered {outcome.s3_status}" if outcome.s3_status else "S3 gave no answer"
    words = {
        "forwarded": f"Sent to S3. {answered}.",
        "refused": "Nothing was sent to S3.",
        "failed": f"It did not take effect. {answered}.",
        "unknown": "It was sent, and nobody knows whether it took effect.",
    }
    said = words.get(outcome.kind, outcome.kind)
    upstream = outcome.upstream_request_id
    return f"{said} S3's request id: {upstream}" if upstream else said


def _buckets(question: _Json) -> Iterator[BucketView]:
    for role in ("source", "destination"):
        bucket = _mapping(question.get(role))
        if not bucket:
            continue
        seconds = bucket.get("facts_age_seconds")
        yield BucketView(
            role=role,
            bucket=_text(bucket.get("bucket")),
            age=age(seconds) if isinstance(seconds, int) else "",
            facts=tuple(
                (name.replace("_", " "), _fact(value))
                for name, value in bucket.items()
                if name not in _HEADING
            ),
        )


def _request(record: DecisionRecord) -> Iterator[tuple[str, str]]:
    request = _mapping(record.input.get("request"))
    principal = _mapping(record.input.get("principal"))
    yield "action", record.action
    yield "principal", record.principal
    yield "access key id", _text(principal.get("access_key_id"))
    yield "signature", _text(principal.get("method"))
    yield "from", _text(request.get("source_ip"))
    yield "user agent", _text(request.get("user_agent"))
    yield "expected bucket owner", _text(request.get("expected_bucket_owner"))
    yield "request id", record.request_id
    yield "trace id", _text(record.result.get("trace_id"))


def _policy(entry: JournalEntry) -> Iterator[tuple[str, str]]:
    record = entry.record
    yield "settings", record.revision
    provenance = _mapping(record.result.get("provenance"))
    for name, bundle in _mapping(provenance.get("bundles")).items():
        yield f"bundle {name}", _text(_mapping(bundle).get("revision"))
    yield "document, SHA-256", record.document_sha256
    if record.received is not None:
        yield "body as sent, SHA-256", sha256(record.received).hexdigest()
    else:
        original = _mapping(record.result.get("original"))
        yield "body as sent, SHA-256", _text(original.get("body_sha256"))
    yield "position in the journal", f"{entry.position:,}"
    yield "chain hash", entry.hash
    yield "written by", entry.writer


def _rewriting(record: DecisionRecord) -> Rewriting | None:
    if record.received is None or record.document is None:
        return None
    filled_in = "mutations" in record.result
    return rewriting(
        record.received, record.document, filled_in=filled_in, replaced=_replaced(record.result)
    )


def _replaced(result: _Json) -> bool:
    """Whether policy changed what the client had written, not only what was left out."""
    before = _mapping(result.get("original")).get("configuration")
    changes = map(_mapping, _sequence(result.get("mutations")))
    return any(at(before, _text(item.get("path"))) is not None for item in changes)


def _changes(original: _Json, question: _Json) -> tuple[Line, ...]:
    """From what the client wrote to what was judged, in the shape that people write."""
    if "configuration" not in original:
        return ()
    before, after = original["configuration"], question.get("configuration")
    return difference(as_json(before), as_json(after))


def _mutations(items: object) -> Iterator[tuple[str, str]]:
    for item in map(_mapping, _sequence(items)):
        yield _text(item.get("rule")), _text(item.get("path"))[1:].replace("/", ".")


def _value(configuration: object, path: str) -> str:
    found = at(configuration, path) if path else None
    return "" if found is None else as_json(found, indent=None)


def _fact(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case list() if len(value) > _MOST_ITEMS:
            shown = as_json(value[:_MOST_ITEMS], indent=None)
            return f"{shown} and {len(value) - _MOST_ITEMS} more"
        case _:
            return as_json(value, indent=None)


def _sorted(metrics: Mapping[str, int]) -> Sequence[tuple[str, int]]:
    return sorted((name, value) for name, value in metrics.items() if type(value) is int)


def _measured(name: str, value: int) -> str:
    return duration(value) if name.endswith("_ns") else f"{value:,}"


def _exemption(exemption: _Json) -> str:
    name, ticket = _text(exemption.get("id")), _text(exemption.get("ticket"))
    return f"{name} ({ticket})" if ticket else name


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> _Json:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()
