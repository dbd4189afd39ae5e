"""An EventBridge rule for what went past the gateway, or tried to.

It sees CloudTrail's management events of one Region of one account, so it belongs into each; a
trail must log them. What an SCP refused is among them, with its `errorCode`.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
"""

from typing import Final

from gateway.core.enforcement.control_policy import EXPORTS, GATEWAY_ROLE, PRINCIPAL_ROLE
from gateway.core.enforcement.document import Document
from gateway.core.enforcement.parameter import Kind, Parameter, Values

PARAMETERS: Final = (
    GATEWAY_ROLE,
    PRINCIPAL_ROLE,
    EXPORTS,
    Parameter("topic", Kind.TOPIC, "to tell; without it CloudFormation makes one"),
    Parameter("email", Kind.EMAIL, "subscribed to the topic that CloudFormation makes", many=True),
)
#: By the names that CloudTrail has for them:
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
_INVENTORY: Final = ("DeleteBucketInventoryConfiguration", "PutBucketInventoryConfiguration")
_EXPORTS: Final = (
    "CreateBucketMetadataConfiguration",
    "CreateBucketMetadataTableConfiguration",
    "PutBucketAnalyticsConfiguration",
    "PutBucketLogging",
    "PutBucketNotification",
    "PutBucketReplication",
    "UpdateBucketMetadataAnnotationTableConfiguration",
    "UpdateBucketMetadataInventoryTableConfiguration",
    "UpdateBucketMetadataJournalTableConfiguration",
)


def detection_pattern(values: Values) -> Document:
    """The event pattern.

    Users and the root have no session issuer, and `anything-but` alone would not match what is
    absent. A break-glass role is not left out: its use is what somebody wants to hear of.
    """
    names = _INVENTORY + (_EXPORTS if values.flag("exports") else ())
    ours = values.all("gateway-role") + values.all("principal-role")
    return {
        "source": ["aws.s3"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventSource": ["s3.amazonaws.com"],
            "eventName": sorted(names),
            "userIdentity": {
                "sessionContext": {
                    "sessionIssuer": {"arn": [{"anything-but": ours}, {"exists": False}]}
                }
            },
        },
    }
