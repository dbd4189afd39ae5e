"""The published shape of a question, held against every question before any engine is asked.

Questions come from types that know no other shape, but what stands in them comes from clients, from
S3 and from files. Rules are written for this shape; a question of another could miss them all.
"""

import json
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, Final, Self

import fastjsonschema

from gateway.core.errors import PolicyUnavailable
from gateway.core.policy.input import plain
from gateway.core.ports import PolicyAnswer, PolicyEngine

_MAX_DETAIL: Final = 200
_WORDS: Final = frozenset({"$id", "$schema", "title", "description"})
#: Members whose members are schemas by names of ours.
_OF_SCHEMAS: Final = frozenset({"properties", "$defs"})


class CheckedPolicyEngine:
    """A policy engine that is asked nothing but what fits `policies/schemas/input.json`.

    The schema is compiled to a function: less than 0.1 ms for a question, where an interpreter of
    schemas takes more than the policy itself.

    Args:
        engine: is asked.
        schema: of the published file. The compiler knows draft 7: a test holds what it makes of the
            file to what the file's own draft says.
    """

    def __init__(self, engine: PolicyEngine, schema: Mapping[str, Any]) -> None:
        self._engine = engine
        # With the details of its faults the compiled function would hold 10 MiB, and not 2.
        self._check: Callable[[object], object] = fastjsonschema.compile(
            _bare(schema), use_default=False, detailed_exceptions=False
        )

    @classmethod
    def shipped(cls, engine: PolicyEngine) -> Self:
        """With the schema that comes with the gateway."""
        file = resources.files("gateway.bundle").joinpath("input.schema.json")
        return cls(engine, json.loads(file.read_bytes()))

    @property
    def name(self) -> str:
        """Of the engine."""
        return self._engine.name

    @property
    def revision(self) -> str:
        """Of the engine."""
        return self._engine.revision

    async def evaluate(self, document: Mapping[str, object]) -> PolicyAnswer:
        """Check the question, then ask it.

        Raises:
            PolicyUnavailable: `input_schema` where it has another shape; or the engine's own.
        """
        try:
            self._check(document)
        except fastjsonschema.JsonSchemaValueException as fault:
            detail = plain(str(fault), _MAX_DETAIL)
            raise PolicyUnavailable("input_schema", detail=detail) from fault
        return await self._engine.evaluate(document)


def _bare(schema: Any) -> Any:
    """The schema without its words for people, and in those of the compiler.

    References are resolved against an id, which here is a name and no place. A constant has no
    message in the compiler without details: it becomes a list of one. That a text does not fit a
    pattern becomes one itself: `not` would raise and catch a fault for every text that is good.
    """
    if isinstance(schema, list):
        return [_bare(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    bare: dict[str, Any] = {}
    for name, value in schema.items():
        if name in _OF_SCHEMAS:
            bare[name] = {member: _bare(item) for member, item in value.items()}
        elif name == "const":
            bare["enum"] = [value]
        elif name == "not" and value.keys() == {"pattern"} and _takes_a_pattern(schema):
            bare["pattern"] = rf"^(?![\s\S]*(?:{value['pattern']}))"
        elif name not in _WORDS:
            bare[name] = _bare(value)
    return bare


def _takes_a_pattern(schema: Mapping[str, Any]) -> bool:
    """A text, and one that has none of its own, which would be lost."""
    return schema.get("type") == "string" and "pattern" not in schema
