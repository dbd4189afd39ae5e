"""Values of templates: exact forms, and every problem at once."""

import pytest

from gateway.core.enforcement.parameter import Kind, Parameter, ParametersError, read_values
from tests.support.enforcement import GATEWAY, PROVIDER

ROLE = Parameter("role", Kind.ROLE, "a role", required=True, many=True)
BUCKET = Parameter("bucket", Kind.BUCKET, "a bucket")
FLAG = Parameter("exports", Kind.FLAG, "more")
PARTITION = Parameter("partition", Kind.PARTITION, "where")
ALL = (ROLE, BUCKET, FLAG, PARTITION)

GOOD = {
    "role": (Kind.ROLE, GATEWAY),
    "role-with-path": (Kind.ROLE, "arn:aws-cn:iam::111122223333:role/a/b+c/d=,.@-e_f"),
    "role-of-64": (Kind.ROLE, f"arn:aws-us-gov:iam::111122223333:role/{'r' * 64}"),
    "cluster": (Kind.CLUSTER, "arn:aws:eks:us-gov-east-1:111122223333:cluster/a-b_c"),
    "key": (
        Kind.KEY,
        "arn:aws:kms:eu-central-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef",
    ),
    "multi-region-key": (
        Kind.KEY,
        f"arn:aws:kms:ap-southeast-1:111122223333:key/mrk-{'0a' * 16}",
    ),
    "topic": (Kind.TOPIC, "arn:aws:sns:eu-central-1:111122223333:security"),
    "organization": (Kind.ORGANIZATION, "o-exampleorgid"),
    "root": (Kind.TARGET, "r-exmp"),
    "unit": (Kind.TARGET, "ou-exmp-1a2b3c4d"),
    "account": (Kind.TARGET, "111122223333"),
    "bucket": (Kind.BUCKET, "acme.inventory-1"),
    "glob": (Kind.BUCKETS, "*-raw-?"),
    "prefix": (Kind.PREFIX, "reports/daily/"),
    "provider": (Kind.PROVIDER, PROVIDER),
    "provider-cn": (
        Kind.PROVIDER,
        "oidc.eks.cn-north-1.amazonaws.com.cn/id/0123456789ABCDEF0123456789ABCDEF",
    ),
    "namespace": (Kind.NAMESPACE, "s3-gateway"),
    "service-account": (Kind.SERVICE_ACCOUNT, "gateway.main"),
    "session": (Kind.SESSION, "ana@example.org"),
    "name": (Kind.NAME, "r"),
    "email": (Kind.EMAIL, "s3+security@example.org"),
    "group": (Kind.GROUP, "bucket-read"),
    "partition": (Kind.PARTITION, "aws-us-gov"),
    "flag": (Kind.FLAG, "false"),
}


@pytest.mark.parametrize("case", GOOD)
def test_value_is_taken_when_its_form_is_right(case: str) -> None:
    """What AWS calls such a thing."""
    kind, value = GOOD[case]
    read = read_values([Parameter("it", kind, "it")], [("it", value)])
    assert read.one("it") == value


BAD = {
    "every-role": (Kind.ROLE, "arn:aws:iam::111122223333:role/*"),
    "a-glob-of-roles": (Kind.ROLE, "arn:aws:iam::111122223333:role/inventory-gatewa?"),
    "a-role-of-any-account": (Kind.ROLE, "arn:aws:iam::*:role/inventory-gateway"),
    "a-role-of-any-partition": (Kind.ROLE, "arn:*:iam::111122223333:role/inventory-gateway"),
    "a-variable": (Kind.ROLE, "arn:aws:iam::111122223333:role/${aws:username}"),
    "a-session": (Kind.ROLE, "arn:aws:sts::111122223333:assumed-role/inventory-gateway/x"),
    "a-user": (Kind.ROLE, "arn:aws:iam::111122223333:user/bob"),
    "a-whole-account": (Kind.ROLE, "arn:aws:iam::111122223333:root"),
    "everybody": (Kind.ROLE, "*"),
    "a-role-without-name": (Kind.ROLE, "arn:aws:iam::111122223333:role/path/"),
    "a-role-of-65": (Kind.ROLE, f"arn:aws:iam::111122223333:role/{'r' * 65}"),
    "a-line-behind": (Kind.ROLE, GATEWAY + "\n"),
    "another-alphabet": (Kind.ROLE, "arn:aws:iam::111122223333:role/gät"),
    "other-digits": (Kind.ACCOUNT, "\u0661" * 12),
    "thirteen-digits": (Kind.ACCOUNT, "1" * 13),
    "any-organization": (Kind.ORGANIZATION, "o-*"),
    "a-bucket-glob": (Kind.BUCKET, "acme-*"),
    "a-bucket-path": (Kind.BUCKETS, "acme/secret*"),
    "a-prefix-glob": (Kind.PREFIX, "reports*"),
    "a-prefix-variable": (Kind.PREFIX, "${aws:PrincipalOrgID}/"),
    "any-service-account": (Kind.SERVICE_ACCOUNT, "*"),
    "two-claims": (Kind.NAMESPACE, "a:b"),
    "another-provider": (Kind.PROVIDER, "oidc.example.org/id/0123456789ABCDEF0123456789ABCDEF"),
    "a-provider-as-url": (Kind.PROVIDER, f"https://{PROVIDER}"),
    "any-session": (Kind.SESSION, "ana*"),
    "an-alias": (Kind.KEY, "arn:aws:kms:eu-central-1:111122223333:alias/reports"),
    "every-key": (Kind.KEY, "arn:aws:kms:eu-central-1:111122223333:key/*"),
    "a-refused-group": (Kind.GROUP, "refused"),
    "yes": (Kind.FLAG, "yes"),
    "another-partition": (Kind.PARTITION, "aws-iso"),
    "nothing": (Kind.BUCKET, ""),
}


