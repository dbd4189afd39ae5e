"""The model: ids, bucket ARNs, partitions, and the shape that boto3 knows."""

from contextlib import suppress

import botocore.loaders
import botocore.model
import botocore.validate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import RequestError
from gateway.core.inventory.configuration import (
    BucketArn,
    Destination,
    InventoryConfiguration,
    SseKms,
    SseS3,
    is_inventory_id,
    partition_of,
    read_bucket_arn,
)
from gateway.core.s3.address import is_bucket_name
from tests.support.strategies import configurations


@pytest.mark.parametrize("text", ["a", "x" * 64, "A-Z_a.z0", "..", "-", "1"])
def test_id_is_one_when_in_its_alphabet(text: str):
    """Row 69: 1 to 64 letters, digits, underscores, dots and hyphens."""
    assert is_inventory_id(text)


@pytest.mark.parametrize(
    "text", ["", "x" * 65, "a b", "a+b", "a/b", "ü", "a:b", "../x", "a\n", "\uff41", "a\x00", "*"]
)
def test_id_is_none_when_it_holds_anything_else(text: str):
    """Rows 24 and 69; a line feed at the end counts."""
    assert not is_inventory_id(text)


@pytest.mark.parametrize(
    ("arn", "partition", "bucket"),
    [
        ("arn:aws:s3:::reports", "aws", "reports"),
        ("arn:aws-cn:s3:::my.reports-1", "aws-cn", "my.reports-1"),
        ("arn:aws-us-gov:s3:::reports", "aws-us-gov", "reports"),
        ("arn:aws-iso-b:s3:::reports", "aws-iso-b", "reports"),
    ],
)
def test_arn_is_taken_apart_when_it_is_a_buckets(arn: str, partition: str, bucket: str):
    """Row 77: the partition is for others to compare."""
    assert BucketArn(partition, bucket) == read_bucket_arn(arn)


BARE = "Invalid bucket ARN."
ACCOUNT = "Bucket ARN should not specify a namespace."
REGION = "Bucket ARN should not specify a region."
REFUSED = {
    "row-73-bare-name": ("reports", BARE),
    "row-74-account": ("arn:aws:s3::123456789012:reports", ACCOUNT),
    "row-74-region": ("arn:aws:s3:us-east-1::reports", REGION),
    "row-74-both": ("arn:aws:s3:us-east-1:123456789012:reports", ACCOUNT),
    "row-75-key": ("arn:aws:s3:::reports/x", BARE),
    "row-75-star": ("arn:aws:s3:::*", BARE),
    "row-75-star-within": ("arn:aws:s3:::rep*rts", BARE),
    "row-75-question-mark": ("arn:aws:s3:::report?", BARE),
    "row-75-policy-variable": ("arn:aws:s3:::${aws:username}", BARE),
    "row-75-policy-variable-without-colon": ("arn:aws:s3:::${user}", BARE),
    "row-75-trailing-slash": ("arn:aws:s3:::reports/", BARE),
    "row-75-trailing-space": ("arn:aws:s3:::reports ", BARE),
    "row-75-upper-case": ("arn:aws:s3:::Reports", BARE),
    "row-75-empty": ("arn:aws:s3:::", BARE),
    "row-75-seventh-part": ("arn:aws:s3:::reports:x", BARE),
    "row-75-five-parts": ("arn:aws:s3::reports", BARE),
    "row-76-sns": ("arn:aws:sns:us-east-1:123456789012:topic", BARE),
    "row-76-s3express": ("arn:aws:s3express:us-east-1:123456789012:bucket/b--x-s3", BARE),
    "row-76-outposts": ("arn:aws:s3-outposts:us-east-1:123456789012:outpost/o/bucket/b", BARE),
    "row-76-access-point": ("arn:aws:s3:us-east-1:123456789012:accesspoint/ap", ACCOUNT),
    "row-76-table-bucket": ("arn:aws:s3tables:us-east-1:123456789012:bucket/b", BARE),
    "row-76-access-point-alias": ("arn:aws:s3:::my-ap-s3alias", BARE),
    "row-77-partition": ("arn:evil:s3:::reports", BARE),
    "row-77-partition-in-upper-case": ("arn:AWS:s3:::reports", BARE),
    "row-77-no-partition": ("arn::s3:::reports", BARE),
    "scheme": ("urn:aws:s3:::reports", BARE),
    "scheme-in-upper-case": ("ARN:aws:s3:::reports", BARE),
    "line": ("arn:aws:s3:::reports\n", BARE),
    "nothing": ("", BARE),
}


