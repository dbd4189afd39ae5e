package inventory.rules.destination.owner_verified_test

import data.inventory.rules.destination.owner_verified
import data.inventory.testing

found := {{"rule": "INV012", "path": "/Destination/S3BucketDestination/AccountId"}}

test_allows_the_verified_owner if {
	count(owner_verified.findings) == 0 with input as testing.put
}

test_allows_a_removal if {
	count(owner_verified.findings) == 0 with input as testing.delete
}

test_leaves_a_missing_account_to_inv010 if {
	no_account := testing.unset("/configuration/Destination/S3BucketDestination/AccountId")
	count(owner_verified.findings) == 0 with input as no_account
}

test_denies_what_was_not_verified if {
	owner_verified.findings == found with input as testing.set("/destination/owner_verified", false)
	owner_verified.findings == found with input as testing.unset("/destination/owner_verified")
	owner_verified.findings == found with input as testing.unset("/destination")
	owner_verified.findings == found with input as testing.destined("AccountId", "")
}

test_denies_misfits if {
	every misfit in [null, 1, "true", ["true"], {}] {
		owner_verified.findings == found with input as testing.set("/destination/owner_verified", misfit)
		owner_verified.findings == found with input as testing.set("/destination", misfit)
		owner_verified.findings == found with input as testing.destined("AccountId", {"a": misfit})
	}
}
