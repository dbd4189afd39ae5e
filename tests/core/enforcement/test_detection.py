"""What the rule hears of, by moto's reading of event patterns."""

import json
from typing import Any

import pytest
from moto.events.models import EventPattern

from gateway.core.enforcement.detection import PARAMETERS, detection_pattern
from gateway.core.s3.operations import Group, operations
from tests.support.enforcement import BREAK_GLASS, DEVELOPER, GATEWAY, PRINCIPAL, ROOT, values

PUT = "PutBucketInventoryConfiguration"
GIVEN = {"gateway_role": GATEWAY, "principal_role": PRINCIPAL}


def event(name: str, issuer: str | None, **detail: str) -> Any:
    """An event as EventBridge gets it from CloudTrail; users and the root have no issuer."""
    identity: dict[str, Any] = {"type": "IAMUser" if issuer is None else "AssumedRole"}
    if issuer is not None:
        identity["sessionContext"] = {"sessionIssuer": {"type": "Role", "arn": issuer}}
    return {
        "source": "aws.s3",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {
            "eventSource": "s3.amazonaws.com",
            "eventName": name,
            "userIdentity": identity,
            **detail,
        },
    }


def hears(found: Any, **given: str) -> bool:
    """Whether the rule matches."""
    pattern = json.dumps(detection_pattern(values(PARAMETERS, **GIVEN, **given)))
    return EventPattern.load(pattern).matches_event(found)


@pytest.mark.parametrize(
    ("issuer", "expected"),
    [
        pytest.param(GATEWAY, False, id="gateway"),
        pytest.param(PRINCIPAL, False, id="principals-role"),
        pytest.param(DEVELOPER, True, id="developer"),
        pytest.param(BREAK_GLASS, True, id="break-glass"),
        pytest.param(ROOT, True, id="root-session"),
        pytest.param(None, True, id="user"),
        pytest.param(GATEWAY + "-2", True, id="a-longer-name"),
    ],
)
@pytest.mark.parametrize("name", [PUT, "DeleteBucketInventoryConfiguration"])
def test_rule_hears_of_others(name: str, issuer: str | None, expected: bool) -> None:
    """Users without a session as well."""
    assert hears(event(name, issuer)) is expected


def test_rule_hears_of_attempts() -> None:
    """What the SCP refused is worth a look."""
    assert hears(event(PUT, DEVELOPER, errorCode="AccessDenied"))


@pytest.mark.parametrize("name", ["GetBucketInventoryConfiguration", "PutBucketPolicy"])
def test_rule_hears_of_nothing_else(name: str) -> None:
    """Reading leaks nothing that was not there."""
    assert not hears(event(name, DEVELOPER), exports="true")


#: CloudTrail keeps an older name.
TRAIL_NAMES = {"PutBucketNotificationConfiguration": "PutBucketNotification"}


@pytest.mark.parametrize(
    "name",
    [
        item.name
        for item in operations()
        if item.group is Group.EXPORTS and not item.name.startswith(("Get", "List", "Delete"))
    ],
)
def test_exports_are_heard_of_when_they_are_asked_for(name: str) -> None:
    """Every write of the gateway's group `exports` that makes one."""
    found = event(TRAIL_NAMES.get(name, name), DEVELOPER)
    assert hears(found, exports="true")
    assert not hears(found)
