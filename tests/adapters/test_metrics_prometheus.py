"""Counting, adding up the workers, and Prometheus' own reading of what comes out."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read

from gateway.adapters import metrics_prometheus as module
from gateway.adapters.metrics_prometheus import (
    FAMILIES,
    Labels,
    PrometheusMetrics,
    Samples,
    decode,
    encode,
    merge,
    render,
)
from gateway.core.ports import DecisionRecord, Stage

RECORD = DecisionRecord(
    decision_id="d",
    timestamp=datetime(2026, 11, 20, tzinfo=UTC),
    request_id="r",
    principal="ana",
    action="put",
    bucket="b",
    inventory_id="i",
    allow=True,
    revision="rev",
    input={},
    result={},
)


def shown(samples: Samples, *, accept: str = "") -> dict[str, float]:
    """What a reader sees: `name{label=value,...}` without the prefix, and its value."""
    body, content_type = render(samples, accept)
    families = (read_openmetrics if "openmetrics" in content_type else read)(body.decode())
    return {
        sample.name.removeprefix("inventory_gateway_")
        + "".join(f"{{{name}={value}}}" for name, value in sorted(sample.labels.items())): value_
        for family in families
        for sample in family.samples
        for value_ in [sample.value]
    }


def test_requests_are_counted_by_operation_and_class_of_status() -> None:
    """None of either is a value, too."""
    metrics = PrometheusMetrics()
    for status in (200, 206, 404, 0):
        metrics.request("GetObject", "objects", status, 0.001, "acme")
    metrics.request("", "", 400, 0.0, "")
    found = shown(metrics.samples())
    row = "requests_total{group=objects}{operation=GetObject}{status_class=%s}"
    assert [found[row % status] for status in ("2xx", "4xx", "none")] == [2, 1, 1]
    assert found["requests_total{group=none}{operation=none}{status_class=4xx}"] == 1
    assert not [name for name in found if "acme" in name]


def test_durations_are_counted_in_buckets_from_half_a_millisecond() -> None:
    """A bound belongs to its bucket, and what is beyond the last to infinity."""
    metrics = PrometheusMetrics()
    for seconds in (0.0004, 0.0005, 0.0006, 1000.0):
        metrics.request("GetObject", "objects", 200, seconds, "")
    found = shown(metrics.samples())
    bucket = "request_duration_seconds_bucket{group=objects}{le=%s}"
    assert [found[bucket % le] for le in ("0.0005", "0.001", "600.0", "+Inf")] == [2, 3, 3, 4]
    assert found["request_duration_seconds_count{group=objects}"] == 4
    assert found["request_duration_seconds_sum{group=objects}"] == pytest.approx(1000.0015)


def test_every_stage_is_there_before_it_was_used() -> None:
    """A rate needs a zero to start from; so do verdicts."""
    metrics = PrometheusMetrics()
    metrics.stage(Stage.UPSTREAM, 0.2)
    found = shown(metrics.samples())
    counts = {stage: found[f"stage_duration_seconds_count{{stage={stage}}}"] for stage in Stage}
    assert counts == dict.fromkeys(Stage, 0) | {Stage.UPSTREAM: 1}
    assert found["decisions_total{verdict=would_deny}"] == 0


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"allow": True, "result": {"would_refuse": False}}, "allow"),
        ({"allow": True, "result": {"would_refuse": True}}, "would_deny"),
        ({"allow": False}, "deny"),
        ({"allow": False, "error": "facts_timeout"}, "unavailable"),
    ],
)
def test_a_decision_is_counted_by_its_verdict(changes: dict[str, Any], verdict: str) -> None:
    """What observing let pass is told apart."""
    metrics = PrometheusMetrics()
    metrics.decision(replace(RECORD, **changes))
    found = shown(metrics.samples())
    assert {name for name, value in found.items() if "decisions" in name and value} == {
        f"decisions_total{{verdict={verdict}}}"
    }
    assert not [name for name in found if name.startswith("policy_errors")]


def test_findings_are_counted_by_rule_and_mode_and_the_timers_taken_over() -> None:
    """From the record: there they are known already."""
    rules = ("INV001", "INV018", "INV042", "INV013")
    lists = ("violations", "warnings", "dryrun", "exempted")
    result = {name: [{"rule": rule, "path": "/"}] for name, rule in zip(lists, rules, strict=True)}
    timers = {"timer_facts_ns": 2_000_000, "timer_policy_ns": 3_000_000, "timer_other_ns": 1}
    metrics = PrometheusMetrics()
    metrics.decision(replace(RECORD, allow=False, result=result, metrics=timers))
    found = shown(metrics.samples())
    for rule, mode in zip(rules, ("deny", "warn", "dryrun", "exempted"), strict=True):
        assert found[f"findings_total{{mode={mode}}}{{rule={rule}}}"] == 1
    assert found["stage_duration_seconds_sum{stage=facts}"] == pytest.approx(0.002)
    assert found["stage_duration_seconds_sum{stage=policy}"] == pytest.approx(0.003)


def test_errors_are_counted_by_reason() -> None:
    """The engine's, and the journal's."""
    metrics = PrometheusMetrics()
    metrics.decision(replace(RECORD, allow=False, error="engine_timeout"))
    metrics.journal_error("journal_write")
    metrics.journal_error("journal_write")
    found = shown(metrics.samples())
    assert found["policy_errors_total{reason=engine_timeout}"] == 1
    assert found["journal_errors_total{reason=journal_write}"] == 2


def test_buckets_are_named_only_if_asked_for_and_only_so_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every name is memory here and in Prometheus."""
    monkeypatch.setattr(module, "_MOST", 2)
    metrics = PrometheusMetrics(buckets=True)
    for bucket in ("a", "b", "c", "d", "a", ""):
        metrics.request("GetObject", "objects", 200, 0.0, bucket)
    found = shown(metrics.samples())
    row = "bucket_requests_total{bucket=%s}{group=objects}{status_class=2xx}"
    assert {bucket: found[row % bucket] for bucket in ("a", "b", "other")} == {
        "a": 2,
        "b": 1,
        "other": 2,
    }
    assert len([name for name in found if name.startswith("bucket")]) == 3


