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

path := "/Destination/S3BucketDestination/AccountId"

no_account := testing.unset(concat("", ["/configuration", path]))

known(accounts) := testing.settings("INV010", {"destination_accounts": accounts})

test_patches_the_account_of_a_known_destination if {
	patch := {"op": "add", "path": path, "value": "444455556666"}
	org := known({"acme-inventory": "444455556666"})
	account_id.mutations == {patch} with input as no_account with data.org as org
}

test_patches_nothing_else if {
	org := known({"acme-inventory": "444455556666"})
	every document in [
		testing.put,
		testing.delete,
		testing.destined("AccountId", "1"),
		testing.destined("AccountId", ""),
	] {
		count(account_id.mutations) == 0 with input as document with data.org as org
	}
}

test_patches_only_buckets_named_in_full if {
	every accounts in [{"*": "444455556666"}, {"acme-*": "444455556666"}, {"ACME-INVENTORY": "444455556666"}, {}] {
		count(account_id.mutations) == 0 with input as no_account with data.org as known(accounts)
	}
}

test_patches_nothing_with_misfits if {
	every misfit in testing.misfits {
		count(account_id.mutations) == 0 with input as no_account with data.org as known(misfit)
		other := known({"acme-inventory": misfit})
		count(account_id.mutations) == 0 with input as no_account with data.org as other
	}
}