@pytest.mark.parametrize("case", BAD)
def test_value_is_refused_when_it_would_mean_more(case: str) -> None:
    """A wildcard, a variable, a thing of another kind: the words say what is wanted."""
    kind, value = BAD[case]
    with pytest.raises(ParametersError) as caught:
        read_values([Parameter("it", kind, "it")], [("it", value)])
    assert caught.value.problems == (f"it: {value!r} is not {kind.words}",)


def test_problems_are_told_at_once_when_there_are_several() -> None:
    """Unknown with the list of known ones, malformed, given twice, missing, two partitions."""
    given = [
        ("rule", "x"),
        ("bucket", "acme-*"),
        ("bucket", "acme"),
        ("bucket", "acme-2"),
        ("partition", "aws-cn"),
        ("partition", "aws"),
    ]
    with pytest.raises(ParametersError) as caught:
        read_values(ALL, given)
    assert caught.value.problems == (
        "'rule' is not taken here; known are: role, bucket, exports, partition",
        f"bucket: 'acme-*' is not {Kind.BUCKET.words}",
        "bucket takes one value",
        "partition takes one value",
        "role is required: a role",
    )
    assert str(caught.value) == "\n".join(caught.value.problems)


def test_required_is_not_missed_when_it_was_given_and_is_wrong() -> None:
    """One problem is told once."""
    with pytest.raises(ParametersError) as caught:
        read_values(ALL, [("role", "*")])
    assert len(caught.value.problems) == 1


def test_partitions_are_refused_when_they_differ() -> None:
    """No policy is for two: the ARNs of one would match nothing."""
    given = [("role", GATEWAY), ("role", GATEWAY.replace("aws:", "aws-cn:", 1))]
    with pytest.raises(ParametersError, match="one partition at a time, not aws and aws-cn"):
        read_values(ALL, given)
    with pytest.raises(ParametersError, match="one partition at a time"):
        read_values(ALL, [("role", GATEWAY), ("partition", "aws-us-gov")])


@pytest.mark.parametrize(
    ("given", "partition"),
    [
        pytest.param([("role", GATEWAY)], "aws", id="of-the-arn"),
        pytest.param([("role", GATEWAY.replace("aws:", "aws-cn:", 1))], "aws-cn", id="china"),
        pytest.param([("role", GATEWAY), ("partition", "aws")], "aws", id="said-twice"),
    ],
)
def test_partition_is_that_of_the_arns(given: list[tuple[str, str]], partition: str) -> None:
    """So that it need not be said."""
    assert read_values(ALL, given).partition == partition


def test_partition_is_the_one_given_when_there_is_no_arn() -> None:
    """And `aws` where nothing says it."""
    assert read_values([PARTITION], [("partition", "aws-cn")]).partition == "aws-cn"
    assert read_values([PARTITION], []).partition == "aws"


def test_values_are_read_by_name() -> None:
    """All of them, one of them, a default, a flag."""
    read = read_values(ALL, [("role", GATEWAY), ("role", f"{GATEWAY}-2"), ("exports", "true")])
    assert read.all("role") == [GATEWAY, f"{GATEWAY}-2"]
    assert read.all("bucket") == []
    assert (read.one("bucket"), read.one("bucket", "b")) == ("", "b")
    assert (read.flag("exports"), read.flag("partition")) == (True, False)
