package inventory.rules.destination.not_the_source_test

import data.inventory.lib.settings
import data.inventory.rules.destination.not_the_source
import data.inventory.testing

found := {{"rule": "INV014", "path": "/Destination/S3BucketDestination/Bucket"}}

about(buckets) := testing.settings("INV014", {"buckets": buckets})

org := about(["*"])

same := testing.set("/destination/bucket", "acme-orders")

test_allows_another_bucket if {
	count(not_the_source.findings) == 0 with input as testing.put with data.org as org
}

test_allows_a_removal if {
	count(not_the_source.findings) == 0 with input as testing.delete with data.org as org
}

test_denies_the_source if {
	not_the_source.findings == found with input as same with data.org as org
}

test_denies_an_unknown_bucket if {
	every document in [testing.unset("/destination"), testing.unset("/source"), testing.set("/source/bucket", "")] {
		not_the_source.findings == found with input as document with data.org as org
	}
}

test_allows_what_it_is_not_about if {
	count(not_the_source.findings) == 0 with input as same with data.org as about(["other", "acme-orders-*"])
}

test_is_off_without_its_parameter if {
	settings.mode(not_the_source.id) == "off"
	not_the_source.findings == found with input as same
}

test_is_about_all_when_its_settings_are_mistyped if {
	every misfit in [null, true, 7, "", "text", [], {}, {"a": "text"}, [7], ["["], ["other", null]] {
		not_the_source.findings == found with input as same with data.org as about(misfit)
	}
}

test_denies_misfits if {
	every misfit in [null, true, 7, [], ["text"], {}] {
		not_the_source.findings == found with input as testing.set("/destination/bucket", misfit) with data.org as org
		not_the_source.findings == found with input as testing.set("/source/bucket", misfit) with data.org as org
	}
}
