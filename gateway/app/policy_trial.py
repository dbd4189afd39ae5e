"""Fixtures for policy: a question, settings, and the verdict that is expected of either engine."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import yaml
from opapywasm import OpaWasmPolicy, PolicyConfig

from gateway.adapters.opa_command import ENTRYPOINT, OpaCommand
from gateway.adapters.opa_wasm import PolicyBundle
from gateway.app.submission import SubmissionError, read_submissions
from gateway.core.errors import PolicyUnavailable
from gateway.core.inventory.configuration import InventoryConfiguration, read_bucket_arn
from gateway.core.policy.catalog import Catalog
from gateway.core.policy.catalog_entry import is_own_id
from gateway.core.policy.decision import Verdict, interpret
from gateway.core.policy.input import DELETE_ACTION
from gateway.core.policy.settings_schema import as_data, settings_schema

KINDS: Final = ("violations", "warnings", "dryrun", "exempted")
#: A choice of one: merging two choices would give both.
_REPLACED: Final = frozenset({"Encryption"})
_MEMBERS: Final = frozenset({"name", "settings", "configuration", "file", "given", "removal"})
#: Puts every question of a list with its own settings.
_ASK: Final = """
[decision |
    some [question, org] in input
    decision := data.inventory.main.decision with input as question with data.org as org
]
"""

Case = tuple[Mapping[str, Any], Mapping[str, Any]]


class FixtureError(ValueError):
    """A fixture cannot be read; the text says which, and why."""


class Trial(Protocol):
    """An engine that is asked about many settings."""

    def decide(self, cases: Sequence[Case]) -> list[Any]:
        """The raw answer to each question under its settings."""
        ...


class EmbeddedTrial:
    """The embedded engine; its module is compiled once for all settings.

    Args:
        bundle: with the policy.
    """

    def __init__(self, bundle: PolicyBundle) -> None:
        self._data = bundle.data
        config = PolicyConfig(pool_size=1, default_entrypoint=ENTRYPOINT)
        self._policy = OpaWasmPolicy.from_wasm_bytes(bundle.wasm, config)

    def decide(self, cases: Sequence[Case]) -> list[Any]:
        """The raw answer to each question under its settings."""
        return [*map(self._decide, cases)]

    def _decide(self, case: Case) -> Any:
        question, org = case
        self._policy.set_data(json.dumps({**self._data, "org": org}).encode())
        return self._policy.evaluate(json.dumps(question).encode())


class CommandTrial:
    """The interpreter of `opa`, as an OPA server has it.

    Args:
        opa: the binary.
        tree: of all sources.
    """

    def __init__(self, opa: OpaCommand, tree: Path) -> None:
        self._opa = opa
        self._tree = tree

    def decide(self, cases: Sequence[Case]) -> list[Any]:
        """The raw answer to each question under its settings.

        Raises:
            OpaCommandError: there is none.
        """
        answers: list[Any] = self._opa.evaluate(self._tree, _ASK, cases)
        return answers


@dataclass(frozen=True, slots=True)
class Fixture:
    """One question with what is expected.

    Args:
        name: for people.
        document: the question.
        org: the settings, as policy reads them.
        allow: the verdict; None where it does not matter.
        found: exactly which rules find something, by kind; kinds that are not named do not matter.
        finds: a rule that finds something, open; empty: none in particular.
    """

    name: str
    document: Mapping[str, Any]
    org: Mapping[str, Any]
    allow: bool | None = None
    found: Mapping[str, frozenset[str]] = field(default_factory=dict)
    finds: str = ""

    def differences(self, verdict: Verdict) -> Iterator[str]:
        """How a verdict differs from what is expected."""
        rules = {kind: _rules(verdict, kind) for kind in KINDS}
        if self.allow is not None and verdict.allow != self.allow:
            open_rules = ", ".join(sorted(rules["violations"])) or "nothing"
            yield f"expected allow: {str(self.allow).lower()}; open: {open_rules}"
        for kind, expected in self.found.items():
            if rules[kind] != expected:
                yield f"expected {kind}: {_listed(expected)}; found: {_listed(rules[kind])}"
        if self.finds and not any(self.finds in rules[kind] for kind in KINDS[:3]):
            yield f"{self.finds} finds nothing"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a fixture: the differences, none where it passes."""

    name: str
    differences: tuple[str, ...]


