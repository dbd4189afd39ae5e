"""A document with places: members where they stand, and edits that keep the rest."""

import pytest
from hypothesis import given

from gateway.core.inventory.configuration import InventoryConfiguration
from gateway.core.inventory.document import read_configuration, write_configuration
from gateway.core.inventory.xml_text import XmlText
from tests.support.inventory import document, optional_fields
from tests.support.strategies import configurations

DESTINATION = "/Destination/S3BucketDestination"
LINES = document(fields=optional_fields("Size", "ETag"), prefix="<Prefix>a>b é</Prefix>").replace(
    "><", ">\n<"
)


@pytest.mark.parametrize(
    ("pointer", "tag"),
    [
        ("", "<InventoryConfiguration"),
        (f"{DESTINATION}/Prefix", "<Prefix>a>b é"),
        (f"{DESTINATION}/Encryption/SSES3", "<SSE-S3/>"),
        (f"{DESTINATION}/Encryption/SSEKMS/KeyId", "<Encryption>"),
        ("/OptionalFields/0", "<Field>Size"),
        ("/OptionalFields/1", "<Field>ETag"),
        ("/OptionalFields/2", "<OptionalFields>"),
        ("/Filter/Prefix", "<InventoryConfiguration"),
    ],
)
def test_a_member_is_found_or_the_nearest_one_around_it(pointer: str, tag: str):
    """By the names of boto3's shape."""
    line, column = XmlText(LINES.encode()).position(pointer)
    assert LINES.splitlines()[line - 1][column - 1 :].startswith(tag)


@pytest.mark.parametrize(
    ("name", "value", "before", "after"),
    [
        ("Prefix", "x&y", "<Prefix>a>b é</Prefix>", "<Prefix>x&amp;y</Prefix>"),
        (
            "Encryption",
            {"SSEKMS": {"KeyId": "k"}},
            "<Encryption>\n<SSE-S3/>\n</Encryption>",
            "<Encryption><SSE-KMS><KeyId>k</KeyId></SSE-KMS></Encryption>",
        ),
    ],
)
def test_a_member_is_replaced_and_nothing_else_changes(name, value, before, after):
    """Whatever stands in it."""
    changed = XmlText(LINES.encode()).with_member(f"{DESTINATION}/{name}", value)
    assert changed == LINES.replace(before, after)


def test_a_member_is_added_like_its_neighbours():
    """On a line of its own, where they have theirs."""
    text = document().replace("><", ">\n  <")
    changed = XmlText(text.encode()).with_member(f"{DESTINATION}/Prefix", "p")
    end = "\n  </S3BucketDestination>"
    assert changed == text.replace(end, "\n  <Prefix>p</Prefix>" + end)


def test_a_document_with_a_prefix_keeps_it():
    """The element that is added is S3's as well; so is a byte order mark."""
    text = document(namespace=' xmlns:s3="http://s3.amazonaws.com/doc/2006-03-01/"')
    text = "\ufeff" + text.replace("</", "</s3:").replace("<s", "<s").replace("<", "<s3:").replace(
        "<s3:/s3:", "</s3:"
    )
    read_configuration(text.encode())
    found = XmlText(text.encode())
    changed = found.with_member(f"{DESTINATION}/Prefix", "p")
    assert "<s3:Prefix>p</s3:Prefix></s3:S3BucketDestination>" in changed
    assert read_configuration(changed.encode()).destination.prefix == "p"


@given(configurations)
def test_what_is_set_is_read_and_nothing_else(configuration: InventoryConfiguration):
    """Whatever the document holds, and whether or not it had such a member."""
    text = XmlText(write_configuration(configuration))
    changed = text.with_member(f"{DESTINATION}/AccountId", "123456789012")
    shape = configuration.as_boto3()
    shape["Destination"]["S3BucketDestination"]["AccountId"] = "123456789012"  # type: ignore[index]
    assert read_configuration(changed.encode()).as_boto3() == shape
