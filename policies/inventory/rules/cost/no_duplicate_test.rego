package inventory.rules.cost.no_duplicate_test

import data.inventory.lib.settings
import data.inventory.rules.cost.no_duplicate
import data.inventory.testing

found := {{"rule": "INV044", "path": "/Id"}}

about(buckets) := testing.settings("INV044", {"buckets": buckets})

org := about(["*"])

# What is written, held under another id.
twin := object.union(testing.put.configuration, {"Id": "nightly"})

holding(inventories) := testing.merged({"source": {"inventories": inventories}})

twins := holding([{"Id": "other"}, twin])

test_allows_what_differs if {
	every change in [
		{"Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::other"}}},
		{"Destination": {"S3BucketDestination": {"Prefix": "other"}}},
		{"Destination": {"S3BucketDestination": {"Format": "CSV"}}},
		{"Schedule": {"Frequency": "Weekly"}},
		{"IncludedObjectVersions": "All"},
		{"Filter": {"Prefix": "logs/"}},
		{"OptionalFields": ["Size"]},
		{"IsEnabled": false},
		{"Id": "daily"},
	] {
		count(no_duplicate.findings) == 0 with input as holding([object.union(twin, change)]) with data.org as org
	}
	count(no_duplicate.findings) == 0 with input as holding([]) with data.org as org
}

test_allows_what_is_disabled if {
	document := object.union(twins, {"configuration": {"IsEnabled": false}})
	count(no_duplicate.findings) == 0 with input as document with data.org as org
}

test_allows_a_removal if {
	count(no_duplicate.findings) == 0 with input as testing.delete with data.org as org
}

test_denies_the_same_under_another_id if {
	no_duplicate.findings == found with input as twins with data.org as org
	every change in [
		{"Id": "Daily"},
		{"OptionalFields": ["ETag", "Size"]},
		{"Filter": {"Prefix": ""}},
		{"Destination": {"S3BucketDestination": {"AccountId": "999988887777", "Encryption": {"SSES3": {}}}}},
	] {
		no_duplicate.findings == found with input as holding([object.union(twin, change)]) with data.org as org
	}
}

test_takes_what_s3_omits_for_empty if {
	plain := object.remove(testing.put.configuration, ["OptionalFields"])
	held := {"source": {"inventories": [object.union(plain, {"Id": "nightly"})]}}
	document := object.union(testing.set("/configuration/OptionalFields", []), held)
	no_duplicate.findings == found with input as document with data.org as org
}

test_denies_an_unknown_list if {
	no_duplicate.findings == found with input as testing.put with data.org as org
}

test_allows_what_it_is_not_about if {
	count(no_duplicate.findings) == 0 with input as twins with data.org as about(["other", "acme-orders-*"])
}

test_is_off_without_its_parameter if {
	settings.mode(no_duplicate.id) == "off"
	no_duplicate.findings == found with input as twins
}

test_is_about_all_when_its_settings_are_mistyped if {
	every misfit in [null, true, 7, "", "text", [], {}, {"a": "text"}, [7], ["["], ["other", null]] {
		no_duplicate.findings == found with input as twins with data.org as about(misfit)
	}
}

test_denies_misfits if {
	every misfit in [null, true, 7, "", "text", {}, {"a": "text"}] {
		document := testing.merged({"source": {"inventories": misfit}})
		no_duplicate.findings == found with input as document with data.org as org
	}
	every misfit in [null, true, 7, "", "text", [], ["text"]] {
		no_duplicate.findings == found with input as holding([misfit]) with data.org as org
	}
}
