package inventory.rules.destination.bucket_allowed_test

import data.inventory.lib.settings
import data.inventory.rules.destination.bucket_allowed
import data.inventory.testing

path := "/Destination/S3BucketDestination/Bucket"

listed(buckets) := testing.settings("INV013", {"buckets": buckets})

any_bucket := {{"rule": "INV013", "path": path, "allowed": ["*"]}}

found(allowed) := {{"rule": "INV013", "path": path, "allowed": allowed}}

test_allows_listed_buckets if {
	every buckets in [["acme-inventory"], ["acme-*"], ["other", "*-inventory"], ["acme-in?entory"]] {
		count(bucket_allowed.findings) == 0 with input as testing.put with data.org as listed(buckets)
	}
}

test_allows_a_removal if {
	count(bucket_allowed.findings) == 0 with input as testing.delete with data.org as listed(["other"])
}

test_denies_other_buckets if {
	every buckets in [[], ["acme-inventory-*"], ["ACME-INVENTORY"], ["acme-inventor"], ["["]] {
		bucket_allowed.findings == found(buckets) with input as testing.put with data.org as listed(buckets)
	}
}

test_a_star_crosses_dots if {
	document := testing.set("/destination/bucket", "acme.inventory.eu")
	count(bucket_allowed.findings) == 0 with input as document with data.org as listed(["acme*"])
}

test_denies_an_unknown_bucket if {
	bucket_allowed.findings == any_bucket with input as testing.unset("/destination") with data.org as listed(["*"])
}

test_is_off_without_its_parameter if {
	settings.mode(bucket_allowed.id) == "off"
	bucket_allowed.findings == {{"rule": "INV013", "path": path, "allowed": []}} with input as testing.put
}

test_denies_misfits if {
	every misfit in [null, true, 7, [], ["text"], {}] {
		document := testing.set("/destination/bucket", misfit)
		bucket_allowed.findings == any_bucket with input as document with data.org as listed(["*"])
	}
	every misfit in testing.misfits {
		count(bucket_allowed.findings) == 1 with input as testing.put with data.org as listed(misfit)
		count(bucket_allowed.findings) == 1 with input as testing.put with data.org as listed([misfit])
	}
}
