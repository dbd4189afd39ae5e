package inventory.rules.destination.key_policy_allows_test

import data.inventory.lib.settings
import data.inventory.rules.destination.key_policy_allows
import data.inventory.testing

found := {{"rule": "INV019", "path": "/Destination/S3BucketDestination/Encryption/SSEKMS/KeyId"}}

answered(value) := testing.set("/destination/key_policy", value)

demanding := testing.settings("INV019", {"require_known": true})

test_allows_what_is_allowed if {
	every org in [testing.settings("INV019", {}), demanding] {
		count(key_policy_allows.findings) == 0 with input as answered({"allowed": true}) with data.org as org
	}
}

test_allows_a_removal if {
	count(key_policy_allows.findings) == 0 with input as testing.delete with data.org as demanding
}

test_finds_what_is_not_allowed if {
	key_policy_allows.findings == found with input as answered({"allowed": false, "reason": "no statement"})
}

test_is_about_reports_with_a_key if {
	refused := {"destination": {"key_policy": {"allowed": false}}}
	document := object.union(testing.destined("Encryption", {"SSES3": {}}), refused)
	count(key_policy_allows.findings) == 0 with input as document
	plain := testing.unset(concat("/", [testing.bucket_destination, "Encryption"]))
	count(key_policy_allows.findings) == 0 with input as plain
}

test_only_warns_by_default if {
	settings.mode(key_policy_allows.id) == "warn"
}

test_keeps_quiet_about_what_is_not_known_unless_asked if {
	count(key_policy_allows.findings) == 0 with input as testing.put
	key_policy_allows.findings == found with input as testing.put with data.org as demanding
}

test_finds_misfits if {
	every misfit in [true, 7, "", "text", [], {}, {"allowed": "true"}, {"allowed": null}, {"allowed": [true]}] {
		key_policy_allows.findings == found with input as answered(misfit)
	}
	every misfit in [null, 7, "", "false", [], {}] {
		org := testing.settings("INV019", {"require_known": misfit})
		key_policy_allows.findings == found with input as testing.put with data.org as org
	}
}
