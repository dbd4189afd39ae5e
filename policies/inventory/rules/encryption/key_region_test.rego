package inventory.rules.encryption.key_region_test

import data.inventory.rules.encryption.key_region
import data.inventory.testing

found := {{"rule": "INV005", "path": "/Destination/S3BucketDestination/Encryption/SSEKMS/KeyId"}}

keyed(key) := testing.destined("Encryption", {"SSEKMS": {"KeyId": key}})

test_allows_a_key_of_the_region if {
	count(key_region.findings) == 0 with input as testing.put
}

test_allows_a_removal if {
	count(key_region.findings) == 0 with input as testing.delete
}

test_leaves_to_others_what_is_no_key_arn if {
	every key in ["alias/a", "arn:aws:kms:us-east-1:444455556666:alias/a", "", 7, null, {}] {
		count(key_region.findings) == 0 with input as keyed(key)
	}
	count(key_region.findings) == 0 with input as testing.destined("Encryption", {"SSES3": {}})
}

test_denies_a_key_of_another_region if {
	key_region.findings == found with input as keyed("arn:aws:kms:us-east-1:444455556666:key/a")
	key_region.findings == found with input as keyed("arn:aws:kms:eu-central-2:444455556666:key/mrk-a")
}

test_denies_an_unknown_region if {
	key_region.findings == found with input as testing.set("/destination/region", "")
	key_region.findings == found with input as testing.unset("/destination/region")
}

test_denies_misfits if {
	every misfit in testing.misfits {
		key_region.findings == found with input as testing.set("/destination/region", misfit)
		key_region.findings == found with input as testing.set("/destination", misfit)
	}
}
