"""The structured log: what a line holds, what it never holds, and what cannot break it."""

import asyncio
import io
import json
import os
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from gateway.adapters.decision_log import MASK, StructlogEventLog
from gateway.core.ports import Outcome
from tests.support.fakes import decision_record

NOW = datetime(2026, 11, 20, 12, 30, 58, 123456, UTC)


@dataclass(frozen=True)
class Claimed:
    """Something with a part that is not to be shown."""

    hidden: str = field(repr=False)


def make(stream: Any, **options: Any) -> StructlogEventLog:
    """A log with a clock that stands still."""
    return StructlogEventLog(lambda: NOW, stream=stream, **options)


def lines(stream: io.BytesIO) -> list[dict[str, Any]]:
    """What was written, read back."""
    text = stream.getvalue().decode()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def access(**event: object) -> dict[str, Any]:
    """The line of one access event."""
    stream = io.BytesIO()
    log = make(stream)
    log.access(event)
    assert log.lost == 0
    [line] = lines(stream)
    return line


def test_access_event_is_one_json_line():
    """Fields as given, plus name, level and time."""
    assert access(request_id="R1", status=200, duration_ms=1.5, error=None) == {
        "request_id": "R1",
        "status": 200,
        "duration_ms": 1.5,
        "error": None,
        "event": "access",
        "level": "info",
        "timestamp": "2026-11-20T12:30:58.123456Z",
    }


def test_decision_has_the_field_names_of_opa():
    """The shape that tools for OPA's decision logs read."""
    stream = io.BytesIO()
    log = make(stream, labels={"app": "s3-inventory-gateway", "id": "gw-1"})
    log.decision(decision_record(error="engine_timeout"), Outcome("forwarded", 200, "Q1"))
    assert lines(stream) == [
        {
            "decision_id": "d-1",
            "timestamp": "2026-11-20T12:30:58.123456Z",
            "labels": {"app": "s3-inventory-gateway", "id": "gw-1"},
            "bundles": {"org": {"revision": "2026-11-20.1"}},
            "path": "inventory/main/decision",
            "input": {"schema": "inventory.input/1", "source": {"bucket": "acme-orders"}},
            "result": {"allow": True, "violations": []},
            "requested_by": "analytics-team",
            "req_id": "4442587FB7D0A2F9",
            "metrics": {"timer_rego_query_eval_ns": 1050000},
            "error": "engine_timeout",
            "custom": {
                "outcome": "forwarded",
                "s3_status": 200,
                "upstream_request_id": "Q1",
                "body_sha256": "ab" * 32,
                "cache": "",
            },
            "event": "decision",
            "level": "info",
        }
    ]


@pytest.mark.parametrize(
    ("provenance", "bundles"),
    [
        ({"bundles": {"inventory": {"revision": "r-7"}}}, {"inventory": {"revision": "r-7"}}),
        ({"bundles": {"org": {"revision": "r-7"}}}, {}),
        ({"version": "1.22.0"}, {}),
        ({"bundles": []}, {}),
        ("text", {}),
    ],
    ids=["bundle", "own-revision-of-org", "none", "list", "text"],
)
def test_decision_names_the_bundles_of_the_engine(provenance, bundles):
    """At the place where OPA's own log has them; `org` is what policy itself says it is."""
    stream = io.BytesIO()
    record = decision_record(result={"allow": True, "provenance": provenance})
    make(stream).decision(record, Outcome("forwarded"))
    (line,) = lines(stream)
    assert line["bundles"] == {**bundles, "org": {"revision": "2026-11-20.1"}}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("authorization", "AWS4-HMAC-SHA256 Credential=A/1/r/s3/aws4_request, Signature=TOPSECRET"),
        ("Authorization", "TOPSECRET"),
        ("x-amz-security-token", "TOPSECRET"),
        ("X-Amz-Signature", "TOPSECRET"),
        ("secret_access_key", "TOPSECRET"),
        ("session_token", "TOPSECRET"),
        ("token", "TOPSECRET"),
        ("cookie", "TOPSECRET"),
        ("header", "AWS4-HMAC-SHA256 Credential=A/x, SignedHeaders=host, Signature=TOPSECRET"),
        ("query", "X-Amz-Signature=TOPSECRET"),
        ("query", "list-type=2&X-Amz-Security-Token=TOPSECRET&prefix=a"),
        ("query", "x-amz-signature=TOPSECRET"),
        ("query", "X-Amz-%53ignature=TOPSECRET"),
        ("query", "X%2DAmz%2DSignature=TOPSECRET"),
        ("query", "AWSAccessKeyId=A&Signature=TOPSECRET&Expires=1"),
        (
            "url",
            "https://b.s3.amazonaws.com/k?X-Amz-Credential=TOPSECRET&X-Amz-Signature=TOPSECRET",
        ),
        ("message", "cannot parse 'secret=TOPSECRET'"),
        ("headers", {"x-amz-security-token": "TOPSECRET", "host": "h"}),
        ("headers", MappingProxyType({"Authorization": b"TOPSECRET"})),
        ("headers", [{"deep": {"deeper": {"Cookie": ["TOPSECRET"]}}}]),
        ("input", {"tags": {"note": ':"token":', "token": "TOPSECRET"}}),
        ("input", {"tags": {"note": ":", "a": ":", "token": "TOPSECRET"}}),
        ("input", {"tags": {"pass\nword": "TOPSECRET"}}),
        ("input", {"tags": {"naïve password": "TOPSECRET"}}),
        ("input", {"query": "X-Amz-Signature=TOPSECRET"}),
        ("input", {"claim": Claimed("TOPSECRET"), "cookie": ""}),
        ("raw", b"PUT /?X-Amz-Signature=TOPSECRET"),
    ],
)
def test_secret_never_reaches_the_line(field: str, value: object):
    """By the field's name or inside a query or header value, at any depth."""
    line = json.dumps(access(**{field: value, "status": 403}))
    assert "TOPSECRET" not in line
    assert MASK in line


