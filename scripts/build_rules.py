"""Write what follows from the sources: the schemas that ship, and a page for every rule.

    python scripts/build_rules.py            # after scripts/build_bundle.py
    python scripts/build_rules.py --check    # exit 1 when a file is stale

The catalogue is read from the shipped bundle and the examples are put to its policy, so that a page
shows the words that a client reads. Needs the gateway installed, but no `opa`.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from opapywasm import OpaWasmPolicy, PolicyConfig

from gateway.adapters.opa_wasm import ENTRYPOINT, PolicyBundle
from gateway.app.policy_trial import merge
from gateway.core.policy.catalog import Catalog, Finding
from gateway.core.policy.decision import explain
from gateway.core.policy.fact import suppliers
from gateway.core.policy.settings_schema import settings_schema

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "policies" / "examples" / "put.json"
SCHEMAS = (
    ROOT / "policies" / "schemas" / "settings.json",
    ROOT / "gateway" / "bundle" / "settings.schema.json",
)
#: The schema of the question, for whoever has no sources.
QUESTION = (
    ROOT / "policies" / "schemas" / "input.json",
    ROOT / "gateway" / "bundle" / "input.schema.json",
)
PAGES = ROOT / "docs" / "rules"
#: Where a finding may be: open, or softened.
OPEN = ("violations", "warnings", "dryrun")
#: Members of settings that are times; policy reads the sibling in nanoseconds.
TIMES = frozenset({"starts", "ends", "expires"})

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Examples:
    """Puts the examples of the catalogue to the policy of a bundle.

    Args:
        bundle: with the policy and its catalogue.
        base: a PUT about which no rule has anything to say.
    """

    def __init__(self, bundle: PolicyBundle, base: Mapping[str, Any]) -> None:
        self._data = bundle.data
        self._base = base
        self._catalog = Catalog.from_data(bundle.data["inventory"]["catalog"])
        config = PolicyConfig(pool_size=1, default_entrypoint=ENTRYPOINT)
        self._policy = OpaWasmPolicy.from_wasm_bytes(bundle.wasm, config)

    def document(self, example: Mapping[str, Any]) -> dict[str, Any]:
        """The input document: the base with what the example changes."""
        patch = {"configuration": example.get("configuration", {}), **example.get("given", {})}
        merged: dict[str, Any] = merge(self._base, patch)
        return merged

    def data(self, rules: Mapping[str, Any]) -> dict[str, Any]:
        """The data of policy, with settings for these rules as the organisation writes them."""
        org = {"revision": "example", "inventory": {"rules": with_nanoseconds(rules)}}
        return {**self._data, "org": org}

    def evaluate(self, document: Mapping[str, Any], rules: Mapping[str, Any]) -> dict[str, Any]:
        """The raw decision, with settings for these rules."""
        self._policy.set_data(json.dumps(self.data(rules)).encode())
        answer = self._policy.evaluate(json.dumps(document).encode())
        assert isinstance(answer, dict)  # noqa: S101 - a build script
        return answer

    def findings(self, rule_id: str, example: Mapping[str, Any]) -> list[Finding]:
        """What the rule finds in its example, in words."""
        document = self.document(example)
        answer = self.evaluate(document, {rule_id: example.get("settings", {})})
        rule = self._catalog.rules[rule_id]
        return [
            explain(rule, found["path"], tuple(found.get("allowed", ())), document)
            for kind in OPEN
            for found in answer[kind]
            if found["rule"] == rule_id
        ]


def with_nanoseconds(value: Any) -> Any:
    """Put beside each time its sibling in nanoseconds since 1970."""
    if isinstance(value, list):
        return [with_nanoseconds(item) for item in value]
    if not isinstance(value, dict):
        return value
    times = {f"{name}_ns": _nanoseconds(value[name]) for name in TIMES & value.keys()}
    return {name: with_nanoseconds(member) for name, member in value.items()} | times


def _nanoseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1) * 1000


# --- the pages ------------------------------------------------------------------------------------


def page(rule_id: str, entry: Mapping[str, Any], findings: Sequence[Finding]) -> str:
    """One rule, for people."""
    removals = "Removals are judged, too." if entry["removals"] else "Removals are not judged."
    parts = [
        f"# {rule_id}: {entry['title']}",
        f"Severity {entry['severity']}, topic {entry['topic']}; {_by_default(entry)}. {removals}",
        entry["why"],
        "## Refused",
        _fragment(rule_id, entry["refused"]),
        "\n>\n".join(f"> [{item.rule}] {item.message} {item.remedy}" for item in findings),
        "## Allowed",
        _fragment(rule_id, entry["allowed"]),
        "## Parameters",
        _parameters(entry["parameters"]),
        "## Facts",
        _facts(entry),
        "## Remedy",
        "What the client reads, with its own values in the place of the braces:",
        f"> {entry['remedy']}",
    ]
    return "\n\n".join(parts) + "\n"


def _by_default(entry: Mapping[str, Any]) -> str:
    match entry["mode"]:
        case "param":
            names = [f"`{name}`" for name, it in entry["parameters"].items() if it.get("required")]
            return f"off until {', '.join(names)} is set"
        case "warn":
            return "only warns by default"
        case "off":
            return "off by default"
        case _:
            return "on by default"


def _fragment(rule_id: str, example: Mapping[str, Any]) -> str:
    blocks = []
    if "settings" in example:
        rules = {rule_id: example["settings"]}
        blocks.append(("Settings:", {"org": {"inventory": {"rules": rules}}}))
    if "configuration" in example:
        blocks.append(("In the configuration:", example["configuration"]))
    if "given" in example:
        blocks.append(("Given, in the question to policy:", example["given"]))
    return "\n\n".join(f"{head}\n\n```yaml\n{_yaml(block)}```" for head, block in blocks)


def _yaml(value: Any) -> str:
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
    return text.replace(": null\n", ": # not there\n")


def _parameters(parameters: Mapping[str, Any]) -> str:
    if not parameters:
        return "None."
    rows = ["| parameter | default | meaning |", "|---|---|---|"]
    for name, parameter in parameters.items():
        rows.append(f"| `{name}` | {_default(parameter)} | {parameter['description']} |")
    return "\n".join(rows)


def _default(parameter: Mapping[str, Any]) -> str:
    if "default" in parameter:
        return f"`{json.dumps(parameter['default'])}`"
    if "from" in parameter:
        return f"the organisation's `{parameter['from']}`"
    return "required" if parameter.get("required") else ""


def _facts(entry: Mapping[str, Any]) -> str:
    if not entry["facts"]:
        return "None: the request and the settings say everything."
    facts = ", ".join(f"`{fact}`" for fact in entry["facts"])
    text = f"{facts} of the [question](../../policies/schemas/input.json)."
    named = [f"`{fact}`" for fact in suppliers(entry["facts"])]
    if named:
        switched = f"[switches on](../facts.md) {', '.join(named)}"
        text += f" Known only where the setting `facts` {switched}."
    return f"{text}\n\nWhere it is not known: {entry['unknown']}"


def table(catalog: Mapping[str, Any]) -> str:
    """All rules, each with a link to its page."""
    rows = ["| rule | severity | what it asks for | by default |", "|---|---|---|---|"]
    words = {"deny": "on", "warn": "warns", "off": "off", "param": "with its parameter"}
    for rule, entry in catalog.items():
        link = f"[{rule}]({rule}.md)"
        rows.append(f"| {link} | {entry['severity']} | {entry['title']} | {words[entry['mode']]} |")
    return "\n".join(rows)


def files(bundle: PolicyBundle) -> dict[Path, str]:
    """Every file that is made here, with its text."""
    catalog = dict(sorted(bundle.data["inventory"]["catalog"].items()))
    examples = Examples(bundle, json.loads(EXAMPLE.read_text()))
    schema = json.dumps(settings_schema(catalog), indent=2, ensure_ascii=False) + "\n"
    pages = {
        PAGES / f"{rule}.md": page(rule, entry, examples.findings(rule, entry["refused"]))
        for rule, entry in catalog.items()
    }
    head = (
        "# Rules\n\nEach page shows what is refused, with the words that a client reads, what is "
        "allowed, and what can be\nset. A rule that is on `with its parameter` is off until that is"
        " set, in the [policy settings](../policy-settings.md)."
    )
    index = f"{head}\n\n{table(catalog)}\n"
    written, shipped = QUESTION
    copies = {**dict.fromkeys(SCHEMAS, schema), shipped: written.read_text()}
    return {**copies, PAGES / "README.md": index, **pages}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; 1 when a file is stale, or is one too many."""
    parser = argparse.ArgumentParser(description="Write the rules' pages and settings' schema.")
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    made = files(PolicyBundle.shipped())
    stale = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    stray = sorted(set(PAGES.glob("*")) - set(made))
    if options.check:
        for path in (*stale, *stray):
            print(
                f"{path.relative_to(ROOT)} is stale. Run scripts/build_rules.py.", file=sys.stderr
            )
        return 1 if stale or stray else 0
    for path in stray:
        path.unlink()
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[path])
    print(f"{len(stale)} of {len(made)} files written, {len(stray)} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
