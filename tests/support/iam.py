"""A small reader of IAM policies: who may do what, with the operators that the kit writes.

It knows nothing of the kit. An operator that it does not know is an error, never a "no match".
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

ALLOW: Final = "allow"
DENY: Final = "deny"
NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked.

    Args:
        action: such as `s3:PutObject`.
        resource: its ARN.
        principal: element `Principal` that the caller matches, such as `("Service", "s3…")`.
        context: condition keys; what is not in it is absent.
    """

    action: str
    resource: str = "*"
    principal: tuple[str, str] = ("AWS", "")
    context: Mapping[str, str] = field(default_factory=dict)


def verdict(policy: Mapping[str, Any], request: Request) -> str:
    """`deny` where a statement denies, else `allow` where one allows, else `nothing`."""
    effects = {item["Effect"] for item in policy["Statement"] if _applies(item, request)}
    return DENY if "Deny" in effects else ALLOW if "Allow" in effects else NOTHING


def _applies(statement: Mapping[str, Any], request: Request) -> bool:
    unknown = set(statement) - {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    assert not unknown, unknown
    return (
        _is_principal(statement.get("Principal", "*"), request.principal)
        and any(_like(item, request.action.lower()) for item in _low(statement["Action"]))
        and any(_like(item, request.resource) for item in _several(statement.get("Resource", "*")))
        and all(
            _holds(operator, key, _several(values), request.context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _is_principal(element: Any, principal: tuple[str, str]) -> bool:
    return element == "*" or principal[1] in _several(element.get(principal[0], ()))


def _holds(operator: str, key: str, values: Sequence[str], context: Mapping[str, str]) -> bool:
    given = {name.lower(): value for name, value in context.items()}.get(key.lower())
    if operator == "Null":
        return [given is None] == [value == "true" for value in values]
    found = given is not None and any(_OPERATORS[operator](value, given) for value in values)
    # A negated operator holds where the key is absent as well.
    return not found if operator in _NEGATED else found


def _like(pattern: str, text: str) -> bool:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _arn(pattern: str, text: str) -> bool:
    """`*` does not cross a colon, but in the last part."""
    wanted, found = pattern.split(":", 5), text.split(":", 5)
    return len(wanted) == len(found) and all(map(_like, wanted, found))


_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": str.__eq__,
    "StringLike": _like,
    "ArnEquals": _arn,
    "ArnLike": _arn,
    "ArnNotEquals": _arn,
}
_NEGATED: Final = frozenset({"ArnNotEquals"})


def _several(value: Any) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


def _low(value: Any) -> Sequence[str]:
    return [item.lower() for item in _several(value)]