@pytest.mark.parametrize(
    "value",
    ["list-type=2&prefix=a%2Fb&max-keys=1", "a=b=c", "=", "&&=;", "inventory&id=daily", "k=v " * 9],
)
def test_harmless_text_is_kept(value: str):
    """Only telling names are masked."""
    assert access(query=value)["query"] == value


async def test_lines_of_a_turn_are_one_write_also_where_python_does_not_buffer(
    tmp_path, monkeypatch
):
    """PYTHONUNBUFFERED leaves nothing but a descriptor behind standard output."""
    path = tmp_path / "log"
    with io.FileIO(path, "w") as unbuffered:
        monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=unbuffered))
        log = StructlogEventLog(lambda: NOW)
        log.access({"number": 1})
        log.access({"number": 2})
        assert path.read_bytes() == b""
        for _ in range(3):
            await asyncio.sleep(0)
        assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == [1, 2]


@pytest.mark.parametrize("nested", [1, 100], ids=["few", "many"])
def test_nested_event_reads_the_same_however_it_was_looked_at(nested: int):
    """What has nothing to mask is not walked where it is small; nobody can tell."""
    tags = {f"tag {number}": ["a", {"b": None, "ü": 1.5}] for number in range(nested)}
    assert access(input={"tags": tags, "empty": {}}, at=NOW)["input"] == {"tags": tags, "empty": {}}


def test_what_a_repr_hides_stays_hidden():
    """A dataclass is text, not its members."""
    assert access(input={"claim": Claimed("TOPSECRET")})["input"] == {"claim": "Claimed()"}


def test_long_text_is_cut():
    """A string is bounded, alone or in a list, and so are lists and depth."""
    assert len(access(key="k" * 20_000)["key"]) == 8192
    assert len(access(keys=["k" * 20_000])["keys"][0]) == 8192
    assert len(access(keys=list(range(5000)))["keys"]) == 1000
    endless: dict[str, Any] = {}
    endless["again"] = endless
    assert "..." in json.dumps(access(loop=endless))


def test_hostile_text_is_masked_in_linear_time():
    """The search for pairs does not backtrack (a quadratic one would take minutes)."""
    for hostile in ("a" * 8000 + "&=", "a=" * 4000, "=" * 8000, "&a" * 4000 + "="):
        access(query=hostile * 100)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a\nb\r\n\x00\x1b[31m\u2028\x85\x9b\x7f", id="control characters"),
        pytest.param("\udc80 lone", id="lone surrogate"),
        pytest.param({"\udc80": "x"}, id="lone surrogate in a key"),
        pytest.param(b"\xff\x00raw", id="bytes"),
        pytest.param(2**70, id="huge integer"),
        pytest.param(float("nan"), id="nan"),
        pytest.param({1: "x", b"k": "y"}, id="keys that are no text"),
        pytest.param({1, 2}, id="set"),
        pytest.param(object(), id="object"),
        pytest.param(type("Broken", (), {"__str__": lambda _: 1 / 0})(), id="broken __str__"),
        pytest.param(NOW, id="time"),
    ],
)
def test_any_value_makes_one_line(value: object):
    """Nothing that is logged can break a line, or the caller."""
    stream = io.BytesIO()
    log = make(stream)
    log.access({"value": value})
    log.access({"nested": {"value": [value]}})
    log.fault("odd", value=value)
    assert log.lost == 0
    assert stream.getvalue().count(b"\n") == len(lines(stream)) == 3


