"""The decision, and how strictly an engine's raw answer becomes one.

An answer counts as a yes only if its types are right, `allow` is true, `ready` is true, no
violation is open and `evaluated` names every rule of the catalogue. Whatever else it says is a no,
and an answer that contradicts itself is no answer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from gateway.core.errors import PolicyUnavailable
from gateway.core.policy.catalog import Catalog, Finding, Rule, sort_findings
from gateway.core.policy.exemption import UsedExemption
from gateway.core.policy.input import plain
from gateway.core.policy.mutation import Mutation, read_mutations

SCHEMA: Final = "inventory.decision/1"
_ENFORCE: Final = "enforce"
_OBSERVE: Final = "observe"
_MAX_MESSAGE: Final = 1600  # characters: twenty lines of a terminal
_MAX_VALUE: Final = 100
_INDEX: Final = re.compile(r"[0-9]{1,4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What policy found. `allow` is derived by `interpret`, never taken on trust.

    `mutations` are proposals: nothing is done to a configuration unless the patched one is judged
    again.
    `observe`: the organisation wants violations recorded, and nothing refused for them.
    """

    allow: bool
    revision: str
    observe: bool = False
    violations: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    dryrun: tuple[Finding, ...] = ()
    exempted: tuple[Finding, ...] = ()
    mutations: tuple[Mutation, ...] = ()

    @property
    def mutates(self) -> bool:
        """Whether the configuration is to be patched and judged again.

        Whoever only observes changes nothing either: proposals are recorded and that is all.
        """
        return bool(self.mutations) and not self.observe


@dataclass(frozen=True, slots=True)
class Allow:
    """Policy says yes, or only watches; `warnings` may be worth a word to the client.

    `mutations` were applied before the question was asked.
    """

    decision_id: str
    revision: str
    verdict: Verdict
    mutations: tuple[Mutation, ...] = ()

    @property
    def would_refuse(self) -> tuple[Finding, ...]:
        """What it would have been refused for, were policy enforced."""
        return self.verdict.violations


@dataclass(frozen=True, slots=True)
class Deny:
    """Policy says no, or could not be asked.

    Args:
        decision_id: joins the answer, the journal and the log.
        revision: of the policy; empty where there was none.
        verdict: the findings; None where policy could not be asked.
        fault: the constant reason why it could not be asked, such as `engine_timeout`.
        mutations: that were applied before the question was asked.
    """

    decision_id: str
    revision: str
    verdict: Verdict | None = None
    fault: str = ""
    mutations: tuple[Mutation, ...] = ()


Decision = Allow | Deny


def interpret(answer: object, catalog: Catalog, document: Mapping[str, object]) -> Verdict:
    """Turn a raw answer into a verdict.

    Args:
        answer: what the engine returned for `inventory/main/decision`.
        catalog: the rules that must have run, and their texts.
        document: the input document, whose values messages quote.

    Raises:
        PolicyUnavailable: the answer is not a decision, or contradicts itself.
    """
    if not isinstance(answer, Mapping) or answer.get("schema") != SCHEMA:
        raise PolicyUnavailable("engine_answer", detail="not a decision of " + SCHEMA)
    allow, ready, revision = answer.get("allow"), answer.get("ready"), answer.get("policy_revision")
    if not isinstance(allow, bool) or not isinstance(ready, bool) or not isinstance(revision, str):
        raise PolicyUnavailable("engine_answer", detail="allow, ready or policy_revision mistyped")
    evaluated = _texts(answer.get("evaluated"), "evaluated")
    if frozenset(evaluated) != catalog.ids:
        missing = sorted(catalog.ids.symmetric_difference(evaluated))
        raise PolicyUnavailable("engine_incomplete", detail=f"evaluated differs in {missing[:5]}")
    findings = {
        kind: _findings(answer.get(kind), kind, catalog, document)
        for kind in ("violations", "warnings", "dryrun", "exempted")
    }
    mutations = read_mutations(answer.get("mutations", []), catalog)
    if mutations and "configuration" not in document:
        raise PolicyUnavailable("engine_answer", detail="mutations of a removal")
    if not ready:
        raise PolicyUnavailable("engine_not_ready", detail="input or settings were incomplete")
    if allow == bool(findings["violations"]):
        raise PolicyUnavailable("engine_contradiction", detail="allow contradicts violations")
    observe = _observes(answer.get("enforcement", _ENFORCE))
    return Verdict(allow=allow, revision=revision, observe=observe, mutations=mutations, **findings)


def decide(verdict: Verdict, decision_id: str, mutations: tuple[Mutation, ...] = ()) -> Decision:
    """Make the decision: a violation refuses, unless the organisation only observes.

    Args:
        verdict: on what would be sent.
        decision_id: of its own.
        mutations: that were applied before policy was asked.
    """
    kind = Allow if verdict.allow or verdict.observe else Deny
    return kind(decision_id, verdict.revision, verdict, mutations=mutations)