def run(fixtures: Sequence[Fixture], trial: Trial, catalog: Catalog) -> list[Result]:
    """Put every fixture; an answer that does not count is a difference."""
    answers = trial.decide([(fixture.document, fixture.org) for fixture in fixtures])
    results = []
    for fixture, answer in zip(fixtures, answers, strict=True):
        try:
            verdict = interpret(answer, catalog, fixture.document)
        except PolicyUnavailable as fault:
            results.append(Result(fixture.name, (f"{fault.reason}: {fault.detail}",)))
            continue
        results.append(Result(fixture.name, tuple(fixture.differences(verdict))))
    return results


class FixtureReader:
    """Makes fixtures of examples and files.

    Args:
        catalog: `data.inventory.catalog`, raw.
        base: the question that examples change.
        org: settings of the organisation, beside which fixtures may set rules.
        schema: of the question.
    """

    def __init__(
        self,
        catalog: Mapping[str, Any],
        base: Mapping[str, Any],
        org: Mapping[str, Any],
        schema: Mapping[str, Any],
    ) -> None:
        # 3 MiB that `serve`, which knows this module by its errors, should not pay for.
        from jsonschema import Draft202012Validator  # noqa: PLC0415

        self._catalog = catalog
        self._base = base
        self._org = org
        self._question = Draft202012Validator(schema)
        self._schema = settings_schema(catalog)
        self._settings = Draft202012Validator(self._schema)

    def examples(self, rules: Sequence[str]) -> Iterator[Fixture]:
        """Both examples of each rule: the one is found by it, about the other nobody finds a thing.

        They were written without knowing of an organisation's other rules, which are off.

        Raises:
            FixtureError: an example is not one that somebody could ask and set.
        """
        own = {rule for rule in self._catalog if is_own_id(rule)}
        for rule in rules:
            entry = self._catalog[rule]
            for side in ("refused", "allowed"):
                name = f"{rule}, {side}"
                document, org = self._case(name, entry[side], rule)
                org = with_rules(org, {other: {"mode": "off"} for other in own - {rule}})
                if side == "refused":
                    yield Fixture(name, document, org, finds=rule)
                else:
                    nothing: frozenset[str] = frozenset()
                    yield Fixture(
                        name, document, org, allow=True, found=dict.fromkeys(KINDS, nothing)
                    )

    def file(self, path: Path) -> Iterator[Fixture]:
        """The fixtures of a file.

        Raises:
            FixtureError: a fixture is not one.
            OSError: it cannot be read.
        """
        try:
            entries = yaml.safe_load(path.read_bytes())
        except yaml.YAMLError as fault:
            raise FixtureError(f"{path}: not plain YAML") from fault
        if not isinstance(entries, list):
            raise FixtureError(f"{path}: must be a list of fixtures")
        for index, entry in enumerate(entries):
            name = f"{path}, {entry.get('name', index) if isinstance(entry, Mapping) else index}"
            yield self._fixture(name, entry, path.parent)

    def _fixture(self, name: str, entry: Any, folder: Path) -> Fixture:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("expect"), Mapping):
            raise FixtureError(f"{name}: a fixture says what to expect")
        unknown = sorted(set(entry) - _MEMBERS - {"expect"})
        expect = entry["expect"]
        unknown += sorted(set(expect) - {"allow", *KINDS})
        if unknown:
            raise FixtureError(f"{name}: there is no member {unknown[0]}")
        if not isinstance(expect.get("allow", True), bool):
            raise FixtureError(f"{name}: allow must be true or false")
        found = {}
        for kind in (kind for kind in KINDS if kind in expect):
            rules = expect[kind]
            if not isinstance(rules, list) or not set(map(str, rules)) <= set(self._catalog):
                raise FixtureError(f"{name}: {kind} must be a list of rules")
            found[kind] = frozenset(rules)
        example = {part: entry[part] for part in ("configuration", "given") if part in entry}
        if "file" in entry:
            example = merge(_of_file(name, folder / str(entry["file"])), example)
        document, org = self._case(
            name,
            {**example, "settings": entry.get("settings", {})},
            "",
            removal=entry.get("removal"),
        )
        return Fixture(name, document, org, expect.get("allow"), found)

    def _case(
        self, name: str, example: Mapping[str, Any], rule: str, *, removal: object = None
    ) -> Case:
        """The question, and the settings as policy reads them.

        Args:
            name: for people.
            example: `settings`, `configuration` and `given`; settings of the rule, if there is one,
                else of rules by their ids.
            rule: or empty.
            removal: whether the question is about a removal.
        """
        patch = {"configuration": example.get("configuration", {}), **example.get("given", {})}
        document: dict[str, Any] = merge(self._base, patch)
        if removal is True:
            document = {**document, "action": DELETE_ACTION}
            for member in ("configuration", "destination"):
                del document[member]
        for error in self._question.iter_errors(document):
            where = "/".join(map(str, error.absolute_path))
            raise FixtureError(f"{name}: /{where}: {error.message[:200]}")
        given = example.get("settings", {})
        if not given:
            return document, self._org
        rules = {rule: given} if rule else given
        written = {"org": {"revision": "fixture", "inventory": {"rules": rules}}}
        for error in self._settings.iter_errors(written):
            where = ".".join(map(str, error.absolute_path))
            raise FixtureError(f"{name}: settings: {where}: {error.message[:200]}")
        made = as_data(written, self._schema)["org"]["inventory"]["rules"]
        return document, with_rules(self._org, made)


