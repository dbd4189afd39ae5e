"""The shape of settings, made from a catalogue."""

from typing import Any

import jsonschema
import pytest

from gateway.adapters.opa_wasm import PolicyBundle
from gateway.core.policy.settings_schema import DEFINITIONS, as_data, settings_schema

CATALOG: dict[str, Any] = {
    "INV001": {"title": "Encrypted"},
    "INV052": {
        "title": "No change during a freeze",
        "parameters": {
            "windows": {
                "description": "When.",
                "schema": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"starts": {"$ref": "#/$defs/time"}},
                        "additionalProperties": {"$ref": "#/$defs/time"},
                    },
                },
                "default": [],
            }
        },
    },
}
EXEMPTION = {
    "id": "EX-7",
    "rules": ["INV001"],
    "buckets": ["*"],
    "principals": ["*"],
    "configuration_ids": ["*"],
    "reason": "r",
    "ticket": "t",
    "approved_by": "a",
    "expires": "2027-01-01T00:00:00Z",
}


def test_the_schema_of_the_shipped_catalogue_is_one() -> None:
    """In the draft that it names."""
    schema = settings_schema(PolicyBundle.shipped().catalog)
    jsonschema.Draft202012Validator.check_schema(schema)


def test_a_rule_takes_a_mode_and_its_parameters() -> None:
    """With their descriptions and defaults, for editors; the catalogue is not changed."""
    rules = settings_schema(CATALOG)["properties"]["org"]["properties"]["inventory"]["properties"]
    rule = rules["rules"]["properties"]["INV052"]
    assert rule["title"] == "No change during a freeze"
    assert sorted(rule["properties"]) == ["mode", "windows"]
    assert rule["properties"]["windows"]["description"] == "When."
    assert rule["properties"]["windows"]["default"] == []
    assert rule["additionalProperties"] is False
    assert sorted(rules["rules"]["properties"]) == ["INV001", "INV052"]
    assert "description" not in CATALOG["INV052"]["parameters"]["windows"]["schema"]


@pytest.mark.parametrize("member", sorted(EXEMPTION))
def test_an_exemption_needs_everything(member: str) -> None:
    """Reason, ticket, approver and expiry most of all."""
    exemption = {name: value for name, value in EXEMPTION.items() if name != member}
    validator = jsonschema.Draft202012Validator(settings_schema(CATALOG))
    assert validator.is_valid({"org": {"revision": "1", "exemptions": [EXEMPTION]}})
    assert not validator.is_valid({"org": {"revision": "1", "exemptions": [exemption]}})


@pytest.mark.parametrize(
    ("given", "valid"),
    [
        pytest.param({}, False, id="spoken-of"),
        pytest.param({"mode": "warn"}, False, id="with-a-mode"),
        pytest.param({"mode": "off"}, True, id="off"),
        pytest.param({"keys": "k"}, True, id="given"),
        pytest.param({"keys": "k", "mutate": True}, False, id="mutates-with-nothing"),
        pytest.param({"keys": "k", "mutate": False}, True, id="does-not-mutate"),
        pytest.param({"keys": "k", "mutate": True, "value": "v"}, True, id="mutates"),
    ],
)
def test_a_rule_that_is_spoken_of_has_what_it_requires(given: object, valid: bool) -> None:
    """What it may take from the organisation is not the schema's to say."""
    text = {"schema": {"type": "string"}}
    parameters = {
        "keys": {**text, "required": True},
        "accounts": {**text, "required": True, "from": "accounts"},
        "value": text,
        "mutate": {"schema": {"type": "boolean"}, "needs": ["value"]},
    }
    schema = settings_schema({"X1": {"parameters": parameters}})
    settings = {"org": {"revision": "r", "inventory": {"rules": {"X1": given}}}}
    assert jsonschema.Draft202012Validator(schema).is_valid(settings) is valid


def test_a_parameter_of_unknown_make_is_refused() -> None:
    """A reference that leads nowhere would be found by the first settings that use it."""
    catalog = {"X1": {"parameters": {"a": {"schema": {"items": [{"$ref": "#/$defs/nothing"}]}}}}}
    with pytest.raises(ValueError, match="X1 refers to nothing, which is not defined"):
        settings_schema(catalog)


def test_every_reference_of_the_definitions_is_defined() -> None:
    """They may use each other."""
    settings_schema({"X1": {"parameters": {"all": {"schema": dict(DEFINITIONS)}}}})


def test_times_get_a_sibling_in_nanoseconds() -> None:
    """Wherever the schema has one; what merely looks like a time stays alone."""
    settings = {
        "org": {
            "revision": "2027-01-01T00:00:00Z",
            "inventory": {
                "rules": {
                    "INV052": {
                        "windows": [
                            {"starts": "1970-01-01T00:00:01Z", "ends": "1970-01-01T01:00:02+01:00"}
                        ]
                    }
                }
            },
            "exemptions": [EXEMPTION],
        }
    }
    org = as_data(settings, settings_schema(CATALOG))["org"]
    assert org["inventory"]["rules"]["INV052"]["windows"] == [
        {
            "starts": "1970-01-01T00:00:01Z",
            "starts_ns": 1_000_000_000,
            "ends": "1970-01-01T01:00:02+01:00",
            "ends_ns": 2_000_000_000,
        }
    ]
    assert org["exemptions"] == [{**EXEMPTION, "expires_ns": 1_798_761_600_000_000_000}]
    assert org["revision"] == "2027-01-01T00:00:00Z"
    assert sorted(org) == ["exemptions", "inventory", "revision"]
