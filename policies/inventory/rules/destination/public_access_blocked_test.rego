package inventory.rules.destination.public_access_blocked_test

import data.inventory.lib.settings
import data.inventory.rules.destination.public_access_blocked
import data.inventory.testing

found := {{"rule": "INV017", "path": "/Destination/S3BucketDestination/Bucket"}}

about(buckets) := testing.settings("INV017", {"buckets": buckets})

org := about(["*"])

blocked(value) := testing.set("/destination/public_access_blocked", value)

test_allows_a_bucket_that_blocks if {
	count(public_access_blocked.findings) == 0 with input as blocked(true) with data.org as org
}

test_allows_a_removal if {
	count(public_access_blocked.findings) == 0 with input as testing.delete with data.org as org
}

test_denies_a_bucket_that_does_not if {
	public_access_blocked.findings == found with input as blocked(false) with data.org as org
}

test_denies_what_is_not_known if {
	public_access_blocked.findings == found with input as testing.put with data.org as org
	public_access_blocked.findings == found with input as testing.unset("/destination") with data.org as org
}

test_allows_what_it_is_not_about if {
	count(public_access_blocked.findings) == 0 with input as blocked(false)
		with data.org as about(["other", "acme-inventory-*"])
}

test_is_off_without_its_parameter if {
	settings.mode(public_access_blocked.id) == "off"
	public_access_blocked.findings == found with input as blocked(false)
}

test_is_about_all_when_its_settings_are_mistyped if {
	every misfit in [null, true, 7, "", "text", [], {}, {"a": "text"}, [7], ["["], ["other", null]] {
		public_access_blocked.findings == found with input as blocked(false) with data.org as about(misfit)
	}
}

test_denies_misfits if {
	every misfit in [null, 1, "true", "", [], [true], {}] {
		public_access_blocked.findings == found with input as blocked(misfit) with data.org as org
	}
}