def test_text_that_json_may_carry_is_still_the_same_text():
    """Escaping changes the spelling, not the value."""
    value = "\x7f\x80\x85\x9f\u2028\u2029é日本\U0001f600"
    assert access(value=value)["value"] == value


def test_reserved_names_are_not_overwritten():
    """A field called like one of the log's own is kept beside it."""
    line = access(event="mine", level="mine")
    assert (line["event"], line["event_"]) == ("access", "mine")
    assert (line["level"], line["level_"]) == ("info", "mine")


def fail(message: str) -> None:
    """Raise."""
    raise ValueError(message)


def test_fault_carries_the_exception_in_flight():
    """Its kind and the end of its traceback, bounded and masked."""
    stream = io.BytesIO()
    log = make(stream)
    try:
        fail("bad Signature=TOPSECRET " + "x" * 20_000 + " the end")
    except ValueError:
        log.fault("journal is gone", reason="journal_write")
    [line] = lines(stream)
    assert (line["event"], line["level"], line["reason"]) == (
        "journal is gone",
        "error",
        "journal_write",
    )
    assert line["exception"] == "ValueError"
    assert line["stack"].endswith("the end\n")
    assert len(line["stack"]) <= 8192
    assert "TOPSECRET" not in stream.getvalue().decode()


def test_fault_without_exception_has_no_stack():
    """Nothing in flight, nothing added."""
    stream = io.BytesIO()
    make(stream).fault("clock is off", skew_seconds=61)
    assert "stack" not in lines(stream)[0]


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("debug", ["access", "broken", "decision"]),
        ("info", ["access", "broken", "decision"]),
        ("warning", ["broken", "decision"]),
        ("critical", ["decision"]),
    ],
)
def test_level_filters_all_but_decisions(level: str, kept: list[str]):
    """Below the level nothing is written; a decision is a record, not a message."""
    stream = io.BytesIO()
    log = make(stream, level=level)
    log.access({})
    log.fault("broken")
    log.decision(decision_record(), Outcome("refused"))
    assert [line["event"] for line in lines(stream)] == kept


def test_the_level_can_be_changed_at_run_time():
    """Both ways; what is no level changes nothing."""
    stream = io.BytesIO()
    log = make(stream)
    log.access({"status": 1})
    log.level = "error"
    log.access({"status": 2})
    with pytest.raises(KeyError):
        log.level = "loud"
    assert log.level == "error"
    log.level = "info"
    log.access({"status": 3})
    assert [line["status"] for line in lines(stream)] == [1, 3]


def test_lines_name_the_trace_of_the_request_in_hand():
    """Of every kind; outside of any request there is none to name."""
    stream = io.BytesIO()
    traces = iter(["t1", "t2", ""])
    log = make(stream, trace_id=lambda: next(traces))
    log.access({})
    log.decision(decision_record(), Outcome("refused"))
    log.fault("broken")
    assert [line.get("trace_id") for line in lines(stream)] == ["t1", "t2", None]


def test_unknown_level_is_refused():
    """At construction, not at the first event."""
    with pytest.raises(ValueError, match="no log level 'loud'"):
        make(io.BytesIO(), level="loud")


def test_broken_pipe_is_swallowed_and_counted():
    """A collector that went away costs lines, not requests."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb", buffering=0) as stream:
        log = make(stream)
        log.access({"status": 200})
        assert log.lost == 0
        os.close(reader)
        log.access({"status": 200})
        log.decision(decision_record(), Outcome("forwarded"))
        log.fault("x")
    assert log.lost == 3
    log.access({"status": 200})  # closed by now
    assert log.lost == 4


def test_default_stream_is_standard_output(capfdbinary: pytest.CaptureFixture[bytes]):
    """Containers read it from there."""
    StructlogEventLog(lambda: NOW).access({"status": 200})
    assert json.loads(capfdbinary.readouterr().out)["status"] == 200
