package inventory.rules.governance.owner_expected_test

import data.inventory.lib.settings
import data.inventory.rules.governance.owner_expected
import data.inventory.testing

found := {{"rule": "INV056", "path": ""}}

about(buckets) := testing.settings("INV056", {"buckets": buckets})

org := about(["*"])

expecting(document, owner) := object.union(document, {"request": {"expected_bucket_owner": owner}})

test_allows_an_account_id if {
	every document in [testing.put, testing.delete] {
		count(owner_expected.findings) == 0 with input as expecting(document, "111122223333") with data.org as org
	}
}

test_denies_none_removals_included if {
	every document in [testing.put, testing.delete, testing.unset("/request/expected_bucket_owner")] {
		owner_expected.findings == found with input as document with data.org as org
	}
}

test_allows_what_it_is_not_about if {
	count(owner_expected.findings) == 0 with input as testing.put with data.org as about(["other", "acme-orders-*"])
}

test_is_off_without_its_parameter if {
	settings.mode(owner_expected.id) == "off"
	owner_expected.findings == found with input as testing.put
}

test_is_about_all_when_its_settings_are_mistyped if {
	every misfit in [null, true, 7, "", "text", [], {}, {"a": "text"}, [7], ["["], ["other", null]] {
		owner_expected.findings == found with input as testing.put with data.org as about(misfit)
	}
}

test_denies_misfits if {
	every misfit in testing.misfits {
		owner_expected.findings == found with input as expecting(testing.put, misfit) with data.org as org
	}
	owner_expected.findings == found with input as expecting(testing.put, "11112222333") with data.org as org
}
