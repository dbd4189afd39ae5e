package inventory.main_test

import data.inventory.main
import data.inventory.testing

sse_s3 := testing.destined("Encryption", {"SSES3": {}})

encryption := {
	"rule": "INV001",
	"path": "/Destination/S3BucketDestination/Encryption",
	"allowed": ["SSE-KMS"],
}

# Settings under which the document `sse_s3` breaks INV001, in the given mode.
kms_only(mode) := testing.settings("INV001", {"minimum": "SSE-KMS", "mode": mode})

exemption := {
	"id": "EX-7",
	"rules": ["INV001"],
	"buckets": ["acme-*"],
	"principals": ["*"],
	"configuration_ids": ["daily"],
	"reason": "a reader that knows no KMS",
	"ticket": "GOV-1",
	"approved_by": "governance",
	"expires_ns": testing.put.environment.time_ns + 1,
}

exempting(exemptions) := object.union(kms_only("deny"), {"exemptions": exemptions})

test_allows_and_says_what_ran if {
	decision := main.decision with input as testing.put
	decision == {
		"schema": "inventory.decision/1",
		"allow": true,
		"enforcement": "enforce",
		"ready": true,
		"evaluated": sort(object.keys(data.inventory.catalog)),
		"policy_revision": "default",
		"violations": [],
		"warnings": [],
		"dryrun": [],
		"exempted": [],
		"mutations": [],
		"obligations": [],
	}
}

test_observes_only_where_the_settings_say_so if {
	every case in [
		["observe", "observe"], ["enforce", "enforce"], ["Observe", "enforce"], ["", "enforce"],
		[null, "enforce"], [true, "enforce"], [["observe"], "enforce"],
	] {
		settings := {"revision": "r", "enforcement": case[0]}
		decision := main.decision with input as testing.put with data.org as settings
		decision.enforcement == case[1]
	}
}

test_observing_hides_no_violation if {
	settings := object.union(kms_only("deny"), {"enforcement": "observe"})
	decision := main.decision with input as sse_s3 with data.org as settings
	not decision.allow
	decision.enforcement == "observe"
	decision.violations == [encryption]
}

test_allows_a_removal_and_runs_every_rule if {
	decision := main.decision with input as testing.delete
	decision.allow
	decision.evaluated == sort(object.keys(data.inventory.catalog))
}

test_denies_with_the_finding if {
	decision := main.decision with input as sse_s3 with data.org as kms_only("deny")
	not decision.allow
	decision.ready
	decision.violations == [encryption]
}

test_denies_on_a_typo_in_a_mode if {
	every mode in ["dney", "WARN", "", false, 0, ["warn"], {}] {
		decision := main.decision with input as sse_s3 with data.org as kms_only(mode)
		decision.violations == [encryption]
		not decision.allow
	}
}

test_denies_by_default_when_the_mode_is_null if {
	decision := main.decision with input as sse_s3 with data.org as kms_only(null)
	decision.violations == [encryption]
}

test_allows_in_soft_modes_and_shows_the_finding if {
	every mode, member in {"warn": "warnings", "dryrun": "dryrun"} {
		decision := main.decision with input as sse_s3 with data.org as kms_only(mode)
		decision.allow
		decision[member] == [encryption]
		decision.violations == []
	}
}

test_allows_what_is_off_but_runs_it if {
	decision := main.decision with input as sse_s3 with data.org as kms_only("off")
	decision.allow
	count(decision.warnings) + count(decision.dryrun) == 0
	"INV001" in decision.evaluated
}

test_allows_what_is_exempted_and_shows_it if {
	decision := main.decision with input as sse_s3 with data.org as exempting([exemption])
	decision.allow
	shown := {"id": "EX-7", "ticket": "GOV-1", "expires_ns": exemption.expires_ns}
	decision.exempted == [object.union(encryption, {"exemption": shown})]
	decision.violations == []
}

test_what_is_exempted_is_shown_once if {
	every mode in ["warn", "dryrun"] {
		settings := object.union(kms_only(mode), {"exemptions": [exemption]})
		decision := main.decision with input as sse_s3 with data.org as settings
		count(decision.exempted) == 1
		count(decision.warnings) + count(decision.dryrun) == 0
	}
}

