"""What the gateway's role, or the role of a principal, may do: no more than its groups need."""

from typing import Final

from gateway.core.enforcement.document import Document, policy
from gateway.core.enforcement.parameter import Kind, Parameter, ParametersError, Values
from gateway.core.policy.fact import FACTS, Fact, Side
from gateway.core.s3.operations import DEFAULT_GROUPS, Group
from gateway.core.s3.permissions import LIST_BUCKETS_ACTION, permissions_of

PARAMETERS: Final = (
    Parameter("bucket", Kind.BUCKETS, "a bucket of the principals'", many=True),
    Parameter("destination", Kind.BUCKETS, "a bucket that inventories may report to", many=True),
    Parameter("group", Kind.GROUP, "an operation group; default: the default ones", many=True),
    Parameter("kms-key", Kind.KEY, "a key that objects are encrypted with", many=True),
    Parameter("fact", Kind.FACT, "an optional fact that the settings switch on", many=True),
    Parameter("report-key", Kind.KEY, "a key that reports are encrypted with", many=True),
    Parameter(
        "principal-role",
        Kind.ROLE,
        "a role_arn of principals.yaml: the gateway's own role assumes it",
        many=True,
    ),
    Parameter("partition", Kind.PARTITION, "where no ARN says it; default: aws"),
)
#: What the gateway itself asks of each bucket, source and destination, to know its Region and its
#: owner: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
_FACTS: Final = "s3:ListBucket"
#: The gateway names the principal as SourceIdentity. TagSession is for a gateway under EKS Pod
#: Identity, whose session tags are transitive:
#: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
ASSUMING: Final = ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession")


def role_policy(values: Values) -> Document:
    """The permission policy.

    A gateway whose principals all have roles of their own needs `principal-role` alone; the roles
    themselves need the rest.

    Raises:
        ParametersError: nothing is to be permitted, or nothing says on what.
    """
    statements: list[Document] = []
    buckets, destinations = values.all("bucket"), values.all("destination")
    if buckets:
        statements += _buckets(values, buckets)
    if destinations:
        names = _arns(values, destinations)
        statements.append(_allow("FactsOfDestinations", (_FACTS,), names))
    if values.all("kms-key"):
        statements.append(_keys(values))
    statements += _optional_facts(values)
    if values.all("principal-role"):
        roles = values.all("principal-role")
        statements.append(_allow("RolesOfPrincipals", ASSUMING, roles))
    if not statements:
        raise ParametersError(["bucket or principal-role is required: nothing would be permitted"])
    return policy(*statements)


def _buckets(values: Values, buckets: list[str]) -> list[Document]:
    groups = {Group(name) for name in values.all("group")} or DEFAULT_GROUPS
    needed = permissions_of(groups)
    names = _arns(values, buckets)
    statements = [_allow("Buckets", sorted({_FACTS, *needed.bucket}), names)]
    if needed.object:
        keys = [f"{name}/*" for name in names]
        statements.append(_allow("Objects", needed.object, keys))
    if Group.LISTING in groups:
        statements.append(_allow("ListOfBuckets", (LIST_BUCKETS_ACTION,), ["*"]))
    return statements


def _optional_facts(values: Values) -> list[Document]:
    """What the facts ask, on what each of them asks about.

    Raises:
        ParametersError: nothing of that kind was given.
    """
    buckets = values.all("bucket")
    places = {
        Side.SOURCE: _arns(values, buckets),
        # As in principals.yaml: who has no destinations of its own reports to its buckets.
        Side.DESTINATION: _arns(values, values.all("destination") or buckets),
        Side.KEY: values.all("report-key"),
        Side.ACCOUNT: [f"arn:{values.partition}:organizations::*:account/o-*/*"],
        Side.ANY: ["*"],
    }
    facts = [Fact(name) for name in values.all("fact")]
    problems = [
        f"fact {fact} needs a {FACTS[fact].side}" for fact in facts if not places[FACTS[fact].side]
    ]
    if problems:
        raise ParametersError(problems)
    statements = []
    for side, resources in places.items():
        actions = {
            action for fact in facts if FACTS[fact].side is side for action in FACTS[fact].actions
        }
        if actions:
            sid = f"OptionalFacts{side.name.title()}"
            statements.append(_allow(sid, sorted(actions), resources))
    return statements


def _keys(values: Values) -> Document:
    """S3 uses the key in the caller's name.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    suffix = "amazonaws.com.cn" if values.partition == "aws-cn" else "amazonaws.com"
    return {
        **_allow("KeysOfObjects", ("kms:Decrypt", "kms:GenerateDataKey"), values.all("kms-key")),
        "Condition": {"StringLike": {"kms:ViaService": f"s3.*.{suffix}"}},
    }


def _arns(values: Values, buckets: list[str]) -> list[str]:
    return [f"arn:{values.partition}:s3:::{bucket}" for bucket in buckets]


def _allow(sid: str, actions: tuple[str, ...] | list[str], resources: list[str]) -> Document:
    return {"Sid": sid, "Effect": "Allow", "Action": [*actions], "Resource": resources}
