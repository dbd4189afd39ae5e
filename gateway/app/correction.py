"""A correction of a configuration, as far as its findings say what would be right.

What policy can patch, it knows best. Of the rest a finding says what is allowed, and where only one
meaning is left it is taken. Nothing here decides: a correction is judged like any other document,
and nobody sends it but its author.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from gateway.core.inventory.configuration import (
    FORMATS,
    FREQUENCIES,
    OPTIONAL_FIELDS,
    InventoryConfiguration,
)
from gateway.core.policy.catalog import Finding
from gateway.core.policy.mutation import Mutation

_FIELDS: Final = "/OptionalFields"
_SLASHES: Final = re.compile(r"/{2,}")
#: What costs less, where a rule finds a listing too dear.
_RARE: Final = "Weekly"

Change = tuple[str, object]


def corrections(
    configuration: InventoryConfiguration,
    findings: Iterable[Finding],
    mutations: Iterable[Mutation],
) -> tuple[Change, ...]:
    """What to change: (pointer, value), each member once, in boto3's shape.

    Args:
        configuration: as it was written.
        findings: that refuse it.
        mutations: that policy proposes.
    """
    found = list(findings)
    changes: dict[str, object] = {}
    for finding in found:
        changes.update(_change(configuration, finding))
    changes.update(_fields(configuration, found))
    changes.update((mutation.path, mutation.value) for mutation in mutations)
    return tuple(changes.items())


def _change(configuration: InventoryConfiguration, finding: Finding) -> Iterator[Change]:
    """What one finding says, if it leaves one thing to do."""
    allowed, destination = finding.allowed, configuration.destination
    match finding.path:
        case "/Destination/S3BucketDestination/Encryption" if "SSE-S3" in allowed:
            yield finding.path, {"SSES3": {}}
        case "/Destination/S3BucketDestination/Format":
            yield from _first(finding, FORMATS)
        case "/Schedule/Frequency" if allowed:
            yield from _first(finding, FREQUENCIES)
        case "/Schedule/Frequency":
            yield finding.path, _RARE
        case "/Destination/S3BucketDestination/Prefix" if not allowed and destination.prefix:
            yield finding.path, _SLASHES.sub("/", destination.prefix).lstrip("/")
        case "/IsEnabled":
            yield finding.path, True


def _first(finding: Finding, values: Iterable[str]) -> Iterator[Change]:
    """The first value that S3 knows and policy allows."""
    for value in values:
        if value in finding.allowed:
            yield finding.path, value
            return


def _fields(configuration: InventoryConfiguration, findings: Iterable[Finding]) -> Iterator[Change]:
    """The optional fields without those that findings point at, and with those that are missing."""
    wrong: set[int] = set()
    missing: list[str] = []
    for finding in findings:
        around, _, index = finding.path.rpartition("/")
        if around == _FIELDS and index.isdecimal():
            wrong.add(int(index))
        elif finding.path == _FIELDS:
            missing += [name for name in finding.allowed if name in OPTIONAL_FIELDS]
    kept = [name for index, name in enumerate(configuration.optional_fields) if index not in wrong]
    fields = [*dict.fromkeys([*kept, *missing])]
    if (wrong or missing) and fields != list(configuration.optional_fields):
        yield _FIELDS, fields