def explain(
    rule: Rule, path: str, allowed: tuple[str, ...], document: Mapping[str, object]
) -> Finding:
    """Put a finding into words.

    Args:
        rule: the catalogue's templates.
        path: JSON pointer into the configuration.
        allowed: what would be allowed, where the rule says.
        document: the input document, whose values the templates quote.
    """
    words = _words(path, allowed, document)
    return Finding(
        rule=rule.id,
        path=path,
        severity=rule.severity,
        message=rule.message.format_map(words),
        remedy=rule.remedy.format_map(words),
        allowed=allowed,
    )


def denial_message(decision: Deny, inventory_id: str) -> str:
    """The words that the client's user reads: each rule, what is wrong, what to do; bounded.

    Where policy had patched the configuration, the values quoted are not all the client's own:
    hence a word on which members were filled in, and by which rule.
    """
    findings = decision.verdict.violations if decision.verdict is not None else ()
    head = f"Policy refuses the inventory configuration {inventory_id!r}."
    tail = f"{_filled_in(decision.mutations)} (decision {decision.decision_id})"
    parts = [f" [{item.rule}] {item.message} {item.remedy}" for item in findings]
    text = head
    for index, part in enumerate(parts):
        if len(text) + len(part) + len(tail) > _MAX_MESSAGE:
            rules = ", ".join(item.rule for item in findings[index:])
            text += f" Also: {rules}."
            break
        text += part
    return text + tail


def _filled_in(mutations: tuple[Mutation, ...]) -> str:
    if not mutations:
        return ""
    members = ", ".join(f"{item.member} ({item.rule})" for item in mutations)
    return f" It was judged with what the organisation's settings fill in: {members}."


def _texts(value: object, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise PolicyUnavailable("engine_answer", detail=f"{what} is not a list of strings")
    return tuple(value)


def _findings(
    value: object, kind: str, catalog: Catalog, document: Mapping[str, object]
) -> tuple[Finding, ...]:
    if not isinstance(value, list):
        raise PolicyUnavailable("engine_answer", detail=f"{kind} is not a list")
    return sort_findings([_finding(item, kind, catalog, document) for item in value])


def _finding(item: object, kind: str, catalog: Catalog, document: Mapping[str, object]) -> Finding:
    if not isinstance(item, Mapping):
        raise PolicyUnavailable("engine_answer", detail=f"{kind} holds no findings")
    rule_id, path = item.get("rule"), item.get("path")
    if not isinstance(rule_id, str) or rule_id not in catalog.rules or not isinstance(path, str):
        raise PolicyUnavailable("engine_answer", detail=f"{kind} holds an unknown rule")
    allowed = _texts(item.get("allowed", []), "allowed")
    finding = explain(catalog.rules[rule_id], path, allowed, document)
    return replace(finding, exemption=_exemption(item)) if kind == "exempted" else finding


def _exemption(item: Mapping[str, object]) -> UsedExemption:
    """Nothing is exempted by nobody."""
    found = item.get("exemption")
    entry = found if isinstance(found, Mapping) else {}
    name, ticket, expires_ns = entry.get("id"), entry.get("ticket"), entry.get("expires_ns")
    if not (isinstance(name, str) and name and isinstance(ticket, str) and type(expires_ns) is int):
        raise PolicyUnavailable("engine_answer", detail="exempted without its exemption")
    return UsedExemption(name, ticket, expires_ns)


def _observes(value: object) -> bool:
    if value not in (_ENFORCE, _OBSERVE):
        raise PolicyUnavailable("engine_answer", detail="enforcement is neither of its two words")
    return value == _OBSERVE


class _Words(dict[str, str]):
    """Template parameters; one that the catalogue misspelled stays visible."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def _words(path: str, allowed: tuple[str, ...], document: Mapping[str, object]) -> _Words:
    def text(pointer: str, otherwise: str = "") -> str:
        value = _at(document, pointer)
        return plain(value, _MAX_VALUE) if isinstance(value, str) and value else otherwise

    return _Words(
        path=path,
        value=_quoted(_at(document.get("configuration"), path)),
        allowed=", ".join(allowed) or "nothing",
        inventory_id=text("/request/configuration_id"),
        principal=text("/principal/name"),
        bucket=text(f"/{'destination' if path.startswith('/Destination') else 'source'}/bucket"),
        source_bucket=text("/source/bucket"),
        source_region=text("/source/region", "an unknown Region"),
        destination_bucket=text("/destination/bucket"),
        destination_region=text("/destination/region", "an unknown Region"),
    )


def _at(value: object, pointer: str) -> object:
    """The value at a JSON pointer (RFC 6901), or None."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and _INDEX.fullmatch(key) and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _quoted(value: object) -> str:
    """A value, quoted and cut; `not set` where there is none."""
    match value:
        case None:
            return "not set"
        case str():
            return f"'{plain(value, _MAX_VALUE)}'"
        case Mapping():
            return ", ".join(value) or "not set"
        case _:
            return plain(str(value), _MAX_VALUE)