test_a_removal_finds_nothing_in_a_configuration if {
	rubbish := {"OptionalFields": 7, "Destination": {"S3BucketDestination": {
		"Prefix": "//",
		"Encryption": {"SSEKMS": {}},
	}}}
	decision := main.decision with input as object.union(testing.delete, {"configuration": rubbish})
	decision.violations == []
	not decision.ready
}

test_the_exemption_that_lasts_longest_is_shown if {
	longer := object.union(exemption, {"id": "EX-8", "expires_ns": exemption.expires_ns + 1})
	decision := main.decision with input as sse_s3 with data.org as exempting([longer, exemption])
	decision.exempted[0].exemption.id == "EX-8"
}

test_denies_when_the_exemption_is_not_proven if {
	every change in [
		{"rules": ["INV004"]},
		{"rules": "INV001"},
		{"buckets": []},
		{"buckets": ["other-*"]},
		{"buckets": [7]},
		{"principals": ["team"]},
		{"configuration_ids": null},
		{"ticket": ""},
		{"reason": null},
		{"approved_by": 7},
		{"expires_ns": testing.put.environment.time_ns},
		{"expires_ns": "2027-01-01T00:00:00Z"},
	] {
		settings := exempting([object.union(exemption, change)])
		decision := main.decision with input as sse_s3 with data.org as settings
		decision.violations == [encryption]
		decision.exempted == []
	}
}

test_denies_when_the_time_is_not_given if {
	document := json.patch(sse_s3, [{"op": "remove", "path": "/environment/time_ns"}])
	decision := main.decision with input as document with data.org as exempting([exemption])
	not decision.allow
}

test_is_not_ready_without_its_input if {
	every document in [
		{}, [], "text", null,
		testing.set("/schema", "inventory.input/2"),
		testing.set("/action", "s3:GetInventoryConfiguration"),
		testing.set("/principal/authenticated", false),
		testing.set("/principal/authenticated", "true"),
		testing.unset("/principal"),
		testing.unset("/source"),
		testing.unset("/configuration"),
		testing.unset("/destination"),
		testing.set("/configuration", "text"),
		object.union(testing.delete, {"configuration": testing.put.configuration}),
	] {
		decision := main.decision with input as document
		not decision.ready
		not decision.allow
	}
}

test_is_not_ready_without_its_data if {
	not main.decision.ready with input as testing.put with data.org as {}
	not main.decision.ready with input as testing.put with data.org as "text"
	not main.decision.ready with input as testing.put with data.org as {"revision": 7}
	not main.decision.ready with input as testing.put with data.inventory.catalog as {}
	not main.decision.ready with input as testing.put with data.inventory.catalog as null
}

patch := {
	"rule": "INV001",
	"op": "add",
	"path": "/Destination/S3BucketDestination/Encryption",
	"value": {"SSEKMS": {"KeyId": testing.key_arn}},
}

patching(mode, mutate) := testing.settings("INV001", {
	"minimum": "SSE-KMS",
	"default_key": testing.key_arn,
	"mode": mode,
	"mutate": mutate,
})

test_proposes_a_patch_beside_the_finding if {
	every mode, member in {"deny": "violations", "warn": "warnings", "dney": "violations"} {
		decision := main.decision with input as sse_s3 with data.org as patching(mode, true)
		decision.mutations == [patch]
		decision[member] == [encryption]
	}
}

test_proposes_no_patch_unless_asked if {
	every mutate in [false, null, "true", 1, [true], {}] {
		decision := main.decision with input as sse_s3 with data.org as patching("deny", mutate)
		decision.mutations == []
		decision.violations == [encryption]
	}
}

test_proposes_no_patch_without_effect if {
	every mode in ["dryrun", "off"] {
		decision := main.decision with input as sse_s3 with data.org as patching(mode, true)
		decision.mutations == []
	}
	sound := main.decision with input as testing.put with data.org as patching("deny", true)
	sound.mutations == []
	settings := object.union(patching("deny", true), {"exemptions": [exemption]})
	exempted := main.decision with input as sse_s3 with data.org as settings
	exempted.mutations == []
}

test_an_exemption_goes_by_the_id_that_is_asked_for if {
	document := object.union(sse_s3, {"request": {"configuration_id": "other"}})
	decision := main.decision with input as document with data.org as exempting([exemption])
	decision.violations == [encryption]
}