def with_rules(org: Mapping[str, Any], rules: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings with others for some rules."""
    if not rules:
        return org
    inventory = org.get("inventory", {})
    return {**org, "inventory": {**inventory, "rules": {**inventory.get("rules", {}), **rules}}}


def merge(value: Any, patch: Any) -> Any:
    """JSON Merge Patch (RFC 7396): null takes a member out."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(value) if isinstance(value, Mapping) else {}
    for name, member in patch.items():
        if member is None and name != "previous_configuration":
            merged.pop(name, None)
        else:
            merged[name] = merge({} if name in _REPLACED else merged.get(name), member)
    return merged


def _of_file(name: str, path: Path) -> dict[str, Any]:
    """A document as an example: all its members, in the place of those of the base."""
    try:
        [submission] = read_submissions(path.name, path.read_bytes())
    except SubmissionError as fault:
        raise FixtureError(f"{name}: {fault}") from fault
    except ValueError as fault:
        raise FixtureError(f"{name}: {path.name} must hold one configuration") from fault
    configuration = submission.configuration
    if not isinstance(configuration, InventoryConfiguration):
        raise FixtureError(f"{name}: {path.name} must hold one configuration")
    shape = configuration.as_boto3()
    destination: dict[str, Any] = shape["Destination"]  # type: ignore[assignment]
    for member in ("AccountId", "Prefix", "Encryption"):
        destination["S3BucketDestination"].setdefault(member, None)
    for member in ("Filter", "OptionalFields"):
        shape.setdefault(member, None)
    bucket = read_bucket_arn(configuration.destination.bucket_arn).bucket
    return {
        "configuration": shape,
        "given": {
            "request": {"configuration_id": configuration.id},
            "destination": {"bucket": bucket},
            **({"source": {"bucket": submission.bucket}} if submission.bucket else {}),
        },
    }


def _rules(verdict: Verdict, kind: str) -> frozenset[str]:
    return frozenset(finding.rule for finding in getattr(verdict, kind))


def _listed(rules: frozenset[str]) -> str:
    return f"[{', '.join(sorted(rules))}]"
