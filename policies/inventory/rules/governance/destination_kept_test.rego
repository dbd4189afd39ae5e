package inventory.rules.governance.destination_kept_test

import data.inventory.lib.settings
import data.inventory.rules.governance.destination_kept
import data.inventory.testing

path := "/Destination/S3BucketDestination"

found := {{"rule": "INV055", "path": concat("/", [path, "Bucket"])}}

prefix := {{"rule": "INV055", "path": concat("/", [path, "Prefix"])}}

about(buckets) := testing.settings("INV055", {"buckets": buckets})

org := about(["*"])

# What S3 holds differs from what is written in these members of the destination.
held(members) := object.union(
	testing.merged({"previous_configuration": testing.put.configuration}),
	{"previous_configuration": {"Destination": {"S3BucketDestination": members}}},
)

moved := held({"Bucket": "arn:aws:s3:::other"})

test_allows_the_same_destination if {
	every members in [{}, {"Format": "CSV"}, {"Encryption": {"SSES3": {}}}, {"AccountId": ""}] {
		count(destination_kept.findings) == 0 with input as held(members) with data.org as org
	}
}

test_allows_what_is_new if {
	count(destination_kept.findings) == 0 with input as testing.merged({"previous_configuration": null})
		with data.org as org
}

test_takes_no_prefix_for_an_empty_one if {
	document := json.patch(held({}), [
		{"op": "remove", "path": "/previous_configuration/Destination/S3BucketDestination/Prefix"},
		{"op": "add", "path": "/configuration/Destination/S3BucketDestination/Prefix", "value": ""},
	])
	count(destination_kept.findings) == 0 with input as document with data.org as org
}

test_allows_a_removal if {
	count(destination_kept.findings) == 0 with input as testing.delete with data.org as org
}

test_denies_another_destination if {
	destination_kept.findings == found with input as moved with data.org as org
	destination_kept.findings == prefix with input as held({"Prefix": "other"}) with data.org as org
	both := held({"Bucket": "x", "Prefix": "y"})
	destination_kept.findings == found | prefix with input as both with data.org as org
}

test_denies_when_what_s3_holds_is_not_known if {
	destination_kept.findings == found | prefix with input as testing.put with data.org as org
}

test_allows_what_it_is_not_about if {
	count(destination_kept.findings) == 0 with input as moved with data.org as about(["other", "acme-orders-*"])
}

test_is_off_without_its_parameter if {
	settings.mode(destination_kept.id) == "off"
	destination_kept.findings == found with input as moved
}

test_is_about_all_when_its_settings_are_mistyped if {
	every misfit in [null, true, 7, "", "text", [], {}, {"a": "text"}, [7], ["["], ["other", null]] {
		destination_kept.findings == found with input as moved with data.org as about(misfit)
	}
}

test_denies_misfits if {
	every misfit in [true, 7, "", "text", [], {}] {
		destination_kept.findings == found | prefix with input as object.union(testing.put, {"previous_configuration": misfit})
			with data.org as org
		destination_kept.findings == found with input as held({"Bucket": misfit}) with data.org as org
	}
}
