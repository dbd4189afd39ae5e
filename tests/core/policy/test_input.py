"""The input document: bounded, plain, and of the published shape."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import RequestError
from gateway.core.inventory.configuration import Destination, InventoryConfiguration, SseKms
from gateway.core.policy.fact import Fact, LookedUp, Subject
from gateway.core.policy.input import (
    DELETE_ACTION,
    PUT_ACTION,
    BucketFact,
    Environment,
    PolicyInput,
    Requester,
    check_expected_owner,
    is_account_id,
    plain,
    subject_of,
)
from tests.support.strategies import configurations

SCHEMA = json.loads((Path(__file__).parents[3] / "policies" / "schemas" / "input.json").read_text())


def _question(**changes: Any) -> PolicyInput:
    parts: dict[str, Any] = {
        "action": PUT_ACTION,
        "request_id": "0123456789ABCDEF",
        "api": "PutBucketInventoryConfiguration",
        "method": "PUT",
        "region": "us-east-1",
        "source_ip": "192.0.2.1",
        "user_agent": "Boto3/1.43",
        "expected_bucket_owner": "",
        "requester": Requester("alice", "sigv4-header", "AKID", ("analysts",)),
        "source": BucketFact("source", "us-east-1", known=True, age_seconds=3),
        "environment": Environment(1_795_170_511_000_000_000, "gateway-1", stage="prod"),
        "inventory_id": "inv-1",
        "configuration": InventoryConfiguration(
            "inv-1",
            is_enabled=True,
            destination=Destination("arn:aws:s3:::reports", "CSV", "1" * 12, "p", SseKms("k")),
            included_object_versions="All",
            frequency="Daily",
        ),
        "destination": BucketFact("reports", "us-east-1", True, True, True, "1" * 12, 3),  # noqa: FBT003
    }
    return PolicyInput(**{**parts, **changes})


def _check(question: PolicyInput) -> dict[str, Any]:
    document = json.loads(json.dumps(question.document()))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert isinstance(document, dict)
    return document


def test_document_has_the_published_shape_when_a_configuration_is_put():
    """`policies/schemas/input.json` refuses unknown members."""
    document = _check(_question())
    assert PUT_ACTION == document["action"]
    assert "arn:aws:s3:::reports" == document["destination"]["arn"]
    assert {"SSEKMS": {"KeyId": "k"}} == (
        document["configuration"]["Destination"]["S3BucketDestination"]["Encryption"]
    )


def test_document_has_the_published_shape_when_a_configuration_is_deleted():
    """A removal has neither a configuration nor a destination, but the id."""
    question = _question(
        action=DELETE_ACTION,
        api="DeleteBucketInventoryConfiguration",
        method="DELETE",
        configuration=None,
        destination=None,
    )
    document = _check(question)
    assert set() == {"configuration", "destination"} & set(document)
    assert "inv-1" == document["request"]["configuration_id"]


def test_document_has_the_published_shape_when_nothing_could_be_learned():
    """Unknown facts are said to be unknown."""
    question = _question(
        source=BucketFact("source"), destination=BucketFact("reports", exists=False)
    )
    document = _check(question)
    assert (False, False) == (document["source"]["known"], document["destination"]["known"])


def test_document_has_the_published_shape_when_there_was_a_configuration_before():
    """The previous one is given as boto3 knows it."""
    configuration = _question().configuration
    assert configuration is not None
    held = LookedUp(Fact.DELIVERY, {"/previous_configuration": configuration.as_boto3()})
    question = _question(further=(held,))
    document = _check(question)
    assert document["configuration"] == document["previous_configuration"]


def test_previous_configuration_is_null_when_s3_holds_none():
    """Somebody looked, and there was nothing."""
    nothing = LookedUp(Fact.DELIVERY, {"/previous_configuration": None})
    document = _check(_question(further=(nothing,)))
    assert document["previous_configuration"] is None


def test_facts_are_absent_when_nobody_looked():
    """An empty list, a null or a false would say that somebody did."""
    document = _check(_question())
    facts = {"tags", "versioning", "inventories", "object_count", "version_count"}
    assert set() == facts & set(document["source"])
    assert set() == {"public_access_blocked", "delivery"} & set(document["destination"])
    assert "previous_configuration" not in document


def test_facts_are_placed_when_somebody_looked():
    """Where the pointer says; beside them stands how old each is, or why it is not known."""
    answer = {"allowed": False, "reason": "the bucket has no policy"}
    known = LookedUp(Fact.DELIVERY, {"/destination/delivery": answer}, age_seconds=7)
    document = _check(_question(further=(known,)))
    assert answer == document["destination"]["delivery"]
    assert {"delivery": {"age_seconds": 7}} == document["facts"]


def test_facts_are_absent_when_they_could_not_be_had():
    """Policy sees nothing; the record says why."""
    document = _check(_question(further=(LookedUp(Fact.DELIVERY, unknown="denied"),)))
    assert "delivery" not in document["destination"]
    assert {"delivery": {"unknown": "denied"}} == document["facts"]


def test_facts_have_a_published_shape_when_somebody_looked():
    """The contract with whoever looks them up."""
    document = _question().document()
    source, destination = document["source"], document["destination"]
    assert isinstance(source, dict)
    assert isinstance(destination, dict)
    held = {"Id": "inv-0", "IsEnabled": True, "Schedule": {"Frequency": "Daily"}, "New": 1}
    facts: dict[str, object] = {"tags": {"owner": "data"}, "versioning": "", "inventories": [held]}
    source.update(facts, object_count=2**31 - 1, version_count=0, size_bytes=2**40)
    answer = {"allowed": False, "reason": "no statement names s3.amazonaws.com"}
    destination.update(public_access_blocked=True, delivery=answer, key_policy=answer)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)


@pytest.mark.parametrize(
    ("section", "member", "value"),
    [
        ("source", "object_count", 2**31),
        ("source", "inventories", [{"IsEnabled": True}]),
        ("source", "inventories_known", True),
        ("destination", "delivery_allowed", True),
        ("destination", "delivery", {"reason": "r"}),
        ("destination", "key_policy", {"allowed": True, "why": "r"}),
        ("request", "configuration_id", ""),
    ],
)
def test_document_is_refused_when_a_fact_has_another_shape(
    section: str, member: str, value: object
):
    """Unknown members, counts beyond 31 bits, a held configuration without its id."""
    document: dict[str, Any] = _question().document()
    document[section][member] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(document)


@given(configurations, st.text(max_size=400))
def test_document_has_the_published_shape_when_the_client_is_hostile(
    configuration: InventoryConfiguration, user_agent: str
):
    """Whatever the reader lets pass fits the schema."""
    _check(_question(configuration=configuration, user_agent=user_agent))


@given(st.text(max_size=400), st.integers(1, 300))
def test_text_is_one_bounded_line_when_made_plain(text: str, limit: int):
    """I19: no control characters, no lone surrogates, bounded."""
    made = plain(text, limit)
    assert len(made) <= limit
    assert made.encode().decode() == made
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in made)
    assert [char for char in text[:limit] if char.isalnum()] == [
        char for char in made if char.isalnum()
    ]


def test_text_keeps_its_letters_when_made_plain():
    """Only what breaks a line, or cannot be written, is replaced."""
    assert "a?b?ü😀?" == plain("a\nb\x7fü😀\ud800")


@pytest.mark.parametrize(("value", "expected"), [(None, ""), ("123456789012", "123456789012")])
def test_expected_owner_is_read_when_absent_or_an_account(value: str | None, expected: str):
    """The header is optional."""
    assert expected == check_expected_owner(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "0000",
        "1234567890123",
        "abcd",
        "aa000000000$",
        " 123456789012",
        "123456789012\n",
    ],
)
def test_expected_owner_is_refused_in_s3s_words_when_malformed(value: str):
    """Row 93."""
    with pytest.raises(RequestError) as caught:
        check_expected_owner(value)
    assert ("InvalidBucketOwnerAWSAccountID", 400) == (caught.value.code, caught.value.status)
    assert caught.value.message.endswith(f"[{plain(value, 40)}]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("123456789012", True), ("12345678901", False), (None, False), ("12345678901a", False)],
)
def test_account_is_told_when_asked(text: str | None, expected: bool):
    """Twelve digits."""
    assert expected == is_account_id(text)


SOURCE_ALONE = Subject("source", "us-east-1", "inv-1", source_account="2" * 12)


@pytest.mark.parametrize(
    ("destination", "removal", "expected"),
    [
        pytest.param(
            BucketFact("reports", "eu-west-1", known=True, owner_verified=True, account="1" * 12),
            False,
            ("reports", "eu-west-1", "1" * 12, "p", SseKms("k")),
            id="confirmed owner",
        ),
        pytest.param(
            BucketFact("reports", "eu-west-1", known=True, account="1" * 12),
            False,
            ("reports", "eu-west-1", "", "p", SseKms("k")),
            id="owner that S3 has not confirmed",
        ),
        pytest.param(BucketFact("reports"), False, None, id="unknown destination"),
        pytest.param(BucketFact("reports", known=True), True, None, id="removal"),
        pytest.param(None, False, None, id="no destination"),
    ],
)
def test_facts_are_looked_up_about_what_is_known(
    destination: BucketFact | None, *, removal: bool, expected: tuple[object, ...] | None
):
    """An account counts as the owner of a destination where S3 has said so, and only there."""
    source = BucketFact("source", "us-east-1", known=True, account="2" * 12)
    configuration = None if removal else _question().configuration
    subject = subject_of(source, destination, configuration, "inv-1")
    wanted = SOURCE_ALONE
    if expected is not None:
        wanted = Subject("source", "us-east-1", "inv-1", "2" * 12, *expected)  # type: ignore[arg-type]
    assert subject == wanted
