# METADATA
# title: The decision on one inventory request
# description: |
#   Collects what the rules found and sorts it by mode. Texts are joined from the catalogue by the
#   gateway: nothing here is built from the caller's strings.
package inventory.main

import data.inventory.lib.document
import data.inventory.lib.exemptions
import data.inventory.lib.settings

# METADATA
# description: inventory.decision/1
# entrypoint: true
decision := {
	"schema": "inventory.decision/1",
	"allow": allow,
	"enforcement": settings.enforcement,
	"ready": ready,
	"evaluated": evaluated,
	"policy_revision": _policy_revision,
	"violations": sort(violations),
	"warnings": sort(warnings),
	"dryrun": sort(dryrun),
	"exempted": sort(exempted),
	"mutations": sort(mutations),
	"obligations": [],
}

default allow := false

allow if {
	ready
	count(violations) == 0
}

# The rules that ran: each names itself, so that a rule file that is missing is missed.
evaluated := sort({report.id | some report in _reports})

# What is left after everything that provably softens: a typo in a mode leaves a violation.
violations := ((_findings - warnings) - dryrun) - _exempted_findings

warnings := {finding |
	some finding in (_findings - _exempted_findings)
	_modes[finding.rule] == "warn"
}

dryrun := {finding |
	some finding in (_findings - _exempted_findings)
	_modes[finding.rule] == "dryrun"
}

exempted := {object.union(finding, {"exemption": _exemptions[finding.rule]}) |
	some finding in _exempted_findings
}

# JSON Patch (RFC 6902) for what was found, where the organisation wants it patched. A dry run has no
# effect, and what is exempted stays as it is.
mutations contains object.union(patch, {"rule": id}) if {
	some id in {finding.rule | some finding in (violations | warnings)}
	settings.parameter(id, "mutate") == true
	some topic, name
	data.inventory.rules[topic][name].id == id
	some patch in data.inventory.rules[topic][name].mutations
	is_object(patch)
}

default ready := false

# Without this proof, missing input or missing data would read as "nothing found".
ready if {
	document.at(["schema"]) == "inventory.input/1"
	document.at(["principal", "authenticated"]) == true
	is_object(document.at(["source"]))
	_complete
	count(settings.catalog) > 0
	_policy_revision != ""
}

_complete if {
	document.action == document.put
	is_object(document.at(["configuration"]))
	is_object(document.at(["destination"]))
}

_complete if {
	document.removes
	document.at(["configuration"]) == null
}

default _policy_revision := ""

_policy_revision := revision if {
	revision := object.get(settings.org, "revision", "")
	is_string(revision)
}

# Members of a rule's package are named one by one: to ask for the package would evaluate all of it.
# Lists: to find its place in a set, every report would be compared with others.
_reports := array.concat(_reports_of_ours, _reports_of_the_organisation)

_reports_of_ours := [{"id": id, "findings": findings} |
	some topic, name
	id := data.inventory.rules[topic][name].id
	is_string(id)
	findings := data.inventory.rules[topic][name].findings
	is_set(findings)
]

_reports_of_the_organisation := [{"id": id, "findings": findings} |
	some name
	id := data.inventory.custom[name].id
	is_string(id)
	findings := data.inventory.custom[name].findings
	is_set(findings)
]

_alarms := [report | some report in _reports; count(report.findings) > 0]

_findings := {_finding(alarm.id, found) |
	some alarm in _alarms
	_modes[alarm.id] != "off"
	some found in alarm.findings
}

# Looked up once for each rule that found something.
_modes := {alarm.id: settings.mode(alarm.id) | some alarm in _alarms}

_exemptions := {id: exemptions.covering(id) | some id in {finding.rule | some finding in _findings}}

_exempted_findings := {finding |
	some finding in _findings
	_exemptions[finding.rule]
}

# A finding carries its own rule's id and is never dropped for its shape.
_finding(id, found) := object.union(object.union({"path": ""}, found), {"rule": id}) if {
	is_object(found)
} else := {"rule": id, "path": ""}
