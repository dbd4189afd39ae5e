"""Who may be the gateway: trust policies for where it runs, and for the roles of principals."""

from typing import Final

from gateway.core.enforcement.control_policy import GATEWAY_ROLE
from gateway.core.enforcement.document import Document, policy
from gateway.core.enforcement.parameter import Kind, Parameter, Values

_NAMESPACE: Final = Parameter("namespace", Kind.NAMESPACE, "of the gateway's pods", required=True)
_SERVICE_ACCOUNT: Final = Parameter(
    "service-account", Kind.SERVICE_ACCOUNT, "of the gateway's pods, and of no other", required=True
)
_ROLE_NAME: Final = Parameter("role-name", Kind.NAME, "for CloudFormation; default: its own")
IRSA: Final = (
    Parameter("account", Kind.ACCOUNT, "of the role and its OIDC provider", required=True),
    Parameter("oidc-provider", Kind.PROVIDER, "of the cluster", required=True),
    _NAMESPACE,
    _SERVICE_ACCOUNT,
    Parameter("partition", Kind.PARTITION, "default: aws"),
    _ROLE_NAME,
)
POD_IDENTITY: Final = (
    Parameter("cluster", Kind.CLUSTER, "where the gateway runs", required=True),
    _NAMESPACE,
    _SERVICE_ACCOUNT,
    _ROLE_NAME,
)
EC2: Final = (Parameter("partition", Kind.PARTITION, "default: aws"), _ROLE_NAME)
PRINCIPAL: Final = (
    GATEWAY_ROLE,
    Parameter(
        "principal", Kind.SESSION, "a name in principals.yaml that has this role_arn", many=True
    ),
    _ROLE_NAME,
)


def irsa_trust(values: Values) -> Document:
    """IAM roles for service accounts: one service account of one cluster.

    Both claims are compared whole: without `sub` every pod of the cluster would be the gateway.
    https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
    """
    provider, account = values.one("oidc-provider"), values.one("account")
    subject = f"system:serviceaccount:{values.one('namespace')}:{values.one('service-account')}"
    return policy(
        {
            "Sid": "TheGatewaysServiceAccount",
            "Effect": "Allow",
            "Principal": {
                "Federated": f"arn:{values.partition}:iam::{account}:oidc-provider/{provider}"
            },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    f"{provider}:aud": "sts.amazonaws.com",
                    f"{provider}:sub": subject,
                }
            },
        }
    )


def pod_identity_trust(values: Values) -> Document:
    """EKS Pod Identity: the session tags say which pod it is for.

    An association whose session tags are disabled is refused by it: nothing would tell its pods
    from others. https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
    """
    return policy(
        {
            "Sid": "TheGatewaysServiceAccount",
            "Effect": "Allow",
            "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {
                "StringEquals": {
                    "aws:RequestTag/eks-cluster-arn": values.one("cluster"),
                    "aws:RequestTag/kubernetes-namespace": values.one("namespace"),
                    "aws:RequestTag/kubernetes-service-account": values.one("service-account"),
                }
            },
        }
    )


def ec2_trust(values: Values) -> Document:
    """An instance profile. Which instances: whoever may pass the role decides (role-protection)."""
    suffix = ".cn" if values.partition == "aws-cn" else ""
    return policy(
        {
            "Sid": "InstancesOfTheGateway",
            "Effect": "Allow",
            "Principal": {"Service": f"ec2.amazonaws.com{suffix}"},
            "Action": "sts:AssumeRole",
        }
    )


def principal_trust(values: Values) -> Document:
    """A principal's own role: the gateway alone, and in the name of the principals it is for.

    Without `principal` any name will do, but there must be one: CloudTrail keeps it.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
    """
    gateway = {"AWS": values.all("gateway-role")}
    names = values.all("principal")
    condition: Document = (
        {"StringEquals": {"sts:SourceIdentity": names}}
        if names
        else {"Null": {"sts:SourceIdentity": "false"}}
    )
    return policy(
        {
            "Sid": "TheGatewayInAPrincipalsName",
            "Effect": "Allow",
            "Principal": gateway,
            "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
            "Condition": condition,
        },
        {
            "Sid": "TagsOfPodIdentityComeAlong",
            "Effect": "Allow",
            "Principal": gateway,
            "Action": "sts:TagSession",
        },
    )
