# How rules that are not written yet will be treated.
package inventory.main.composition_test

import data.inventory.main
import data.inventory.testing

found := {"rule": "ACME1", "path": "/Id"}

rule(findings) := {"tagged": {"id": "ACME1", "findings": findings}}

org(values) := {"revision": "test", "inventory": values}

test_a_custom_rule_counts_even_when_the_catalogue_lacks_it if {
	decision := main.decision with input as testing.put with data.inventory.custom as rule({found})
	decision.violations == [found]
	"ACME1" in decision.evaluated
}

test_a_finding_is_never_lost_for_its_shape if {
	every raw in ["text", true, null, {"rule": "INV001"}] {
		decision := main.decision with input as testing.put with data.inventory.custom as rule({raw})
		decision.violations == [{"rule": "ACME1", "path": ""}]
	}
}

test_a_rule_without_a_set_of_findings_has_not_run if {
	every raw in [true, "text", [found]] {
		decision := main.decision with input as testing.put with data.inventory.custom as rule(raw)
		not "ACME1" in decision.evaluated
		shipped_rules := main.decision with input as testing.put with data.inventory.rules as {"topic": rule(raw)}
		shipped_rules.evaluated == []
	}
}

test_a_rule_without_an_id_has_not_run if {
	nameless := {"tagged": {"id": 7, "findings": {found}}}
	decision := main.decision with input as testing.put with data.inventory.custom as nameless
	decision.evaluated == sort(object.keys(data.inventory.catalog))
	decision.violations == []
	shipped_rules := main.decision with input as testing.put with data.inventory.rules as {"topic": nameless}
	shipped_rules.evaluated == []
}

shipped(entry) := {"ACME1": entry}

test_default_modes if {
	param := {"mode": "param", "parameters": {"keys": {"required": true}}}
	optional := object.union(param, {"parameters": {"more": {}}})
	every case in [
		{"entry": {"mode": "deny"}, "org": {}, "open": "violations"},
		{"entry": {"mode": "deny"}, "org": {"defaults": {"mode": "warn"}}, "open": "warnings"},
		{"entry": {"mode": "deny"}, "org": {"defaults": {"mode": "wran"}}, "open": "violations"},
		{"entry": {"mode": "deny"}, "org": {"defaults": "warn"}, "open": "violations"},
		{"entry": {"mode": "warn"}, "org": {}, "open": "warnings"},
		{"entry": {"mode": "warn"}, "org": {"defaults": {"mode": "dryrun"}}, "open": "dryrun"},
		{"entry": {"mode": "warn"}, "org": {"defaults": {"mode": "off"}}, "open": ""},
		{"entry": {"mode": "warn"}, "org": {"rules": {"ACME1": {"mode": "deny"}}}, "open": "violations"},
		{"entry": {"mode": "off"}, "org": {}, "open": ""},
		{"entry": {"mode": "off"}, "org": {"rules": {"ACME1": {"mode": "warn"}}}, "open": "warnings"},
		{"entry": {"mode": "other"}, "org": {}, "open": "violations"},
		{"entry": "text", "org": {}, "open": "violations"},
		{"entry": param, "org": {}, "open": ""},
		{"entry": param, "org": {"rules": {"ACME1": {"keys": ["*"]}}}, "open": "violations"},
		{"entry": {"mode": "param"}, "org": {}, "open": "violations"},
		{"entry": object.union(param, {"mode": "deny"}), "org": {}, "open": "violations"},
		{"entry": optional, "org": {"rules": {"ACME1": {"keys": ["*"]}}}, "open": "violations"},
		{"entry": optional, "org": {"rules": {"ACME1": {"more": ["*"]}}}, "open": ""},
	] {
		decision := main.decision with input as testing.put
			with data.inventory.custom as rule({found})
			with data.inventory.catalog as shipped(case.entry)
			with data.org as org(case.org)
		open := [name | some name in ["violations", "warnings", "dryrun"]; found in decision[name]]
		open == [name | some name in [case.open]; name != ""]
	}
}
