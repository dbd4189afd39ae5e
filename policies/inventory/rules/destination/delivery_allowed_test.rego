package inventory.rules.destination.delivery_allowed_test

import data.inventory.lib.settings
import data.inventory.rules.destination.delivery_allowed
import data.inventory.testing

found := {{"rule": "INV018", "path": "/Destination/S3BucketDestination/Bucket"}}

answered(value) := testing.set("/destination/delivery", value)

demanding := testing.settings("INV018", {"require_known": true})

test_allows_what_is_allowed if {
	every org in [testing.settings("INV018", {}), demanding] {
		count(delivery_allowed.findings) == 0 with input as answered({"allowed": true}) with data.org as org
	}
}

test_allows_a_removal if {
	count(delivery_allowed.findings) == 0 with input as testing.delete with data.org as demanding
}

test_finds_what_is_not_allowed if {
	delivery_allowed.findings == found with input as answered({"allowed": false, "reason": "no statement"})
}

test_only_warns_by_default if {
	settings.mode(delivery_allowed.id) == "warn"
}

test_keeps_quiet_about_what_is_not_known_unless_asked if {
	count(delivery_allowed.findings) == 0 with input as testing.put
	delivery_allowed.findings == found with input as testing.put with data.org as demanding
}

test_finds_misfits if {
	every misfit in [true, 7, "", "text", [], {}, {"allowed": "true"}, {"allowed": null}, {"allowed": [true]}] {
		delivery_allowed.findings == found with input as answered(misfit)
	}
	every misfit in [null, 7, "", "false", [], {}] {
		org := testing.settings("INV018", {"require_known": misfit})
		delivery_allowed.findings == found with input as testing.put with data.org as org
	}
}
