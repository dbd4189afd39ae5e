"""The shape of the organisation's settings, made from a catalogue: no list of rules is kept here.

The result is JSON Schema (draft 2020-12), for the loader as for editors. The parameters of a rule
are those that its catalogue entry describes, with `$ref` to the definitions below.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.core.policy.instant import nanoseconds, read_instant

Schema = Mapping[str, Any]

MODES: Final = ("deny", "warn", "dryrun", "off")
ENFORCEMENTS: Final = ("enforce", "observe")
_DEFINED: Final = "#/$defs/"
_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

_NO_CONTROLS: Final = {"pattern": "[\\u0000-\\u001f\\u007f]"}
#: What one engine takes for itself and the other for a part of a regular expression.
_NO_PATTERN: Final = {"pattern": "[\\u0000-\\u001f\\u007f()^$\\\\]"}

#: What the parameters of rules are made of. `$` would let a newline pass: hence what may not be.
DEFINITIONS: Final[Schema] = {
    "mode": {
        "description": "What a finding does: refuse, warn the client, be recorded, nothing.",
        "enum": list(MODES),
    },
    "text": {"type": "string", "minLength": 1, "maxLength": 256, "not": _NO_CONTROLS},
    "word": {"type": "string", "minLength": 1, "maxLength": 64, "not": {"pattern": "[^A-Za-z0-9]"}},
    "words": {
        "type": "array",
        "minItems": 1,
        "maxItems": 100,
        "uniqueItems": True,
        "items": {"$ref": "#/$defs/word"},
    },
    "glob": {
        "description": "* for any text, ? for any character, [abc] and {a,b} for alternatives",
        "type": "string",
        "minLength": 1,
        "maxLength": 256,
        "pattern": "^(?:[^{}\\[\\]]|[{][^{}\\[\\]]+[}]|[\\[][^{}\\[\\]]+[\\]])+$",
        "not": _NO_PATTERN,
    },
    "globs": {
        "type": "array",
        "minItems": 1,
        "maxItems": 1000,
        "uniqueItems": True,
        "items": {"$ref": "#/$defs/glob"},
    },
    "tag_globs": {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 50,
        "propertyNames": {"$ref": "#/$defs/text"},
        "additionalProperties": {"$ref": "#/$defs/globs"},
    },
    "count": {"type": "integer", "minimum": 0, "maximum": 2_147_483_647},
    "account": {
        "description": "twelve digits, in quotes",
        "type": "string",
        "minLength": 12,
        "maxLength": 12,
        "not": {"pattern": "[^0-9]"},
    },
    "accounts": {
        "type": "array",
        "minItems": 1,
        "maxItems": 10_000,
        "uniqueItems": True,
        "items": {"$ref": "#/$defs/account"},
    },
    "bucket": {
        "description": "the name of a bucket",
        "type": "string",
        "minLength": 3,
        "maxLength": 63,
        "not": {"pattern": "[^a-z0-9.-]"},
    },
    "kms_key_arn": {
        "description": "arn:aws:kms:REGION:ACCOUNT:key/ID",
        "type": "string",
        "maxLength": 2048,
        "pattern": "^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$",
        "not": _NO_CONTROLS,
    },
    "time": {
        "description": "RFC 3339 with its zone, as in 2027-01-01T00:00:00Z.",
        "type": "string",
        "format": "date-time",  # which editors may leave unchecked
        "maxLength": 40,
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$",
        "not": {"pattern": "[^0-9TZ:.+-]"},
    },
}


def settings_schema(catalog: Mapping[str, Schema]) -> dict[str, Any]:
    """Compose the schema.

    Args:
        catalog: `data.inventory.catalog` of a bundle, raw.

    Raises:
        ValueError: a parameter refers to a definition that is not there.
    """
    for rule_id, entry in catalog.items():
        for name in _references(entry.get("parameters", {})):
            if name not in DEFINITIONS:
                raise ValueError(f"{rule_id} refers to {name}, which is not defined")
    return {
        "$schema": _DRAFT,
        "$id": "inventory.settings/1",
        "title": "The organisation's settings",
        "description": "What an organisation sets for the rules, made from their catalogue. Policy "
        "reads `org` as data.org, each time with a sibling in nanoseconds since 1970: expires_ns.",
        "type": "object",
        "required": ["org"],
        "properties": {"org": _org(catalog)},
        "additionalProperties": False,
        "$defs": dict(DEFINITIONS),
    }


def as_data(value: Any, schema: Schema) -> Any:
    """Turn settings that fit the schema into policy data: times get a sibling in nanoseconds.

    `expires` stays as written, for people, and `expires_ns` stands beside it, for the rules.
    """
    return _with_nanoseconds(value, schema, schema["$defs"])


def _org(catalog: Mapping[str, Schema]) -> Schema:
    inventory = {
        "defaults": _closed({"mode": {"$ref": "#/$defs/mode"}}),
        "rules": _closed({rule_id: _rule(entry) for rule_id, entry in sorted(catalog.items())}),
    }
    return _closed(
        {
            "revision": {
                "description": "Names this version of the settings in every decision.",
                "type": "string",
                "minLength": 1,
                "maxLength": 64,
                "not": {"pattern": "[^A-Za-z0-9._:-]"},
            },
            "enforcement": {
                "description": "observe: nothing is refused by a rule; what would have been is "
                "recorded.",
                "enum": list(ENFORCEMENTS),
                "default": "enforce",
            },
            "accounts": {
                "description": "The organisation's accounts.",
                "$ref": "#/$defs/accounts",
            },
            "inventory": _closed(inventory),
            "exemptions": {"type": "array", "maxItems": 1000, "items": _exemption(sorted(catalog))},
        },
        required=["revision"],
    )


def _rule(entry: Schema) -> Schema:
    """A rule may be given a mode and whatever its catalogue entry takes.

    Whoever speaks of a rule gives what it requires, unless it is off: otherwise it would be off in
    silence, or refuse everything.
    """
    members: dict[str, Any] = {"mode": {"$ref": "#/$defs/mode"}}
    demands: list[Schema] = []
    required = []
    for name, parameter in entry.get("parameters", {}).items():
        about = {word: parameter[word] for word in ("description", "default") if word in parameter}
        members[name] = parameter.get("schema", {}) | about
        if "needs" in parameter:
            demands.append({"if": _says(name, True), "then": {"required": parameter["needs"]}})  # noqa: FBT003 - a value
        if parameter.get("required") is True and "from" not in parameter:
            required.append(name)
    if required:
        demands.append({"if": _says("mode", "off"), "else": {"required": required}})
    return {
        "title": entry.get("title", ""),
        "description": entry.get("why", ""),
        **_closed(members),
        **({"allOf": demands} if demands else {}),
    }


def _says(name: str, value: object) -> Schema:
    return {"properties": {name: {"const": value}}, "required": [name]}


def _exemption(rules: list[str]) -> Schema:
    globs = {"$ref": "#/$defs/globs"}
    members = {
        "id": {
            "description": "up to 40 letters, digits and ._- (it is shown in a header)",
            "type": "string",
            "minLength": 1,
            "maxLength": 40,
            "not": {"pattern": "[^A-Za-z0-9._-]"},
        },
        "rules": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": rules}},
        "buckets": globs,
        "principals": globs,
        "configuration_ids": globs,
        "reason": {"$ref": "#/$defs/text"},
        "ticket": {"$ref": "#/$defs/text"},
        "approved_by": {"$ref": "#/$defs/text"},
        "expires": {"$ref": "#/$defs/time"},
    }
    return _closed(members, required=list(members))


def _closed(members: Mapping[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "type": "object",
        "properties": dict(members),
        "additionalProperties": False,
    }
    return shape | ({"required": required} if required else {})


def _references(value: object) -> Iterator[str]:
    """What every `$ref` points at, wherever it stands."""
    match value:
        case Mapping():
            if isinstance(value.get("$ref"), str):
                yield value["$ref"].removeprefix(_DEFINED)
            for item in value.values():
                yield from _references(item)
        case list():
            for item in value:
                yield from _references(item)
        case _:
            pass


def _with_nanoseconds(value: Any, schema: Schema, definitions: Schema) -> Any:
    schema = _resolved(schema, definitions)
    if isinstance(value, list):
        items = schema.get("items", {})
        return [_with_nanoseconds(item, items, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    data: dict[str, Any] = {}
    others = schema.get("additionalProperties")
    for name, item in value.items():
        shape = schema.get("properties", {}).get(name, others if isinstance(others, dict) else {})
        data[name] = _with_nanoseconds(item, shape, definitions)
        if _resolved(shape, definitions).get("format") == "date-time":
            instant = read_instant(item)
            assert instant is not None  # noqa: S101 - the schema was checked before
            data[f"{name}_ns"] = nanoseconds(instant)
    return data


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """Follow one `$ref`, with what stands beside it."""
    name = schema.get("$ref", "").removeprefix(_DEFINED)
    return {**definitions[name], **schema} if name else schema
