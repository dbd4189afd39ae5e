package inventory.rules.destination.account_id_test

import data.inventory.rules.destination.account_id
import data.inventory.testing

found := {{"rule": "INV010", "path": "/Destination/S3BucketDestination/AccountId"}}

test_allows_an_account_id if {
	count(account_id.findings) == 0 with input as testing.put
}

test_allows_a_removal if {
	count(account_id.findings) == 0 with input as testing.delete
}

test_denies_no_account if {
	document := testing.unset("/configuration/Destination/S3BucketDestination/AccountId")
	account_id.findings == found with input as document
}

test_denies_what_is_no_account_id if {
	every value in [
		"44445555666", "4444555566667", "000000000000", "44445555666x", " 444455556666",
		"444455556666\n", "4444 5555 66", "४४४४५५५५६६६६", 444455556666,
	] {
		account_id.findings == found with input as testing.destined("AccountId", value)
	}
}

test_denies_misfits if {
	every misfit in testing.misfits {
		account_id.findings == found with input as testing.destined("AccountId", misfit)
		account_id.findings == found with input as testing.set("/configuration", misfit)
		account_id.findings == found with input as testing.set(testing.bucket_destination, misfit)
		account_id.findings == found with input as misfit
	}
}
