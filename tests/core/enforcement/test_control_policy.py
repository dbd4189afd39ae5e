"""Who is denied what by SCPs and RCPs, read by an evaluator that knows nothing of them."""

import pytest

from gateway.core.enforcement.control_policy import (
    ACCOUNT_EXPORTS,
    BUCKET_EXPORTS,
    CONFINING,
    INVENTORY,
    PROTECTING,
    ROLE_CHANGES,
    resource_control_policy,
    role_protection_policy,
    service_control_policy,
)
from gateway.core.enforcement.parameter import ParametersError
from gateway.core.s3.operations import Group
from gateway.core.s3.permissions import permissions_of
from tests.support.enforcement import (
    ADMIN,
    BREAK_GLASS,
    DEVELOPER,
    GATEWAY,
    PRINCIPAL,
    ROOT,
    USER,
    values,
)
from tests.support.iam import DENY, NOTHING, Request, verdict

CONFINED = values(
    CONFINING, gateway_role=GATEWAY, principal_role=PRINCIPAL, break_glass_role=BREAK_GLASS
)
EXPORTS = values(CONFINING, gateway_role=GATEWAY, exports="true")
BOTH = pytest.mark.parametrize(
    "write",
    [
        pytest.param(service_control_policy, id="scp"),
        pytest.param(resource_control_policy, id="rcp"),
    ],
)
CALLERS = [
    pytest.param(GATEWAY, NOTHING, id="gateway"),
    pytest.param(PRINCIPAL, NOTHING, id="principals-role"),
    pytest.param(BREAK_GLASS, NOTHING, id="break-glass"),
    pytest.param(DEVELOPER, DENY, id="developer"),
    pytest.param(USER, DENY, id="user"),
    pytest.param(ROOT, DENY, id="root-of-the-account"),
    pytest.param(GATEWAY + "-2", DENY, id="a-longer-name"),
    pytest.param(GATEWAY.replace("1111", "9999", 1), DENY, id="same-name-elsewhere"),
    pytest.param(GATEWAY.replace(":role/", ":role/x/"), DENY, id="same-name-in-a-path"),
    pytest.param(GATEWAY.replace(":role/", ":user/"), DENY, id="a-user-of-the-name"),
    pytest.param(GATEWAY.upper(), DENY, id="in-capitals"),
    pytest.param("", DENY, id="no-arn-at-all"),
]


def request(action: str, caller: str, resource: str = "arn:aws:s3:::acme-orders") -> Request:
    """A caller is its role, whatever its session."""
    context = {"aws:PrincipalArn": caller} if caller else {}
    return Request(action, resource, context=context)


@BOTH
@pytest.mark.parametrize(("caller", "expected"), CALLERS)
def test_inventory_is_denied_when_another_writes_it(write, caller: str, expected: str) -> None:
    """PUT and DELETE have one action; nobody but the named roles has it."""
    assert verdict(write(CONFINED), request(INVENTORY, caller)) == expected


@BOTH
def test_reading_and_all_else_is_left_alone(write) -> None:
    """A deny of more than it says would be found out in production."""
    for action in ("s3:GetInventoryConfiguration", "s3:PutObject", *BUCKET_EXPORTS):
        assert verdict(write(CONFINED), request(action, DEVELOPER)) == NOTHING


@pytest.mark.parametrize("action", [INVENTORY, *BUCKET_EXPORTS, *ACCOUNT_EXPORTS])
def test_exports_are_denied_when_they_are_asked_for(action: str) -> None:
    """By the SCP those of S3 Control as well, which name no bucket."""
    scp = service_control_policy(EXPORTS)
    assert verdict(scp, request(action, DEVELOPER, "*")) == DENY
    assert verdict(scp, request(action, GATEWAY, "*")) == NOTHING


def test_exports_are_those_of_the_gateways_group() -> None:
    """What the group `exports` may write; removing a metadata table leaks nothing."""
    writes = {a for a in permissions_of([Group.EXPORTS]).bucket if not a.startswith("s3:Get")}
    assert writes - set(BUCKET_EXPORTS) == {"s3:DeleteBucketMetadataTableConfiguration"}
    assert set(BUCKET_EXPORTS) <= writes


def test_rcp_is_for_everybody_and_for_buckets() -> None:
    """Organizations takes no other principal; S3 Control's resources are no bucket's."""
    (statement,) = resource_control_policy(EXPORTS)["Statement"]
    assert statement["Principal"] == "*"
    assert not set(ACCOUNT_EXPORTS) & set(statement["Action"])
    (statement,) = service_control_policy(EXPORTS)["Statement"]
    assert "Principal" not in statement  # an SCP has none


PROTECTED = role_protection_policy(
    values(PROTECTING, gateway_role=GATEWAY, principal_role=PRINCIPAL, admin_role=ADMIN)
)


@pytest.mark.parametrize("role", [GATEWAY, PRINCIPAL])
@pytest.mark.parametrize("action", ROLE_CHANGES)
def test_roles_are_changed_by_administrators_only(action: str, role: str) -> None:
    """Not by the account's own administrator, and not by the gateway."""
    for caller in (DEVELOPER, ROOT, GATEWAY, PRINCIPAL):
        assert verdict(PROTECTED, request(action, caller, role)) == DENY
    assert verdict(PROTECTED, request(action, ADMIN, role)) == NOTHING
    assert verdict(PROTECTED, request(action, DEVELOPER, DEVELOPER)) == NOTHING


@pytest.mark.parametrize(
    ("caller", "role", "expected"),
    [
        pytest.param(GATEWAY, PRINCIPAL, NOTHING, id="gateway-into-principals"),
        pytest.param(DEVELOPER, PRINCIPAL, DENY, id="developer-into-principals"),
        pytest.param(ADMIN, PRINCIPAL, DENY, id="administrator-into-principals"),
        pytest.param(DEVELOPER, DEVELOPER, NOTHING, id="others"),
    ],
)
def test_principals_roles_are_assumed_by_the_gateway(caller: str, role: str, expected: str) -> None:
    """Whoever assumes one is exempted from the SCP: that must be the gateway."""
    assert verdict(PROTECTED, request("sts:AssumeRole", caller, role)) == expected


@pytest.mark.parametrize("role", [GATEWAY, PRINCIPAL])
def test_roles_are_refused_when_they_would_administer_themselves(role: str) -> None:
    """Whoever takes the gateway over could open its trust to everybody."""
    given = values(
        PROTECTING, gateway_role=GATEWAY, principal_role=PRINCIPAL, admin_role=[ADMIN, role]
    )
    with pytest.raises(ParametersError, match=f"^admin-role: {role} would administer itself$"):
        role_protection_policy(given)


def test_nothing_is_said_of_assuming_when_principals_have_no_roles() -> None:
    """An empty resource would not be a policy."""
    only = role_protection_policy(values(PROTECTING, gateway_role=GATEWAY, admin_role=ADMIN))
    assert len(only["Statement"]) == 1
