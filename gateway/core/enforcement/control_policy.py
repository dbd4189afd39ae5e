"""Organizations' own policies: who may export a bucket's contents list, and who the gateway is.

An SCP binds the organisation's principals, wherever the bucket is; it binds neither the management
account nor service-linked roles. An RCP binds whoever touches the organisation's buckets, strangers
to whom a bucket policy grants the action included; it does not protect the management account's
buckets. https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
and .../orgs_manage_policies_rcps.html
"""

from typing import Final

from gateway.core.enforcement.document import Document, policy
from gateway.core.enforcement.parameter import Kind, Parameter, ParametersError, Values

GATEWAY_ROLE: Final = Parameter(
    "gateway-role", Kind.ROLE, "role of the gateway itself", required=True, many=True
)
PRINCIPAL_ROLE: Final = Parameter(
    "principal-role",
    Kind.ROLE,
    "a role_arn of principals.yaml: it trusts the gateway alone (see: enforce trust)",
    many=True,
)
BREAK_GLASS_ROLE: Final = Parameter(
    "break-glass-role",
    Kind.ROLE,
    "a role that may go past the gateway in an emergency; detection reports it",
    many=True,
)
EXPORTS: Final = Parameter(
    "exports", Kind.FLAG, "true: the adjacent exports as well (analytics, replication, …)"
)
TARGET: Final = Parameter(
    "target", Kind.TARGET, "where CloudFormation attaches it; without it, nowhere", many=True
)
ADMIN_ROLE: Final = Parameter(
    "admin-role", Kind.ROLE, "a role that may change these roles", required=True, many=True
)
CONFINING: Final = (GATEWAY_ROLE, PRINCIPAL_ROLE, BREAK_GLASS_ROLE, EXPORTS, TARGET)
PROTECTING: Final = (GATEWAY_ROLE, PRINCIPAL_ROLE, ADMIN_ROLE, TARGET)

#: PUT and DELETE alike need it:
#: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketInventoryConfiguration.html
INVENTORY: Final = "s3:PutInventoryConfiguration"
#: What ships keys, or whole objects, elsewhere: what the gateway's group `exports` writes. Removing
#: a metadata table is not among it: it leaks nothing, and whoever finds a leak should close it.
BUCKET_EXPORTS: Final = (
    "s3:CreateBucketMetadataTableConfiguration",
    "s3:PutAnalyticsConfiguration",
    "s3:PutBucketLogging",
    "s3:PutBucketNotification",
    "s3:PutReplicationConfiguration",
    "s3:UpdateBucketMetadataAnnotationTableConfiguration",
    "s3:UpdateBucketMetadataInventoryTableConfiguration",
    "s3:UpdateBucketMetadataJournalTableConfiguration",
)
#: The same by S3 Control, which the gateway does not carry at all: a Batch Operations job writes a
#: manifest of keys, a Storage Lens export their prefixes.
ACCOUNT_EXPORTS: Final = ("s3:CreateJob", "s3:PutStorageLensConfiguration")
#: Every action on a role that does more than read it; a test holds it against IAM's own list.
#: PassRole keeps the role out of instances, functions and pods that are not the gateway's.
ROLE_CHANGES: Final = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PassRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
)


def service_control_policy(values: Values) -> Document:
    """The SCP: inventories, and the adjacent exports if asked for, through the gateway alone."""
    return policy(_confinement(values, BUCKET_EXPORTS + ACCOUNT_EXPORTS))


def resource_control_policy(values: Values) -> Document:
    """The RCP: the same for whoever comes from outside the organisation."""
    confined = _confinement(values, BUCKET_EXPORTS)
    return policy({"Sid": confined["Sid"], "Effect": "Deny", "Principal": "*", **confined})


def role_protection_policy(values: Values) -> Document:
    """The SCP that leaves the exempted roles to those who run the gateway.

    Where principals have roles of their own, nobody but the gateway assumes these, whatever their
    trust policies come to say. A service assumes the gateway's role, and SCPs do not bind services.

    Raises:
        ParametersError: a role would administer itself, so that whoever has it had all of it.
    """
    gateway, principals = values.all("gateway-role"), values.all("principal-role")
    own = sorted({*gateway, *principals} & {*values.all("admin-role")})
    if own:
        raise ParametersError([f"admin-role: {role} would administer itself" for role in own])
    change: Document = {
        "Sid": "RolesOfTheGatewayAreItsAdministrators",
        "Effect": "Deny",
        "Action": [*ROLE_CHANGES],
        "Resource": gateway + principals,
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": values.all("admin-role")}},
    }
    if not principals:
        return policy(change)
    return policy(
        change,
        {
            "Sid": "RolesOfPrincipalsAreAssumedByTheGateway",
            "Effect": "Deny",
            "Action": "sts:AssumeRole",
            "Resource": principals,
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": gateway}},
        },
    )


def _confinement(values: Values, exports: tuple[str, ...]) -> dict[str, object]:
    """Deny to all but the roles.

    `aws:PrincipalArn` of an assumed role is the role's ARN. Where a request has none, as a
    service's own has, the negated condition holds, and the answer is no:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    actions = (INVENTORY, *(exports if values.flag("exports") else ()))
    exempted = [
        *values.all("gateway-role"),
        *values.all("principal-role"),
        *values.all("break-glass-role"),
    ]
    return {
        "Sid": "InventoriesThroughTheGatewayOnly",
        "Effect": "Deny",
        "Action": sorted(actions),
        "Resource": "*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": exempted}},
    }
