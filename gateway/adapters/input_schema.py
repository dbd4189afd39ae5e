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
        # References are resolved against the id, which here is a name and no place.
        local = {name: value for name, value in schema.items() if name not in {"$id", "$schema"}}
        self._check: Callable[[object], object] = fastjsonschema.compile(local, use_default=False)

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
