"""What a catalogue entry must hold, so that its rule can be set, explained and shown."""

import re
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any, Final

from gateway.core.policy.catalog import Severity

#: Shipped rules; an organisation's own have another prefix.
SHIPPED_PREFIX: Final = "INV"
MODES: Final = ("deny", "warn", "param", "off")
#: What message and remedy may quote.
PLACEHOLDERS: Final = frozenset(
    {
        *("path", "value", "allowed", "inventory_id", "principal", "bucket"),
        *("source_bucket", "source_region", "destination_bucket", "destination_region"),
    }
)
_ID: Final = re.compile(r"[A-Z]{2,10}[0-9]{1,4}", re.ASCII)
_TEXTS: Final = ("title", "topic", "why", "message", "remedy")
_MEMBERS: Final = frozenset(
    {*_TEXTS, "severity", "mode", "removals", "parameters", "refused", "allowed", "facts"}
)
_EXAMPLE: Final = frozenset({"settings", "configuration", "given"})
_PARAMETER: Final = frozenset({"description", "schema", "default", "required", "from", "needs"})
_ANSWERS: Final = ("A finding", "No finding")


def is_rule_id(text: str) -> bool:
    """Whether this may name a rule: capitals, then digits."""
    return _ID.fullmatch(text) is not None


def is_own_id(text: str) -> bool:
    """Whether this may name a rule of an organisation's own."""
    return is_rule_id(text) and text.rstrip("0123456789") != SHIPPED_PREFIX


def entry_problems(entry: object) -> Iterator[str]:
    """Everything that is wrong with an entry of the catalogue, as `data.yaml` gave it."""
    if not isinstance(entry, Mapping):
        yield "an entry must hold members"
        return
    yield from (f"{name} is missing" for name in sorted(_MEMBERS - set(entry)))
    yield from (
        f"there is no member {name}" for name in sorted(set(entry) - _MEMBERS - {"unknown"})
    )
    for name in _TEXTS:
        if name in entry and not (isinstance(entry[name], str) and entry[name]):
            yield f"{name} must be text"
    severities = [severity.name.lower() for severity in Severity]
    for name, known in (("severity", severities), ("mode", MODES), ("removals", (True, False))):
        if name in entry and entry[name] not in known:
            yield f"{name} must be one of {', '.join(str(word).lower() for word in known)}"
    yield from _template_problems(entry)
    yield from _example_problems(entry)
    yield from _fact_problems(entry)
    yield from _parameter_problems(entry)


def _template_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    for name in ("message", "remedy"):
        try:
            quoted = {field for _, field, _, _ in Formatter().parse(str(entry.get(name, "")))}
        except ValueError as fault:
            yield f"{name}: {fault}"
            continue
        for field in sorted(field for field in quoted - PLACEHOLDERS if field is not None):
            yield f"{name} quotes {{{field}}}, which nobody knows"


def _example_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    for name in ("refused", "allowed"):
        example = entry.get(name, {})
        if not isinstance(example, Mapping) or not set(example) <= _EXAMPLE:
            yield f"{name} must hold {', '.join(sorted(_EXAMPLE))}, or some of them"


def _fact_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    facts = entry.get("facts", [])
    if not isinstance(facts, list) or not all(str(fact).startswith("/") for fact in facts):
        yield "facts must be pointers into the question"
    elif bool(facts) != ("unknown" in entry):
        yield "unknown says the answer where a fact is not known; it goes with facts"
    elif facts and not str(entry["unknown"]).startswith(_ANSWERS):
        yield f"unknown must begin with {' or '.join(_ANSWERS)}"


def _parameter_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    parameters = entry.get("parameters", {})
    if not isinstance(parameters, Mapping):
        yield "parameters must hold members"
        return
    required = False
    for name, parameter in parameters.items():
        if not isinstance(parameter, Mapping) or not {"description", "schema"} <= set(parameter):
            yield f"parameter {name} needs description and schema"
            continue
        unknown = sorted(set(parameter) - _PARAMETER)
        if unknown:
            yield f"parameter {name}: there is no member {unknown[0]}"
        if {"default", "required"} <= set(parameter):
            yield f"parameter {name} is required, or has a default"
        required = required or parameter.get("required") is True
    if required != (entry.get("mode") == "param"):
        yield "mode is param where a parameter is required, and only there"