@pytest.mark.parametrize(("arn", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_arn_is_refused_in_s3s_words_when_it_is_not_a_buckets(arn: str, message: str):
    """Rows 73 to 77."""
    with pytest.raises(RequestError) as caught:
        read_bucket_arn(arn)
    assert ("InvalidS3DestinationBucket", 400, message) == (
        caught.value.code,
        caught.value.status,
        caught.value.message,
    )


@given(st.text(max_size=30), st.text(max_size=20))
def test_arn_names_a_bucket_or_is_refused_when_arbitrary(text: str, name: str):
    """I26; what comes out is a bucket's name."""
    for arn in (text, f"arn:aws:s3:::{name}", f"arn:{text}:s3:::{name}"):
        with suppress(RequestError):
            assert is_bucket_name(read_bucket_arn(arn).bucket)


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-east-1", "aws"),
        ("eu-west-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eusc-de-east-1", "aws-eusc"),
        ("", "aws"),
    ],
)
def test_partition_is_the_regions_when_asked(region: str, partition: str):
    """Row 77."""
    assert partition == partition_of(region)


def test_partitions_are_botocores_when_compared():
    """Every Region that botocore knows is in the partition that botocore says."""
    data = botocore.loaders.Loader().load_data("partitions")
    expected = {
        region: partition["id"]
        for partition in data["partitions"]
        for region in partition["regions"]
        if not region.endswith("-global")
    }
    assert len(expected) > 30
    assert expected == {region: partition_of(region) for region in expected}


def test_shape_is_boto3s_when_everything_is_given():
    """The names of the SDKs, which policies know too."""
    configuration = InventoryConfiguration(
        id="inv-1",
        is_enabled=True,
        destination=Destination("arn:aws:s3:::b", "CSV", "1", "p", SseKms("k")),
        included_object_versions="All",
        frequency="Daily",
        filter_prefix="f",
        optional_fields=("Size",),
    )
    expected = {
        "Destination": {
            "S3BucketDestination": {
                "AccountId": "1",
                "Bucket": "arn:aws:s3:::b",
                "Format": "CSV",
                "Prefix": "p",
                "Encryption": {"SSEKMS": {"KeyId": "k"}},
            }
        },
        "IsEnabled": True,
        "Filter": {"Prefix": "f"},
        "Id": "inv-1",
        "IncludedObjectVersions": "All",
        "OptionalFields": ["Size"],
        "Schedule": {"Frequency": "Daily"},
    }
    assert expected == configuration.as_boto3()


def test_shape_leaves_out_what_is_absent_when_least_is_given():
    """No empty members: S3 echoes none."""
    configuration = InventoryConfiguration(
        "inv-1",
        is_enabled=False,
        destination=Destination("arn:aws:s3:::b", "ORC", encryption=SseS3()),
        included_object_versions="Current",
        frequency="Weekly",
    )
    expected = {
        "Destination": {
            "S3BucketDestination": {
                "Bucket": "arn:aws:s3:::b",
                "Format": "ORC",
                "Encryption": {"SSES3": {}},
            }
        },
        "IsEnabled": False,
        "Id": "inv-1",
        "IncludedObjectVersions": "Current",
        "Schedule": {"Frequency": "Weekly"},
    }
    assert expected == configuration.as_boto3()


@given(configurations)
def test_shape_passes_botocores_validation_when_generated(configuration: InventoryConfiguration):
    """boto3 would take it as it is."""
    model = botocore.loaders.Loader().load_service_model("s3", "service-2")
    shape = botocore.model.ServiceModel(model).shape_for("InventoryConfiguration")
    report = botocore.validate.ParamValidator().validate(configuration.as_boto3(), shape)
    assert "" == report.generate_report()
