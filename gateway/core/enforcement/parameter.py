"""The values that a template takes: named, checked, and refused all at once.

A value that is not what it seems would change what a policy means: a wildcard in the gateway's role
lets every role through, a policy variable is the caller's to choose. So every form is exact.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.core.policy.fact import Fact
from gateway.core.s3.operations import Group

_ARN: Final = "arn:(?P<partition>aws|aws-cn|aws-us-gov):"
_REGION: Final = "[a-z]{2}(?:-[a-z]+)+-[0-9]"
#: Paths may hold `*` and `?` by IAM's rules; here they may not: both are wildcards in a condition.
#: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html
_ROLE: Final = rf"{_ARN}iam::[0-9]{{12}}:role/(?:[\w+=,.@-]+/)*[\w+=,.@-]{{1,64}}"
_GRANTABLE: Final = "|".join(group for group in Group if group is not Group.REFUSED)


class Kind(Enum):
    """The form of a value: a pattern that it must match whole, and its words."""

    ROLE = (_ROLE, "the ARN of an IAM role, whole and without wildcards (arn:aws:iam::…:role/…)")
    CLUSTER = (rf"{_ARN}eks:{_REGION}:[0-9]{{12}}:cluster/[\w-]+", "the ARN of an EKS cluster")
    KEY = (
        rf"{_ARN}kms:{_REGION}:[0-9]{{12}}:key/(?:mrk-[0-9a-f]{{32}}|[0-9a-f-]{{36}})",
        "the ARN of a KMS key (an alias in its place would be the alias owner's to point)",
    )
    TOPIC = (rf"{_ARN}sns:{_REGION}:[0-9]{{12}}:[\w-]+", "the ARN of an SNS topic")
    ACCOUNT = ("[0-9]{12}", "an account id of 12 digits")
    ORGANIZATION = ("o-[a-z0-9]{10,32}", "the id of an organisation (o-…)")
    TARGET = (
        r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}|[0-9]{12}",
        "the id of a root, an organisational unit or an account (r-…, ou-…, 12 digits)",
    )
    BUCKET = (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket")
    BUCKETS = (r"[a-z0-9*?][a-z0-9.*?-]{0,62}", "the name of a bucket, or a glob with * and ?")
    PREFIX = (r"[\w!'()./-]{1,512}", "a prefix of keys, without wildcards")
    PROVIDER = (
        rf"oidc\.eks\.{_REGION}\.amazonaws\.com(?:\.cn)?/id/[0-9A-F]{{32}}",
        "the OIDC provider of an EKS cluster, without https:// (oidc.eks.…/id/…)",
    )
    NAMESPACE = ("[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", "the name of a Kubernetes namespace")
    SERVICE_ACCOUNT = (
        r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?",
        "the name of a Kubernetes service account",
    )
    SESSION = (r"[\w+=,.@-]{2,64}", "the name of a principal, as the gateway sends it to STS")
    NAME = (r"[\w+=,.@-]{1,64}", "the name of an IAM role, without a path")
    EMAIL = (r"[\w.+-]+@[\w.-]+", "an e-mail address")
    GROUP = (_GRANTABLE, f"an operation group: {_GRANTABLE.replace('|', ', ')}")
    FACT = ("|".join(Fact), f"an optional fact: {', '.join(Fact)}")
    PARTITION = ("aws|aws-cn|aws-us-gov", "aws, aws-cn or aws-us-gov")
    FLAG = ("true|false", "true or false")

    def __init__(self, pattern: str, words: str) -> None:
        self.pattern = re.compile(pattern, re.ASCII)
        self.words = words


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that a template takes.

    Args:
        name: as in `--set name=value`.
        kind: its form.
        meaning: for the help.
        required: whether there is nothing to do without it.
        many: whether it may be given several times.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    many: bool = False


class ParametersError(Exception):
    """Values that a template cannot be written with; the text names every problem.

    Args:
        problems: one sentence each.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Values:
    """What was given, checked.

    Args:
        given: name -> values, in their order.
        partition: of every ARN among them.
    """

    given: Mapping[str, tuple[str, ...]]
    partition: str

    def all(self, name: str) -> list[str]:
        """Every value of a name; none, where it was not given."""
        return [*self.given.get(name, ())]

    def one(self, name: str, default: str = "") -> str:
        """The value of a name that takes one."""
        return self.given[name][0] if name in self.given else default

    def flag(self, name: str) -> bool:
        """Whether a flag is set; it is not where it is not given."""
        return self.one(name) == "true"


def read_values(parameters: Iterable[Parameter], pairs: Iterable[tuple[str, str]]) -> Values:
    """Hold what was given against what a template takes.

    Args:
        parameters: of the template.
        pairs: names and values, as given.

    Returns:
        The values. The partition is that of the ARNs, else the one that was given, else `aws`.

    Raises:
        ParametersError: names that are unknown, missing or given twice, values of another form,
            ARNs of several partitions.
    """
    known = {parameter.name: parameter for parameter in parameters}
    given: dict[str, tuple[str, ...]] = {}
    tried = set()
    partitions: dict[str, None] = {}
    problems = []
    for name, value in pairs:
        parameter = known.get(name)
        if parameter is None:
            problems.append(f"{name!r} is not taken here; known are: {', '.join(known)}")
            continue
        tried.add(name)
        match = parameter.kind.pattern.fullmatch(value)
        if match is None:
            problems.append(f"{name}: {value!r} is not {parameter.kind.words}")
            continue
        if name in given and not parameter.many:
            problems.append(f"{name} takes one value")
            continue
        given[name] = (*given.get(name, ()), value)
        found = value if parameter.kind is Kind.PARTITION else match.groupdict().get("partition")
        if found is not None:
            partitions[found] = None
    problems += [
        f"{parameter.name} is required: {parameter.meaning}"
        for parameter in known.values()
        if parameter.required and parameter.name not in tried
    ]
    if len(partitions) > 1:
        problems.append(f"one partition at a time, not {' and '.join(partitions)}")
    if problems:
        raise ParametersError(problems)
    return Values(given, next(iter(partitions), "aws"))
