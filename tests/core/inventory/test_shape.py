"""boto3's shape, read by the rules of the document."""

from typing import Any

import pytest
from hypothesis import given

from gateway.core.inventory.configuration import InventoryConfiguration
from gateway.core.inventory.shape import ShapeError, read_shape, wire_element
from tests.support.strategies import configurations

SHAPE: dict[str, Any] = {
    "Destination": {
        "S3BucketDestination": {
            "AccountId": "444455556666",
            "Bucket": "arn:aws:s3:::acme-inventory",
            "Format": "Parquet",
            "Encryption": {"SSES3": {}},
        }
    },
    "IsEnabled": True,
    "Id": "daily",
    "IncludedObjectVersions": "Current",
    "OptionalFields": ["Size", "ETag"],
    "Schedule": {"Frequency": "Daily"},
}


def reports(**members: object) -> dict[str, Any]:
    """Return the shape with other members of the destination."""
    bucket = {**SHAPE["Destination"]["S3BucketDestination"], **members}
    return {**SHAPE, "Destination": {"S3BucketDestination": bucket}}


@given(configurations)
def test_a_shape_reads_as_what_it_was_made_of(configuration: InventoryConfiguration):
    """What goes to boto3 comes back as it was."""
    assert read_shape(configuration.as_boto3()) == configuration


def test_a_key_and_its_wire_name_are_the_same():
    """SSEKMS is boto3's name for SSE-KMS."""
    shape = reports(Encryption={"SSEKMS": {"KeyId": "k"}})
    assert read_shape(shape).as_boto3() == shape


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (None, "a configuration must be an object"),
        ([SHAPE], "a configuration must be an object"),
        ({}, "InventoryConfiguration/"),
        ({**SHAPE, "Id": "a b"}, "InventoryConfiguration/Id must be 1 to 64"),
        ({**SHAPE, "Extra": "x"}, "may not hold 'Extra'"),
        ({**SHAPE, "Id": None}, "Id must be text, true or false"),
        ({**SHAPE, "Id": 7}, "Id must be text, true or false"),
        ({**SHAPE, "IsEnabled": "yes"}, "IsEnabled must be one of true, false"),
        ({**SHAPE, "Schedule": "Daily"}, "Schedule may hold no text of its own"),
        ({**SHAPE, "x><y": "x"}, "there is no member 'x><y'"),
        ({**SHAPE, "": "x"}, "there is no member ''"),
        (reports(**{"SSE-S3": {}}), "there is no member 'SSE-S3'"),
        (reports(Encryption={"SSE-S3": {}}), "there is no member 'SSE-S3'"),
        (reports(Prefix="a\nb"), "Prefix holds a control character"),
        (reports(Prefix="a\ud800"), "Prefix holds a control character"),
        (reports(Prefix="x" * 70_000), "Your request was too big"),
        ({**SHAPE, "Id": "</Id><Id>x"}, "Id must be 1 to 64"),
    ],
)
def test_what_no_sdk_would_send_is_refused(shape: object, words: str):
    """With the place, and without a word about XML."""
    with pytest.raises(ShapeError) as refused:
        read_shape(shape)
    assert words in str(refused.value)
    assert "XML" not in str(refused.value)


def test_a_shape_without_an_end_is_refused():
    """Whoever nests deeper than any configuration is told so, not followed."""
    shape: dict[str, Any] = {}
    for _ in range(100):
        shape = {"A": shape}
    with pytest.raises(ShapeError, match="there is no member 'A'"):
        read_shape(shape)


def test_an_element_carries_the_prefix_of_its_document():
    """On every tag, and text is escaped."""
    assert wire_element("Encryption", {"SSEKMS": {"KeyId": "a<b"}}, "s3:") == (
        "<s3:Encryption><s3:SSE-KMS><s3:KeyId>a&lt;b</s3:KeyId></s3:SSE-KMS></s3:Encryption>"
    )
