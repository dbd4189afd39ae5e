"""What the role may do: its groups' operations on its buckets, and no more."""

import pytest

from gateway.core.enforcement.parameter import ParametersError
from gateway.core.enforcement.role_policy import PARAMETERS, role_policy
from gateway.core.policy.fact import FACTS, Fact, Side
from tests.support.enforcement import ACCOUNT, GATEWAY, KEY, PRINCIPAL, values
from tests.support.iam import ALLOW, NOTHING, Request, verdict

DEFAULT = role_policy(
    values(PARAMETERS, bucket=["analytics-*", "raw"], destination="acme-inventory")
)


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        pytest.param("s3:PutInventoryConfiguration", "raw", ALLOW, id="inventory"),
        pytest.param("s3:ListBucket", "analytics-1", ALLOW, id="facts-of-a-source"),
        pytest.param("s3:ListBucket", "acme-inventory", ALLOW, id="facts-of-a-destination"),
        pytest.param("s3:GetObject", "raw/key", ALLOW, id="object"),
        pytest.param("s3:ListAllMyBuckets", "", ALLOW, id="list-of-buckets"),
        pytest.param("s3:PutInventoryConfiguration", "other", NOTHING, id="another-bucket"),
        pytest.param("s3:GetObject", "rawer/key", NOTHING, id="a-longer-name"),
        pytest.param(
            "s3:PutInventoryConfiguration", "acme-inventory", NOTHING, id="of-a-destination"
        ),
        pytest.param("s3:GetObject", "acme-inventory/r", NOTHING, id="reports"),
        pytest.param("s3:PutReplicationConfiguration", "raw", NOTHING, id="exports"),
        pytest.param("s3:PutBucketPolicy", "raw", NOTHING, id="bucket-admin"),
        pytest.param("s3:PutObjectAcl", "raw/key", NOTHING, id="acl-of-an-object"),
        pytest.param("s3:BypassGovernanceRetention", "raw/key", NOTHING, id="bypass"),
        pytest.param("iam:PassRole", "raw", NOTHING, id="pass-role"),
    ],
)
def test_default_groups_are_permitted(action: str, resource: str, expected: str) -> None:
    """And the look-ups that the gateway makes itself."""
    arn = f"arn:aws:s3:::{resource}" if resource else "*"
    assert verdict(DEFAULT, Request(action, arn)) == expected


def test_groups_are_those_given() -> None:
    """With inventories alone there are neither objects nor the list of buckets."""
    only = role_policy(values(PARAMETERS, bucket="raw", group="inventory"))
    assert [item["Action"] for item in only["Statement"]] == [
        ["s3:GetInventoryConfiguration", "s3:ListBucket", "s3:PutInventoryConfiguration"]
    ]
    more = role_policy(values(PARAMETERS, bucket="raw", group=["exports", "bucket-admin"]))
    arn = "arn:aws:s3:::raw"
    assert verdict(more, Request("s3:PutReplicationConfiguration", arn)) == ALLOW
    assert verdict(more, Request("s3:PutBucketPolicy", arn)) == ALLOW


def test_principals_roles_are_assumed_in_their_name() -> None:
    """With what the gateway sends: a source identity, and tags that Pod Identity passes on."""
    only = role_policy(values(PARAMETERS, principal_role=PRINCIPAL))
    for action in ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"):
        assert verdict(only, Request(action, PRINCIPAL)) == ALLOW
        assert verdict(only, Request(action, GATEWAY)) == NOTHING
    assert verdict(only, Request("s3:ListBucket", "arn:aws:s3:::raw")) == NOTHING


@pytest.mark.parametrize(
    ("partition", "suffix"),
    [
        pytest.param("aws", "", id="aws"),
        pytest.param("aws-us-gov", "", id="gov"),
        pytest.param("aws-cn", ".cn", id="china"),
    ],
)
def test_keys_are_used_through_s3_only(partition: str, suffix: str) -> None:
    """In the partition of the key."""
    key = KEY.replace("arn:aws:", f"arn:{partition}:")
    found = role_policy(values(PARAMETERS, bucket="raw", kms_key=key))
    for service, expected in ((f"s3.eu-central-1.amazonaws.com{suffix}", ALLOW), ("", NOTHING)):
        context = {"kms:ViaService": service}
        assert verdict(found, Request("kms:Decrypt", key, context=context)) == expected
    assert verdict(found, Request("s3:ListBucket", f"arn:{partition}:s3:::raw")) == ALLOW
    assert ACCOUNT in key


FACTS_ON = role_policy(
    values(
        PARAMETERS,
        bucket="raw",
        destination="acme-inventory",
        group="inventory",
        fact=[*Fact],
        report_key=KEY,
    )
)
RESOURCES = {
    Side.SOURCE: "arn:aws:s3:::raw",
    Side.DESTINATION: "arn:aws:s3:::acme-inventory",
    Side.KEY: KEY,
    Side.ACCOUNT: "arn:aws:organizations::111122223333:account/o-exampleorgid/444455556666",
    Side.ANY: "*",
}


@pytest.mark.parametrize("fact", Fact)
def test_optional_fact_is_permitted_on_what_it_asks_about(fact: Fact) -> None:
    """And nowhere else; without the fact nowhere at all."""
    side = FACTS[fact].side
    for action in FACTS[fact].actions:
        assert verdict(FACTS_ON, Request(action, RESOURCES[side])) == ALLOW
        if action == "s3:GetInventoryConfiguration":  # the group needs it as well
            continue
        assert verdict(DEFAULT, Request(action, "arn:aws:s3:::acme-inventory")) == NOTHING
        if side is not Side.ANY:
            assert verdict(FACTS_ON, Request(action, "arn:aws:s3:::other")) == NOTHING


def test_destinations_are_the_buckets_where_none_are_given() -> None:
    """As in principals.yaml."""
    found = role_policy(values(PARAMETERS, bucket="raw", fact="delivery"))
    assert verdict(found, Request("s3:GetBucketPolicy", "arn:aws:s3:::raw")) == ALLOW


def test_fact_needs_something_to_ask_about() -> None:
    """All that is missing is told at once."""
    with pytest.raises(ParametersError) as caught:
        role_policy(values(PARAMETERS, fact=["tags", "key-policy", "delivery", "object-count"]))
    assert caught.value.problems == (
        "fact tags needs a source bucket",
        "fact key-policy needs a KMS key",
        "fact delivery needs a destination bucket",
    )


def test_nothing_is_written_when_nothing_is_permitted() -> None:
    """An empty policy is refused by IAM."""
    with pytest.raises(ParametersError, match="bucket or principal-role is required"):
        role_policy(values(PARAMETERS, group="inventory"))
