"""A patch that policy proposes: which members of a configuration it may touch, and with what.

Policy may fill in what the organisation knows better than its clients: a key, an account, a prefix.
It may not move a report to another bucket, or widen what is reported. Whoever applies a patch looks
up the facts anew and asks again: who owns the destination depends on its account.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.core.errors import PolicyUnavailable
from gateway.core.policy.catalog import Catalog
from gateway.core.policy.input import is_account_id, plain

_DESTINATION: Final = "/Destination/S3BucketDestination"
_MEMBERS: Final = frozenset({"rule", "op", "path", "value"})
_MAX_TEXT: Final = 512


@dataclass(frozen=True, slots=True)
class Mutation:
    """One operation of JSON Patch (RFC 6902) on a configuration in boto3's shape.

    Args:
        rule: the rule that proposes it.
        op: `add` or `replace`.
        path: JSON pointer into the configuration.
        value: what stands there afterwards.
    """

    rule: str
    op: str
    path: str
    value: str | Mapping[str, object]

    def as_record(self) -> dict[str, object]:
        """For the journal and the decision log."""
        return {"rule": self.rule, "op": self.op, "path": self.path, "value": self.value}


def read_mutations(value: object, catalog: Catalog) -> tuple[Mutation, ...]:
    """Read `mutations` of a raw answer, in a fixed order.

    Raises:
        PolicyUnavailable: anything but patches of known rules, to members that may be patched, with
            values of their kind, each member once.
    """
    if not isinstance(value, list):
        raise _refused("is not a list")
    found = sorted((_mutation(item, catalog) for item in value), key=lambda item: item.path)
    if len({item.path for item in found}) != len(found):
        raise _refused("patches a member twice")
    return tuple(found)


def _mutation(item: object, catalog: Catalog) -> Mutation:
    if not isinstance(item, Mapping) or frozenset(item) != _MEMBERS:
        raise _refused("holds no patches")
    rule, op, path, value = item["rule"], item["op"], item["path"], item["value"]
    if not isinstance(rule, str) or rule not in catalog.rules:
        raise _refused("holds an unknown rule")
    if op not in ("add", "replace"):
        raise _refused(f"of {rule} holds an unknown operation")
    fits = _PATCHABLE.get(path) if isinstance(path, str) else None
    if fits is None or not fits(value):
        raise _refused(f"of {rule} patches what it may not")
    return Mutation(rule, op, path, value)


def _is_account(value: object) -> bool:
    return isinstance(value, str) and is_account_id(value)


def _is_line(value: object) -> bool:
    return isinstance(value, str) and value != "" and value == plain(value, _MAX_TEXT)


def _is_encryption(value: object) -> bool:
    match value:
        case {"SSES3": dict() as choice, **others}:
            return not choice and not others
        case {"SSEKMS": {"KeyId": str() as key, **unknown}, **others}:
            return _is_line(key) and not unknown and not others
        case _:
            return False


_PATCHABLE: Final[Mapping[str, Callable[[object], bool]]] = {
    f"{_DESTINATION}/AccountId": _is_account,
    f"{_DESTINATION}/Encryption": _is_encryption,
    f"{_DESTINATION}/Prefix": _is_line,
}


def _refused(detail: str) -> PolicyUnavailable:
    return PolicyUnavailable("engine_answer", detail=f"mutations {detail}")
