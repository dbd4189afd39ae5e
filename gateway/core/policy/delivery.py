"""Whether a report can arrive: what S3 will ask of the destination and of the key, as far as known.

S3 delivers as the service principal `s3.amazonaws.com` on behalf of the source bucket.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/configure-inventory.html
"""

from collections.abc import Sequence
from typing import Final, assert_never

from gateway.core.iam.condition import Context
from gateway.core.iam.resource_policy import (
    Permission,
    PolicyUnreadable,
    ServiceRequest,
    evaluate,
    read_statements,
)
from gateway.core.iam.truth import Truth
from gateway.core.iam.wildcard import covers, matches
from gateway.core.inventory.configuration import Encryption, SseKms, SseS3, partition_of
from gateway.core.policy.fact import FactUnknown, Subject

_SERVICE: Final = "s3.amazonaws.com"


def delivery_permission(policy: str, subject: Subject) -> Permission:
    """Whether the destination's bucket policy lets S3 put the report there.

    Args:
        policy: of the destination, in JSON; empty where it has none.
        subject: the inventory in question.
    """
    if not policy:
        return Permission(allowed=False, reason="the bucket has no policy")
    partition = partition_of(subject.source_region)
    folders = [subject.prefix, subject.source, subject.inventory_id]
    # Below this S3 writes manifest, checksum, data and symlinks, under names with date and number.
    beginning = "/".join(folder for folder in folders if folder) + "/"
    where = f"arn:{partition}:s3:::{subject.destination}/{beginning}"
    request = ServiceRequest(
        _SERVICE, "s3:PutObject", lambda pattern: covers(pattern, where), _put_context(subject)
    )
    return _ask(policy, request)


def key_permission(policy: str, subject: Subject) -> Permission:
    """Whether the policy of the KMS key lets S3 encrypt the report.

    Args:
        policy: of the key, in JSON.
        subject: the inventory in question.
    """

    def covered(pattern: str) -> Truth:
        return matches(pattern, subject.key_arn)

    request = ServiceRequest(_SERVICE, "kms:GenerateDataKey", covered, _context(subject))
    return _ask(policy, request)


def known(permission: Permission) -> dict[str, object]:
    """The answer as policy is told it.

    Raises:
        FactUnknown: it cannot be told.
    """
    if permission.allowed is None:
        raise FactUnknown(f"undecided: {permission.reason}")
    return {"allowed": permission.allowed, "reason": permission.reason}


def _ask(policy: str, request: ServiceRequest) -> Permission:
    try:
        statements: Sequence[object] = read_statements(policy)
    except PolicyUnreadable:
        return Permission(None, "the policy cannot be read")
    return evaluate(statements, request)


def _context(subject: Subject) -> dict[str, str | None]:
    """What every request of S3 on behalf of the source has.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    partition = partition_of(subject.source_region)
    context: dict[str, str | None] = {
        "aws:sourcearn": f"arn:{partition}:s3:::{subject.source}",
        "aws:securetransport": "true",
        "aws:principalisawsservice": "true",
        "aws:principalservicename": _SERVICE,
        "aws:viaawsservice": "false",
        # A service is in no organisation and comes through no VPC endpoint of the customer's.
        "aws:principalorgid": None,
        "aws:principalorgpaths": None,
        "aws:sourcevpc": None,
        "aws:sourcevpce": None,
    }
    if subject.source_account:
        context["aws:sourceaccount"] = subject.source_account
    return context


def _put_context(subject: Subject) -> Context:
    context = _context(subject)
    context["s3:x-amz-acl"] = "bucket-owner-full-control"
    context["s3:x-amz-server-side-encryption"] = _algorithm(subject.encryption)
    context["s3:x-amz-server-side-encryption-aws-kms-key-id"] = subject.key_arn or None
    if subject.destination_account:
        context["aws:resourceaccount"] = subject.destination_account
        context["s3:resourceaccount"] = subject.destination_account
    return context


def _algorithm(encryption: Encryption | None) -> str | None:
    match encryption:
        case SseS3():
            return "AES256"
        case SseKms():
            return "aws:kms"
        case None:
            return None
        case _:
            assert_never(encryption)
