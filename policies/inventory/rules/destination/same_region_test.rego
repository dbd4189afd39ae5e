package inventory.rules.destination.same_region_test

import data.inventory.rules.destination.same_region
import data.inventory.testing

found := {{"rule": "INV015", "path": "/Destination/S3BucketDestination/Bucket"}}

test_allows_one_region if {
	count(same_region.findings) == 0 with input as testing.put
}

test_allows_a_removal if {
	count(same_region.findings) == 0 with input as testing.delete
}

test_denies_two_regions if {
	every region in ["eu-west-1", "EU-CENTRAL-1", "eu-central-1 ", "eu-central-1\u0000"] {
		same_region.findings == found with input as testing.set("/destination/region", region)
	}
}

test_denies_unknown_regions if {
	every document in [
		testing.unset("/source/region"),
		testing.unset("/destination/region"),
		testing.unset("/destination"),
		object.remove(testing.put, ["source", "destination"]),
	] {
		same_region.findings == found with input as document
	}
}

test_denies_misfits_even_when_equal if {
	every misfit in [null, true, 7, "", [], {}] {
		document := json.patch(testing.put, [
			{"op": "replace", "path": "/source/region", "value": misfit},
			{"op": "replace", "path": "/destination/region", "value": misfit},
		])
		same_region.findings == found with input as document
	}
}
