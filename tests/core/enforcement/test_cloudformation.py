"""Documents as CloudFormation templates; what is in them is the document itself."""

import pytest

from gateway.core.enforcement.cloudformation import (
    bucket_policy,
    detection_rule,
    instance_role,
    key,
    managed_policy,
    organizations_policy,
    role,
)
from gateway.core.enforcement.control_policy import CONFINING
from gateway.core.enforcement.delivery_policy import BUCKET
from gateway.core.enforcement.detection import PARAMETERS
from gateway.core.enforcement.document import Document
from gateway.core.enforcement.trust_policy import EC2
from tests.support.enforcement import GATEWAY, OTHER, TOPIC, values

DOCUMENT: Document = {"Statement": []}
NOTHING = values(EC2)


@pytest.mark.parametrize(
    ("targets", "properties"),
    [
        pytest.param([], {}, id="nowhere"),
        pytest.param(["r-exmp", OTHER], {"TargetIds": ["r-exmp", OTHER]}, id="two"),
    ],
)
def test_control_policy_is_attached_where_it_was_said(targets, properties) -> None:
    """And nowhere else."""
    given = values(CONFINING, gateway_role=GATEWAY, target=targets)
    made = organizations_policy("SERVICE_CONTROL_POLICY", "a-name")(DOCUMENT, given)
    assert made["Resources"]["Policy"] == {
        "Type": "AWS::Organizations::Policy",
        "Properties": {
            "Name": "a-name",
            "Type": "SERVICE_CONTROL_POLICY",
            "Content": DOCUMENT,
            **properties,
        },
    }


def test_role_has_its_trust_and_its_name() -> None:
    """The name only where one was given."""
    trust = {"AssumeRolePolicyDocument": DOCUMENT}
    assert role(DOCUMENT, NOTHING)["Resources"]["Role"]["Properties"] == trust
    named = values(EC2, role_name="inventory-gateway")
    properties = role(DOCUMENT, named)["Resources"]["Role"]["Properties"]
    assert properties == {**trust, "RoleName": "inventory-gateway"}


def test_instance_has_a_profile() -> None:
    """Without one no instance takes the role."""
    resources = instance_role(DOCUMENT, NOTHING)["Resources"]
    assert resources["Role"]["Properties"]["AssumeRolePolicyDocument"] is DOCUMENT
    assert resources["Profile"]["Properties"] == {"Roles": [{"Ref": "Role"}]}


def test_policies_hold_the_document() -> None:
    """Of a role, of a bucket, of a key that is kept."""
    policy = managed_policy(DOCUMENT, NOTHING)["Resources"]["Policy"]
    assert policy["Properties"] == {"PolicyDocument": DOCUMENT}
    given = values(BUCKET, bucket="acme-inventory", source_account=OTHER)
    policy = bucket_policy(DOCUMENT, given)["Resources"]["Policy"]
    assert policy["Properties"] == {"Bucket": "acme-inventory", "PolicyDocument": DOCUMENT}
    made = key(DOCUMENT, NOTHING)["Resources"]["Key"]
    assert (made["Properties"]["KeyPolicy"], made["DeletionPolicy"]) == (DOCUMENT, "Retain")


def test_rule_tells_a_topic_of_its_own() -> None:
    """To which nobody but the rule publishes, and which tells whom it was said."""
    given = values(PARAMETERS, gateway_role=GATEWAY, email=["a@example.org"])
    resources = detection_rule(DOCUMENT, given)["Resources"]
    rule = resources["Rule"]["Properties"]
    assert rule["EventPattern"] is DOCUMENT
    assert [target["Arn"] for target in rule["Targets"]] == [{"Ref": "Topic"}]
    subscriptions = resources["Topic"]["Properties"]["Subscription"]
    assert subscriptions == [{"Protocol": "email", "Endpoint": "a@example.org"}]
    (statement,) = resources["TopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"] == {"Fn::GetAtt": ["Rule", "Arn"]}


def test_rule_tells_a_topic_that_is_there() -> None:
    """Then none is made."""
    given = values(PARAMETERS, gateway_role=GATEWAY, topic=TOPIC)
    resources = detection_rule(DOCUMENT, given)["Resources"]
    assert set(resources) == {"Rule"}
    assert resources["Rule"]["Properties"]["Targets"][0]["Arn"] == TOPIC


def test_topic_tells_nobody_when_nobody_was_named() -> None:
    """Subscribing is for later, then."""
    resources = detection_rule(DOCUMENT, values(PARAMETERS, gateway_role=GATEWAY))["Resources"]
    assert resources["Topic"]["Properties"] == {}
