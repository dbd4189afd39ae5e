package inventory.rules.destination.account_allowed_test

import data.inventory.lib.settings
import data.inventory.rules.destination.account_allowed
import data.inventory.testing

found := {{"rule": "INV011", "path": "/Destination/S3BucketDestination/AccountId"}}

ours(accounts) := testing.settings("INV011", {"accounts": accounts})

org := ours(["111122223333", "444455556666"])

test_allows_our_accounts if {
	count(account_allowed.findings) == 0 with input as testing.put with data.org as org
}

test_allows_a_removal if {
	count(account_allowed.findings) == 0 with input as testing.delete with data.org as org
}

test_denies_other_accounts if {
	account_allowed.findings == found with input as testing.put with data.org as ours(["111122223333"])
	account_allowed.findings == found with input as testing.put with data.org as ours(["4444*", "*"])
	account_allowed.findings == found with input as testing.put with data.org as ours([])
}

test_denies_a_missing_account if {
	no_account := testing.unset("/configuration/Destination/S3BucketDestination/AccountId")
	account_allowed.findings == found with input as no_account with data.org as org
}

test_takes_what_organizations_says if {
	others := ours(["111122223333"])
	said := "/destination/in_organisation"
	count(account_allowed.findings) == 0 with input as testing.set(said, true) with data.org as others
	account_allowed.findings == found with input as testing.set(said, false) with data.org as others
	every misfit in [value | some value in testing.misfits; value != true] {
		account_allowed.findings == found with input as testing.set(said, misfit) with data.org as others
	}
}

test_denies_a_missing_account_whatever_organizations_says if {
	no_account := testing.unset("/configuration/Destination/S3BucketDestination/AccountId")
	said := json.patch(no_account, [{"op": "add", "path": "/destination/in_organisation", "value": true}])
	account_allowed.findings == found with input as said with data.org as org
}

test_takes_the_accounts_of_the_organisation if {
	organisation := {"revision": "test", "accounts": ["444455556666"]}
	settings.mode(account_allowed.id) == "deny" with data.org as organisation
	count(account_allowed.findings) == 0 with input as testing.put with data.org as organisation
	both := object.union(organisation, ours(["111122223333"]))
	account_allowed.findings == found with input as testing.put with data.org as both
}

test_is_off_without_its_parameter if {
	settings.mode(account_allowed.id) == "off"
	account_allowed.findings == found with input as testing.put
}

test_denies_misfits if {
	every misfit in testing.misfits {
		account_allowed.findings == found with input as testing.destined("AccountId", misfit)
			with data.org as ours([misfit])
		account_allowed.findings == found with input as testing.put with data.org as ours(misfit)
		account_allowed.findings == found with input as testing.put with data.org as {"accounts": misfit}
	}
	account_allowed.findings == found with input as testing.put with data.org as ours({"a": "444455556666"})
}
