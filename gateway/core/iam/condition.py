"""The Condition element of a statement, held against what is known of a request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from gateway.core.iam.truth import Truth, every, negated, some
from gateway.core.iam.wildcard import MAX_PATTERN, matches

#: Lower-case condition key -> its value; None: the request does not have the key. About a key that
#: is not in here nothing is known.
Context = Mapping[str, str | None]

_Test = Callable[[str, str], bool]
_ARN_PARTS: Final = 6
_IF_EXISTS: Final = "IfExists"
_FOR_ALL: Final = "ForAllValues:"
_FOR_ANY: Final = "ForAnyValue:"
#: Its value depends on the request: `${aws:PrincipalAccount}`, `$${...}`.
_VARIABLE: Final = re.compile(r"\$\{")


def holds(condition: object, context: Context) -> Truth:
    """Whether the condition holds: all of its operators, and of each all keys.

    Args:
        condition: `{operator: {key: value or values}}`, as it stands in a policy.
        context: of the request.

    Returns:
        None where the condition asks for what is not known, or cannot be read.
    """
    if not isinstance(condition, Mapping):
        return None
    return every(_operator(str(operator), keys, context) for operator, keys in condition.items())


def _operator(operator: str, keys: object, context: Context) -> Truth:
    if not isinstance(keys, Mapping):
        return None
    return every(_key(operator, str(key).lower(), keys[key], context) for key in keys)


def _key(operator: str, key: str, wanted: object, context: Context) -> Truth:
    values = [_value(value) for value in (wanted if isinstance(wanted, list) else [wanted])]
    if key not in context:
        return None
    found = context[key]
    if operator == "Null":
        return some(_is_null(value, found) for value in values)
    # All keys that are known have one value, so that any of them and all of them are the same, but
    # for a key that is not there: all of none are anything.
    absent: Truth = False
    if operator.startswith(_FOR_ALL):
        operator, absent = operator.removeprefix(_FOR_ALL), True
    elif operator.startswith(_FOR_ANY):
        operator = operator.removeprefix(_FOR_ANY)
    if operator.endswith(_IF_EXISTS):
        operator, absent = operator.removesuffix(_IF_EXISTS), True
    test, negative = _OPERATORS.get(operator, (None, False))
    if test is None:
        return None
    if found is None:
        return absent or negative
    result = some(_compare(test, value, found) for value in values)
    return negated(result) if negative else result


def _value(value: object) -> str | None:
    """As text; None for what is none."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case _:
            return None


def _is_null(wanted: str | None, found: str | None) -> Truth:
    if wanted is None or wanted.lower() not in {"true", "false"}:
        return None
    return (wanted.lower() == "true") == (found is None)


def _compare(test: _Test, wanted: str | None, found: str) -> Truth:
    if wanted is None or len(wanted) > MAX_PATTERN or _VARIABLE.search(wanted):
        return None
    return test(wanted, found)


def _equal(wanted: str, found: str) -> bool:
    return wanted == found


def _equal_but_for_case(wanted: str, found: str) -> bool:
    return wanted.lower() == found.lower()


def _arn_like(wanted: str, found: str) -> bool:
    """Each of the six parts for itself; ArnEquals reads wildcards, too."""
    patterns, parts = wanted.split(":", _ARN_PARTS - 1), found.split(":", _ARN_PARTS - 1)
    return len(patterns) == len(parts) and all(map(matches, patterns, parts))


#: Operator -> how one value is compared, and whether the operator is the negative one. Numbers,
#: dates, addresses and bytes are compared with nothing that is known of S3's requests.
_OPERATORS: Final[Mapping[str, tuple[_Test, bool]]] = {
    "StringEquals": (_equal, False),
    "StringNotEquals": (_equal, True),
    "StringEqualsIgnoreCase": (_equal_but_for_case, False),
    "StringNotEqualsIgnoreCase": (_equal_but_for_case, True),
    "StringLike": (matches, False),
    "StringNotLike": (matches, True),
    "ArnEquals": (_arn_like, False),
    "ArnNotEquals": (_arn_like, True),
    "ArnLike": (_arn_like, False),
    "ArnNotLike": (_arn_like, True),
    "Bool": (_equal_but_for_case, False),
}