def test_reasons_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are constants; should one not be, it does not fill the memory."""
    monkeypatch.setattr(module, "_MOST", 2)
    metrics = PrometheusMetrics()
    for reason in ("a", "b", "c", "d", "a"):
        metrics.journal_error(reason)
    found = shown(metrics.samples())
    reasons = {name: value for name, value in found.items() if name.startswith("journal_errors")}
    assert list(reasons.values()) == [2, 1, 2]
    assert "journal_errors_total{reason=other}" in reasons


def test_a_source_is_asked_every_time() -> None:
    """What is so now is counted by nobody."""
    metrics, values = PrometheusMetrics(), iter([3.0, 4.0])

    def now() -> Iterator[tuple[str, Labels, float]]:
        yield "streams_open", (), next(values)
        yield "bytes_total", ("in",), 7

    metrics.watch(now)
    assert shown(metrics.samples())["streams_open"] == 3
    found = shown(metrics.samples())
    assert (found["streams_open"], found["bytes_total{direction=in}"]) == (4, 7)


def worker(number: int) -> Samples:
    """A worker that has counted some, and knows its own state."""
    metrics = PrometheusMetrics()
    for _ in range(number):
        metrics.request("GetObject", "objects", 200, 0.001, "")
    metrics.journal_error(f"reason-{number}")
    metrics.watch(
        lambda: [
            ("streams_open", (), number),
            ("credentials_expiry_seconds", (), 100 * number),
            ("exemptions_expiring", (), number),
            ("policy_info", ("wasm", f"r{number}", ""), 1),
            ("ready", (), number - 1),
        ]
    )
    return metrics.samples()


def test_workers_are_added_up_as_one_gateway() -> None:
    """Counts and gauges are summed; of what each sees of the same thing, the worse counts."""
    told = [decode(encode(worker(number))) for number in (1, 2, 3)]
    found = shown(merge(told))
    assert found["requests_total{group=objects}{operation=GetObject}{status_class=2xx}"] == 6
    assert found["request_duration_seconds_count{group=objects}"] == 6
    assert found["journal_errors_total{reason=reason-2}"] == 1
    assert found["streams_open"] == 6
    assert found["credentials_expiry_seconds"] == 100
    assert found["exemptions_expiring"] == 3
    assert found["ready"] == 0
    assert found["policy_info{engine=wasm}{revision=r3}{settings_revision=}"] == 1


def test_openmetrics_is_written_for_who_accepts_it() -> None:
    """Prometheus does."""
    accept = "application/openmetrics-text; version=1.0.0"
    assert shown(worker(1), accept=accept) == shown(worker(1))


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        pytest.param("", "text/plain; version=0.0.4; charset=utf-8", id="nothing"),
        pytest.param("text/plain; version=x", "text/plain; version=0.0.4; charset=utf-8", id="x"),
        *(
            pytest.param(
                f"text/html, application/openmetrics-text{more}",
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
                id=f"openmetrics{more}",
            )
            for more in ("", "; version=abc", ";version=1.0.0;q=0.5,*/*", "; version=1.0.0.9")
        ),
    ],
)
def test_no_words_of_a_client_choose_more_than_one_of_two_formats(
    accept: str, content_type: str
) -> None:
    """A version that is no number must not be a bug, nor each another answer to make."""
    assert render(worker(1), accept)[1] == content_type


@pytest.mark.parametrize("name", FAMILIES)
def test_every_metric_is_there_from_the_start(name: str) -> None:
    """With its help, whether or not something was counted: a dashboard finds it."""
    body, _ = render(PrometheusMetrics().samples(), "")
    assert f"# HELP inventory_gateway_{name} {FAMILIES[name].text}\n" in body.decode()
