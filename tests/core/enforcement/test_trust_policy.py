"""Who may be the gateway, and who may be one of its principals."""

import pytest

from gateway.adapters.credentials_aws import session_name
from gateway.core.enforcement.trust_policy import (
    EC2,
    IRSA,
    POD_IDENTITY,
    PRINCIPAL,
    ec2_trust,
    irsa_trust,
    pod_identity_trust,
    principal_trust,
)
from tests.support.enforcement import ACCOUNT, CLUSTER, DEVELOPER, GATEWAY, PROVIDER, values
from tests.support.iam import ALLOW, NOTHING, Request, verdict

PODS = {"namespace": "s3", "service_account": "gateway"}
FEDERATED = ("Federated", f"arn:aws:iam::{ACCOUNT}:oidc-provider/{PROVIDER}")
CLAIMS = {
    f"{PROVIDER}:sub": "system:serviceaccount:s3:gateway",
    f"{PROVIDER}:aud": "sts.amazonaws.com",
}


@pytest.mark.parametrize(
    ("principal", "claims", "expected"),
    [
        pytest.param(FEDERATED, {}, ALLOW, id="the-service-account"),
        pytest.param(
            FEDERATED,
            {f"{PROVIDER}:sub": "system:serviceaccount:s3:default"},
            NOTHING,
            id="another-service-account",
        ),
        pytest.param(
            FEDERATED,
            {f"{PROVIDER}:sub": "system:serviceaccount:s4:gateway"},
            NOTHING,
            id="another-namespace",
        ),
        pytest.param(FEDERATED, {f"{PROVIDER}:aud": "vault"}, NOTHING, id="another-audience"),
        pytest.param(
            ("Federated", f"arn:aws:iam::{ACCOUNT}:oidc-provider/x"), {}, NOTHING, id="provider"
        ),
        pytest.param(("AWS", GATEWAY), {}, NOTHING, id="a-role"),
    ],
)
def test_irsa_is_one_service_account(
    principal: tuple[str, str], claims: dict[str, str], expected: str
) -> None:
    """Of one cluster, with a token for STS."""
    trust = irsa_trust(values(IRSA, account=ACCOUNT, oidc_provider=PROVIDER, **PODS))
    asked = Request("sts:AssumeRoleWithWebIdentity", principal=principal, context=CLAIMS | claims)
    assert verdict(trust, asked) == expected
    assert verdict(trust, Request("sts:AssumeRoleWithWebIdentity", principal=principal)) == NOTHING


def test_irsa_is_in_its_partition() -> None:
    """The provider's ARN as well."""
    trust = irsa_trust(
        values(IRSA, account=ACCOUNT, oidc_provider=PROVIDER, partition="aws-cn", **PODS)
    )
    federated = trust["Statement"][0]["Principal"]["Federated"]
    assert federated == FEDERATED[1].replace("aws:", "aws-cn:", 1)


TAGS = {
    "aws:RequestTag/eks-cluster-arn": CLUSTER,
    "aws:RequestTag/kubernetes-namespace": "s3",
    "aws:RequestTag/kubernetes-service-account": "gateway",
}


@pytest.mark.parametrize("action", ["sts:AssumeRole", "sts:TagSession"])
@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        pytest.param({}, ALLOW, id="the-service-account"),
        *(pytest.param({tag: "x"}, NOTHING, id=tag.partition("/")[2]) for tag in TAGS),
    ],
)
def test_pod_identity_is_one_service_account(
    action: str, tags: dict[str, str], expected: str
) -> None:
    """Of one cluster; without tags, nobody."""
    trust = pod_identity_trust(values(POD_IDENTITY, cluster=CLUSTER, **PODS))
    service = ("Service", "pods.eks.amazonaws.com")
    assert verdict(trust, Request(action, principal=service, context=TAGS | tags)) == expected
    assert verdict(trust, Request(action, principal=service)) == NOTHING


@pytest.mark.parametrize(
    ("partition", "service"),
    [
        pytest.param("aws", "ec2.amazonaws.com", id="aws"),
        pytest.param("aws-us-gov", "ec2.amazonaws.com", id="gov"),
        pytest.param("aws-cn", "ec2.amazonaws.com.cn", id="china"),
    ],
)
def test_ec2_is_the_service(partition: str, service: str) -> None:
    """By its name in the partition, and no other service."""
    trust = ec2_trust(values(EC2, partition=partition))
    asked = Request("sts:AssumeRole", principal=("Service", service))
    assert verdict(trust, asked) == ALLOW
    asked = Request("sts:AssumeRole", principal=("Service", "lambda.amazonaws.com"))
    assert verdict(trust, asked) == NOTHING


@pytest.mark.parametrize(
    ("names", "caller", "identity", "expected"),
    [
        pytest.param([], GATEWAY, "ana", ALLOW, id="any-name"),
        pytest.param([], GATEWAY, None, NOTHING, id="no-name"),
        pytest.param(["ana", "tom"], GATEWAY, "tom", ALLOW, id="named"),
        pytest.param(["ana", "tom"], GATEWAY, "eve", NOTHING, id="not-named"),
        pytest.param([], DEVELOPER, "ana", NOTHING, id="somebody-else"),
    ],
)
def test_principals_roles_trust_the_gateway_in_a_principals_name(
    names: list[str], caller: str, identity: str | None, expected: str
) -> None:
    """With what the gateway sends to STS."""
    trust = principal_trust(values(PRINCIPAL, gateway_role=GATEWAY, principal=names))
    context = {} if identity is None else {"sts:SourceIdentity": session_name(identity)}
    for action in ("sts:AssumeRole", "sts:SetSourceIdentity"):
        asked = Request(action, principal=("AWS", caller), context=context)
        assert verdict(trust, asked) == expected


def test_tags_of_pod_identity_come_along() -> None:
    """They are transitive: without it, a gateway under Pod Identity could assume no role."""
    trust = principal_trust(values(PRINCIPAL, gateway_role=GATEWAY))
    assert verdict(trust, Request("sts:TagSession", principal=("AWS", GATEWAY))) == ALLOW
    assert verdict(trust, Request("sts:TagSession", principal=("AWS", DEVELOPER))) == NOTHING
