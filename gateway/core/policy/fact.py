"""The facts that policy can do without: what each says, what it asks AWS, what that needs in IAM.

None is looked up unless the settings name it, because each needs a permission more. This table is
the only list of them: the settings, the models that botocore loads, docs/facts.md and the
permission policy of the gateway's role follow from it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gateway.core.inventory.configuration import Encryption, SseKms


class Fact(StrEnum):
    """An optional fact, by its name in the settings."""

    DELIVERY = "delivery"
    KEY_POLICY = "key-policy"
    PUBLIC_ACCESS = "public-access"
    DEFAULT_ENCRYPTION = "default-encryption"
    TAGS = "tags"
    VERSIONING = "versioning"
    CONFIGURATIONS = "configurations"
    OBJECT_COUNT = "object-count"
    ACCOUNTS = "accounts"


class Side(StrEnum):
    """What a permission is about: the `Resource` of its statement."""

    SOURCE = "source bucket"
    DESTINATION = "destination bucket"
    KEY = "KMS key"
    ACCOUNT = "account of the organisation"
    ANY = "any resource"


@dataclass(frozen=True, slots=True)
class FactEntry:
    """One optional fact.

    Args:
        says: what is learned, in words.
        members: JSON pointers of what it supplies in the question to policy.
        calls: what is asked: service, as botocore names it, and operation.
        actions: what the caller must be allowed in IAM.
        side: on what.
    """

    says: str
    members: tuple[str, ...]
    calls: tuple[tuple[str, str], ...]
    actions: tuple[str, ...]
    side: Side


FACTS: Final[Mapping[Fact, FactEntry]] = {
    Fact.DELIVERY: FactEntry(
        "whether the destination's bucket policy lets S3 deliver",
        members=("/destination/delivery",),
        calls=(("s3", "GetBucketPolicy"),),
        actions=("s3:GetBucketPolicy",),
        side=Side.DESTINATION,
    ),
    Fact.KEY_POLICY: FactEntry(
        "whether the policy of the KMS key lets S3 encrypt, where the key is in the role's account",
        members=("/destination/key_policy",),
        calls=(("kms", "GetKeyPolicy"),),
        actions=("kms:GetKeyPolicy",),
        side=Side.KEY,
    ),
    Fact.PUBLIC_ACCESS: FactEntry(
        "whether the destination itself blocks public access in all four ways",
        members=("/destination/public_access_blocked",),
        calls=(("s3", "GetPublicAccessBlock"),),
        actions=("s3:GetBucketPublicAccessBlock",),
        side=Side.DESTINATION,
    ),
    Fact.DEFAULT_ENCRYPTION: FactEntry(
        "how the destination encrypts by default",
        members=("/destination/default_encryption",),
        calls=(("s3", "GetBucketEncryption"),),
        actions=("s3:GetEncryptionConfiguration",),
        side=Side.DESTINATION,
    ),
    Fact.TAGS: FactEntry(
        "the tags of the source",
        members=("/source/tags",),
        calls=(("s3", "GetBucketTagging"),),
        actions=("s3:GetBucketTagging",),
        side=Side.SOURCE,
    ),
    Fact.VERSIONING: FactEntry(
        "whether the source keeps versions",
        members=("/source/versioning",),
        calls=(("s3", "GetBucketVersioning"),),
        actions=("s3:GetBucketVersioning",),
        side=Side.SOURCE,
    ),
    Fact.CONFIGURATIONS: FactEntry(
        "the inventories of the source, and what S3 holds under the id; read anew each time",
        members=("/source/inventories", "/previous_configuration"),
        calls=(("s3", "ListBucketInventoryConfigurations"),),
        actions=("s3:GetInventoryConfiguration",),
        side=Side.SOURCE,
    ),
    Fact.OBJECT_COUNT: FactEntry(
        "how many versions the source has, by CloudWatch; current objects are taken to be as many",
        members=("/source/object_count", "/source/version_count"),
        calls=(("cloudwatch", "GetMetricStatistics"),),
        actions=("cloudwatch:GetMetricStatistics",),
        side=Side.ANY,
    ),
    Fact.ACCOUNTS: FactEntry(
        "whether the destination's account is the organisation's own; asked as the gateway's role",
        members=("/destination/in_organisation",),
        calls=(("organizations", "DescribeAccount"),),
        actions=("organizations:DescribeAccount",),
        side=Side.ACCOUNT,
    ),
}

#: Facts that depend on whose the source is, which S3 only ever confirms.
NEED_SOURCE_ACCOUNT: Final = frozenset({Fact.DELIVERY, Fact.KEY_POLICY})


@dataclass(frozen=True, slots=True)
class Subject:
    """What facts are looked up about: one inventory, as it is asked for.

    Args:
        source: the bucket that is listed.
        source_region: where it is; empty where not known.
        inventory_id: the id.
        source_account: its owner; empty where S3 has not confirmed any.
        destination: the bucket that receives reports; empty for a removal.
        destination_region: where it is; empty where not known.
        destination_account: its owner, confirmed by S3; empty where it is not.
        prefix: of the reports.
        encryption: of the reports.
    """

    source: str
    source_region: str
    inventory_id: str
    source_account: str = ""
    destination: str = ""
    destination_region: str = ""
    destination_account: str = ""
    prefix: str = ""
    encryption: Encryption | None = None

    @property
    def key_arn(self) -> str:
        """The KMS key as it is named; empty where there is none."""
        return self.encryption.key_id if isinstance(self.encryption, SseKms) else ""


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What came of one fact.

    Args:
        fact: which.
        members: JSON pointer -> value; empty where it is not known.
        age_seconds: of the answer.
        unknown: a constant that says why it is not known; empty where it is.
    """

    fact: Fact
    members: Mapping[str, object] = field(default_factory=dict)
    age_seconds: int = 0
    unknown: str = ""


class FactUnknown(Exception):  # noqa: N818 - a state: nothing has gone wrong for the client
    """A fact cannot be had now; policy gets to know that it is not known.

    Args:
        reason: a constant for the record, such as `denied`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def suppliers(pointers: Iterable[str]) -> tuple[Fact, ...]:
    """The optional facts that supply these members of the question, which a rule reads."""
    wanted = frozenset(pointers)
    return tuple(fact for fact, entry in FACTS.items() if wanted.intersection(entry.members))


def operations(facts: Iterable[Fact]) -> dict[str, frozenset[str]]:
    """What these facts ask of AWS: service -> operations."""
    found: dict[str, frozenset[str]] = {}
    for fact in facts:
        for service, operation in FACTS[fact].calls:
            found[service] = found.get(service, frozenset()) | {operation}
    return found
