"""The source's objects, counted by CloudWatch."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.adapters.facts.object_count import ObjectCountFact
from gateway.core.policy.fact import Fact, FactUnknown, Subject
from tests.adapters.test_bucket_facts_s3 import HOME, PRINCIPAL

SUBJECT = Subject("home", HOME, "daily")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class FakeClients:
    """Answers as told, and remembers."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    async def call(self, *question: Any) -> Any:
        """Answer as told."""
        self.asked.append(question)
        return self.answer


def fact(answer: Any) -> ObjectCountFact:
    """A fact over that answer."""
    return ObjectCountFact(FakeClients(answer), lambda: NOW)  # type: ignore[arg-type]


def points(*averages: Any) -> dict[str, Any]:
    """One for each day, the last first."""
    return {
        "Datapoints": [
            {"Timestamp": NOW - timedelta(days=day), "Average": average}
            for day, average in enumerate(averages)
        ]
    }


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        pytest.param(points(12.0), 12, id="one"),
        pytest.param(points(12.0, 7.0, 99.0), 12, id="the-last"),
        pytest.param(points(0.0), 0, id="empty"),
        pytest.param(points(5e12), 2**31 - 1, id="more-than-can-be-said"),
    ],
)
async def test_last_figure_counts(answer: Any, count: int):
    """For all versions, and as the most that there can be of current objects."""
    reading = await fact(answer).read(SUBJECT, PRINCIPAL)
    assert reading.members(SUBJECT) == {
        "/source/object_count": count,
        "/source/version_count": count,
    }


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param({"Datapoints": []}, "none", id="none"),
        pytest.param({}, "error", id="nothing"),
        pytest.param(None, "error", id="less-than-nothing"),
        pytest.param({"Datapoints": [1]}, "error", id="no-point"),
        pytest.param({"Datapoints": [{}]}, "error", id="empty-point"),
        pytest.param(points(float("nan")), "error", id="not-a-number"),
        pytest.param(points(float("inf")), "error", id="infinite"),
        pytest.param(points(-1.0), "error", id="negative"),
    ],
)
async def test_garbage_is_unknown(answer: Any, reason: str):
    """And not an empty bucket."""
    with pytest.raises(FactUnknown) as caught:
        await fact(answer).read(SUBJECT, PRINCIPAL)
    assert caught.value.reason == reason


async def test_question_is_about_all_storage_classes_of_the_last_days():
    """In the Region of the source."""
    reader = fact(points(1.0))
    await reader.read(SUBJECT, PRINCIPAL)
    [(service, region, operation, principal, parameters)] = reader._clients.asked  # type: ignore[attr-defined]
    assert (service, region, operation) == ("cloudwatch", HOME, "get_metric_statistics")
    assert principal is PRINCIPAL
    text = json.dumps(parameters, default=str)
    assert '{"Name": "StorageType", "Value": "AllStorageTypes"}' in text
    assert '{"Name": "BucketName", "Value": "home"}' in text
    assert (parameters["StartTime"], parameters["EndTime"]) == (NOW - timedelta(days=4), NOW)


def test_answer_depends_on_the_source():
    """Nobody knows where to ask while its Region is not known."""
    reader = fact({})
    assert reader.about(SUBJECT) == ("home", HOME)
    assert reader.about(Subject("home", "", "daily")) is None
    assert (reader.fact, reader.kept) == (Fact.OBJECT_COUNT, True)
