"""What a resource's own policy lets an AWS service do: yes, no, or it cannot be told.

A service principal has no policies of its own, so that the resource's policy alone decides (but
for the organisation's control policies, which nobody here has seen): one deny that applies is a no,
else one allow that applies is a yes, else it is a no.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.core.iam.condition import Context, holds
from gateway.core.iam.truth import Truth, every, negated, some
from gateway.core.iam.wildcard import MAX_PATTERN, matches

#: KMS takes 32 KiB, S3 20 KB.
MAX_POLICY: Final = 32_768
#: Each makes a pattern dearer to look for, on the loop of object traffic, and hardly any policy has
#: one. A bucket's policy is its owner's to write.
_MOST_QUESTION_MARKS: Final = 16


class PolicyUnreadable(ValueError):  # noqa: N818 - a state of the text
    """The text is no policy."""


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """What a service is going to ask of the resource.

    Args:
        service: its principal, such as `s3.amazonaws.com`.
        action: such as `s3:PutObject`.
        covered: whether a Resource pattern is about all, none or some (None) of what is asked for.
        context: what is known of the request.
    """

    service: str
    action: str
    covered: Callable[[str], Truth]
    context: Context


@dataclass(frozen=True, slots=True)
class Permission:
    """The answer.

    Args:
        allowed: None where it cannot be told.
        reason: for people. It names statements by number: their text is the owner's.
    """

    allowed: Truth
    reason: str


def read_statements(text: str) -> Sequence[object]:
    """The statements of a policy, in JSON.

    Raises:
        PolicyUnreadable: it is none, too long to be one, or made to be slow.
    """
    if len(text) > MAX_POLICY:
        raise PolicyUnreadable("longer than a policy can be")
    try:
        policy = json.loads(text)
        question_marks = json.dumps(policy).count("?")  # however the text spells them
    except (ValueError, RecursionError) as fault:
        raise PolicyUnreadable("not JSON") from fault
    if question_marks > _MOST_QUESTION_MARKS:
        raise PolicyUnreadable("more wildcards than anybody needs")
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    if isinstance(statements, dict):
        return [statements]
    if not isinstance(statements, list):
        raise PolicyUnreadable("no statements")
    return statements


def evaluate(statements: Sequence[object], request: ServiceRequest) -> Permission:
    """Ask a resource's policy.

    Args:
        statements: see `read_statements`.
        request: what is asked.
    """
    allows: list[int] = []
    may_allow: list[int] = []
    may_deny: list[int] = []
    for number, statement in enumerate(statements, 1):
        applies = _applies(statement, request)
        if applies is False:
            continue
        match (_effect(statement), applies):
            case ("Deny", True):
                return Permission(allowed=False, reason=f"statement {number} denies it")
            case ("Allow", True):
                allows.append(number)
            case ("Allow", _):
                may_allow.append(number)
            case _:
                may_deny.append(number)
    if may_deny:
        return Permission(None, f"it cannot be told whether statement {may_deny[0]} denies it")
    if allows:
        return Permission(allowed=True, reason=f"statement {allows[0]} allows it")
    if may_allow:
        return Permission(None, f"it cannot be told whether statement {may_allow[0]} allows it")
    return Permission(
        allowed=False, reason=f"no statement allows {request.action} to {request.service}"
    )


def _effect(statement: object) -> object:
    return statement.get("Effect") if isinstance(statement, Mapping) else None


def _applies(statement: object, request: ServiceRequest) -> Truth:
    """Whether the statement is about the request; None also for what is no statement."""
    if not isinstance(statement, Mapping):
        return None
    return every(
        (
            _principal(statement, request.service),
            _element(statement, "Action", lambda pattern: _is_action(pattern, request.action)),
            _element(statement, "Resource", request.covered),
            holds(statement.get("Condition", {}), request.context),
        )
    )


def _principal(statement: Mapping[object, object], service: str) -> Truth:
    if "Principal" in statement:
        return _names(statement["Principal"], service)
    # Allow with NotPrincipal is advised against: whom it lets in beside people is not written down.
    if "NotPrincipal" in statement and _effect(statement) == "Deny":
        return negated(_names(statement["NotPrincipal"], service))
    return None


def _names(principal: object, service: str) -> Truth:
    """Whether the service is named. `*`, alone or as an AWS principal, is everybody."""
    if principal == "*":
        return True
    if not isinstance(principal, Mapping):
        return None
    return some(
        _is_service(str(kind), name, service)
        for kind in principal
        for name in _list(principal[kind])
    )


def _is_service(kind: str, name: object, service: str) -> Truth:
    match (kind, name):
        case ("AWS", "*"):
            return True
        case ("Service", str()):
            return name == service
        case ("AWS" | "CanonicalUser" | "Federated", str()):
            return False
        case _:
            return None


def _element(statement: Mapping[object, object], name: str, test: Callable[[str], Truth]) -> Truth:
    """Action or Resource, or its opposite; a statement has exactly one of the two."""
    opposite = f"Not{name}"
    if (name in statement) == (opposite in statement):
        return None
    patterns = _list(statement[name if name in statement else opposite])
    found = some(_try(pattern, test) for pattern in patterns)
    return found if name in statement else negated(found)


def _try(pattern: object, test: Callable[[str], Truth]) -> Truth:
    # A policy variable stands for a text that depends on the request.
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN or "${" in pattern:
        return None
    return test(pattern)


def _is_action(pattern: str, action: str) -> bool:
    return matches(pattern.lower(), action.lower())


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value]
