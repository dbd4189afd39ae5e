"""A patch that policy proposes: which members of a configuration it may touch, and with what.

Policy may fill in what the organisation knows better than its clients: a key, an account, a prefix.
It may not move a report to another bucket, or widen what is reported. Whoever applies a patch looks
up the facts anew and asks again: who owns the destination depends on its account.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from gateway.core.errors import PolicyUnavailable, RequestError
from gateway.core.inventory.configuration import (
    Destination,
    Encryption,
    InventoryConfiguration,
    SseKms,
    SseS3,
)
from gateway.core.inventory.document import read_configuration, write_configuration
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

    @property
    def member(self) -> str:
        """What it changes, as people write it: `Destination.S3BucketDestination.Prefix`."""
        return self.path[1:].replace("/", ".")

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


def apply_mutations(
    configuration: InventoryConfiguration, mutations: Iterable[Mutation]
) -> InventoryConfiguration:
    """The configuration with all patches, read as strictly as if a client had written it.

    Args:
        configuration: as the client wrote it.
        mutations: as `read_mutations` took them.

    Raises:
        PolicyUnavailable: `engine_mutation`: a patch replaces what is not there or changes nothing,
            or the document with all of them is none that S3 would take.
    """
    destination = configuration.destination
    for mutation in mutations:
        member = _PATCHABLE[mutation.path]
        # RFC 6902, section 4.3: what is replaced must be there.
        if mutation.op == "replace" and member.get(destination) is None:
            raise _unfit(f"{mutation.rule} replaces {mutation.member}, which is not there")
        patched = member.put(destination, mutation.value)
        if patched == destination:
            raise _unfit(f"{mutation.rule} changes nothing in {mutation.member}")
        destination = patched
    result = replace(configuration, destination=destination)
    try:
        read = read_configuration(write_configuration(result))
    except RequestError as fault:
        raise _unfit(f"the document cannot be read: {fault}") from fault
    if read != result:
        raise _unfit("the document reads as another")
    return result


def _mutation(item: object, catalog: Catalog) -> Mutation:
    if not isinstance(item, Mapping) or frozenset(item) != _MEMBERS:
        raise _refused("holds no patches")
    rule, op, path, value = item["rule"], item["op"], item["path"], item["value"]
    if not isinstance(rule, str) or rule not in catalog.rules:
        raise _refused("holds an unknown rule")
    if op not in ("add", "replace"):
        raise _refused(f"of {rule} holds an unknown operation")
    member = _PATCHABLE.get(path) if isinstance(path, str) else None
    if member is None or not member.fits(value):
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


def _encryption(value: Any) -> Encryption:
    """What fits, typed."""
    return SseKms(value["SSEKMS"]["KeyId"]) if "SSEKMS" in value else SseS3()


@dataclass(frozen=True, slots=True)
class _Member:
    """A member that may be patched: which values are of its kind, and where they belong."""

    fits: Callable[[object], bool]
    get: Callable[[Destination], object]
    put: Callable[[Destination, Any], Destination]


_PATCHABLE: Final[Mapping[str, _Member]] = {
    f"{_DESTINATION}/AccountId": _Member(
        _is_account,
        lambda destination: destination.account_id,
        lambda destination, value: replace(destination, account_id=value),
    ),
    f"{_DESTINATION}/Encryption": _Member(
        _is_encryption,
        lambda destination: destination.encryption,
        lambda destination, value: replace(destination, encryption=_encryption(value)),
    ),
    f"{_DESTINATION}/Prefix": _Member(
        _is_line,
        lambda destination: destination.prefix,
        lambda destination, value: replace(destination, prefix=value),
    ),
}


def _unfit(detail: str) -> PolicyUnavailable:
    return PolicyUnavailable("engine_mutation", detail=detail)


def _refused(detail: str) -> PolicyUnavailable:
    return PolicyUnavailable("engine_answer", detail=f"mutations {detail}")
