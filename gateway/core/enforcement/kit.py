"""The kit: every template by its name, with the values that it takes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from gateway.core.enforcement import (
    control_policy,
    delivery_policy,
    detection,
    role_policy,
    trust_policy,
)
from gateway.core.enforcement.cloudformation import (
    Wrapper,
    bucket_policy,
    detection_rule,
    instance_role,
    key,
    managed_policy,
    organizations_policy,
    role,
)
from gateway.core.enforcement.document import Document, refuse_oversize
from gateway.core.enforcement.parameter import Parameter, Values, read_values

#: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
_CONTROL_LIMIT: Final = 5120
#: Of a managed policy; of a role's trust before the quota is raised:
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_ROLE_LIMIT: Final = 6144
_TRUST_LIMIT: Final = 2048
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html
_BUCKET_LIMIT: Final = 20 * 1024
#: https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
_KEY_LIMIT: Final = 32 * 1024
#: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
_PATTERN_LIMIT: Final = 2048


@dataclass(frozen=True, slots=True)
class Template:
    """One thing that the kit prints.

    Args:
        name: the words of the command.
        summary: one sentence for the help.
        parameters: what it takes.
        write: the document.
        wrap: the document as a CloudFormation template.
        limit: characters that AWS takes.
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    write: Callable[[Values], Document]
    wrap: Wrapper
    limit: int

    def document(self, pairs: Iterable[tuple[str, str]], *, wrapped: bool = False) -> Document:
        """Fill it in.

        Args:
            pairs: names and values, unchecked.
            wrapped: as a CloudFormation template.

        Raises:
            ParametersError: the values do not do, or what comes of them is too long for AWS.
        """
        values = read_values(self.parameters, pairs)
        written = self.write(values)
        refuse_oversize(written, self.limit, f"what comes of {self.name}")
        return self.wrap(written, values) if wrapped else written


KIT: Final = (
    Template(
        "scp",
        "SCP: inventory configurations are written by the gateway's role alone.",
        control_policy.CONFINING,
        control_policy.service_control_policy,
        organizations_policy("SERVICE_CONTROL_POLICY", "inventory-gateway-only"),
        _CONTROL_LIMIT,
    ),
    Template(
        "rcp",
        "RCP: the same, for principals from outside the organisation as well.",
        control_policy.CONFINING,
        control_policy.resource_control_policy,
        organizations_policy("RESOURCE_CONTROL_POLICY", "inventory-gateway-only-buckets"),
        _CONTROL_LIMIT,
    ),
    Template(
        "role-protection",
        "SCP: the gateway's roles are changed, passed on and assumed by nobody else.",
        control_policy.PROTECTING,
        control_policy.role_protection_policy,
        organizations_policy("SERVICE_CONTROL_POLICY", "inventory-gateway-roles"),
        _CONTROL_LIMIT,
    ),
    Template(
        "role",
        "Permission policy of the gateway's role, or of a principal's own.",
        role_policy.PARAMETERS,
        role_policy.role_policy,
        managed_policy,
        _ROLE_LIMIT,
    ),
    Template(
        "trust irsa",
        "Trust policy of the gateway's role: IAM roles for service accounts.",
        trust_policy.IRSA,
        trust_policy.irsa_trust,
        role,
        _TRUST_LIMIT,
    ),
    Template(
        "trust pod-identity",
        "Trust policy of the gateway's role: EKS Pod Identity.",
        trust_policy.POD_IDENTITY,
        trust_policy.pod_identity_trust,
        role,
        _TRUST_LIMIT,
    ),
    Template(
        "trust ec2",
        "Trust policy of the gateway's role: an instance profile.",
        trust_policy.EC2,
        trust_policy.ec2_trust,
        instance_role,
        _TRUST_LIMIT,
    ),
    Template(
        "trust principal",
        "Trust policy of a role_arn in principals.yaml.",
        trust_policy.PRINCIPAL,
        trust_policy.principal_trust,
        role,
        _TRUST_LIMIT,
    ),
    Template(
        "destination-policy",
        "Bucket policy of a destination: S3 delivers reports, of these sources only.",
        delivery_policy.BUCKET,
        delivery_policy.destination_policy,
        bucket_policy,
        _BUCKET_LIMIT,
    ),
    Template(
        "kms-policy",
        "Key policy of a destination: S3 encrypts reports, of these sources only.",
        delivery_policy.KEY,
        delivery_policy.kms_policy,
        key,
        _KEY_LIMIT,
    ),
    Template(
        "detection",
        "EventBridge rule: who wrote an inventory configuration past the gateway, or tried to.",
        detection.PARAMETERS,
        detection.detection_pattern,
        detection_rule,
        _PATTERN_LIMIT,
    ),
)
