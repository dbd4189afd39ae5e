package inventory.rules.report.prefix_slashes_test

import data.inventory.rules.report.prefix_slashes
import data.inventory.testing

found := {{"rule": "INV033", "path": "/Destination/S3BucketDestination/Prefix"}}

test_allows_tidy_prefixes if {
	every prefix in ["", "a", "a/b", "a/", "a b/ü"] {
		count(prefix_slashes.findings) == 0 with input as testing.destined("Prefix", prefix)
	}
}

test_allows_no_prefix if {
	document := testing.unset("/configuration/Destination/S3BucketDestination/Prefix")
	count(prefix_slashes.findings) == 0 with input as document
	count(prefix_slashes.findings) == 0 with input as testing.delete
}

test_denies_extra_slashes if {
	every prefix in ["/", "/a", "a//b", "a//", "//", "a///b", "\u0000//"] {
		prefix_slashes.findings == found with input as testing.destined("Prefix", prefix)
	}
}

test_denies_misfits if {
	every misfit in [null, true, 7, [], {}] {
		prefix_slashes.findings == found with input as testing.destined("Prefix", misfit)
	}
}
