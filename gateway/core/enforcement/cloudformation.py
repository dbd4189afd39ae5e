"""Documents as CloudFormation templates: the values are in them, so that a template has none."""

from collections.abc import Callable
from typing import Final

from gateway.core.enforcement.document import VERSION, Document
from gateway.core.enforcement.parameter import Values

Wrapper = Callable[[Document, Values], Document]
_TEMPLATE_VERSION: Final = "2010-09-09"


def organizations_policy(kind: str, name: str) -> Wrapper:
    """A policy of Organizations, attached where `target` says.

    Args:
        kind: SERVICE_CONTROL_POLICY or RESOURCE_CONTROL_POLICY.
        name: of the policy.
    """

    def wrap(document: Document, values: Values) -> Document:
        properties: dict[str, object] = {"Name": name, "Type": kind, "Content": document}
        if values.all("target"):
            properties["TargetIds"] = values.all("target")
        return _template(
            f"{name}: for the management account or a delegated administrator of policies",
            Policy={"Type": "AWS::Organizations::Policy", "Properties": properties},
        )

    return wrap


def managed_policy(document: Document, _: Values) -> Document:
    """A managed policy, for roles that are made elsewhere."""
    return _template(
        "What a role may do",
        Policy={"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}},
    )


def role(document: Document, values: Values) -> Document:
    """A role that trusts whom the document says; its permissions are a policy of their own."""
    return _template("A role", Role=_role(document, values))


def instance_role(document: Document, values: Values) -> Document:
    """The role of an instance, and the profile that an instance is started with."""
    profile = {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "Role"}]}}
    return _template("A role and its profile", Role=_role(document, values), Profile=profile)


def _role(document: Document, values: Values) -> Document:
    properties: dict[str, object] = {"AssumeRolePolicyDocument": document}
    if values.one("role-name"):
        properties["RoleName"] = values.one("role-name")
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def bucket_policy(document: Document, values: Values) -> Document:
    """The policy of a bucket; it takes the place of one that is there."""
    properties = {"Bucket": values.one("bucket"), "PolicyDocument": document}
    return _template(
        "A destination of inventory reports",
        Policy={"Type": "AWS::S3::BucketPolicy", "Properties": properties},
    )


def key(document: Document, _: Values) -> Document:
    """A new key. What it encrypted outlives the stack, so it stays as well."""
    return _template(
        "The key of inventory reports",
        Key={
            "Type": "AWS::KMS::Key",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "Description": "Inventory reports",
                "EnableKeyRotation": True,
                "KeyPolicy": document,
            },
        },
    )


def detection_rule(pattern: Document, values: Values) -> Document:
    """The rule, with a topic of its own where none was named; one that was must let it publish."""
    topic = values.one("topic")
    rule: Document = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Description": "Inventory configurations that were written past the gateway",
            "EventPattern": pattern,
            "Targets": [{"Id": "topic", "Arn": topic or {"Ref": "Topic"}}],
        },
    }
    own: dict[str, Document] = {} if topic else _topic(values.all("email"))
    return _template("Tells of inventory configurations past the gateway", Rule=rule, **own)


def _topic(emails: list[str]) -> dict[str, Document]:
    """A topic that the rule alone may publish to.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    subscriptions = [{"Protocol": "email", "Endpoint": email} for email in emails]
    statement = {
        "Sid": "TheRulePublishes",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": {"Ref": "Topic"},
        "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]}}},
    }
    document = {"Version": VERSION, "Statement": [statement]}
    return {
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"Subscription": subscriptions} if subscriptions else {},
        },
        "TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": document},
        },
    }


def _template(description: str, **resources: Document) -> Document:
    return {
        "AWSTemplateFormatVersion": _TEMPLATE_VERSION,
        "Description": f"S3 inventory gateway. {description}",
        "Resources": resources,
    }
