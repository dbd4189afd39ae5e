"""The table of optional facts, and what follows from it."""

import json
import re
from pathlib import Path

import pytest

from gateway.core.inventory.configuration import SseKms, SseS3
from gateway.core.policy.fact import FACTS, Fact, FactUnknown, Subject, operations, suppliers

SCHEMA = json.loads((Path(__file__).parents[3] / "policies" / "schemas" / "input.json").read_text())


def test_every_fact_has_its_entry():
    """In the order in which they are told."""
    assert list(FACTS) == list(Fact)


@pytest.mark.parametrize("fact", Fact)
def test_fact_supplies_members_of_the_question(fact: Fact):
    """The published schema names them, and requires none of them."""
    for pointer in FACTS[fact].members:
        section = SCHEMA
        *parents, member = pointer.removeprefix("/").split("/")
        for parent in parents:
            section = section["properties"][parent]
        assert member in section["properties"]
        assert member not in section["required"]


@pytest.mark.parametrize("fact", Fact)
def test_fact_names_what_it_needs(fact: Fact):
    """Actions of IAM, one for each operation at least."""
    entry = FACTS[fact]
    assert all(re.fullmatch(r"[a-z0-9]+:[A-Z][A-Za-z]+", action) for action in entry.actions)
    assert entry.calls
    assert entry.says


def test_operations_are_joined_by_service():
    """What botocore has to know."""
    assert operations([]) == {}
    assert operations([Fact.DELIVERY, Fact.TAGS, Fact.KEY_POLICY]) == {
        "s3": frozenset({"GetBucketPolicy", "GetBucketTagging"}),
        "kms": frozenset({"GetKeyPolicy"}),
    }


@pytest.mark.parametrize(
    ("pointers", "expected"),
    [
        ([], ()),
        (["/source/region", "/destination/owner_verified"], ()),
        (["/source/tags"], (Fact.TAGS,)),
        (["/source/version_count", "/source/object_count"], (Fact.OBJECT_COUNT,)),
        (
            ["/previous_configuration", "/destination/delivery"],
            (Fact.DELIVERY, Fact.CONFIGURATIONS),
        ),
    ],
    ids=["nothing", "always-looked-up", "one", "two-members-of-one", "two"],
)
def test_suppliers_are_the_facts_that_must_be_switched_on(
    pointers: list[str], expected: tuple[Fact, ...]
):
    """Each once, in the order of the table."""
    assert suppliers(pointers) == expected


@pytest.mark.parametrize(
    ("encryption", "expected"), [(None, ""), (SseS3(), ""), (SseKms("arn:key"), "arn:key")]
)
def test_key_is_that_of_the_encryption(encryption: SseS3 | SseKms | None, expected: str):
    """As the client names it."""
    assert Subject("b", "r", "id", encryption=encryption).key_arn == expected


def test_unknown_fact_has_a_reason():
    """For the record."""
    assert FactUnknown("denied").reason == "denied"
