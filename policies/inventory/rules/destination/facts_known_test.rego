package inventory.rules.destination.facts_known_test

import data.inventory.rules.destination.facts_known
import data.inventory.testing

source := {"rule": "INV016", "path": ""}

destination := {"rule": "INV016", "path": "/Destination/S3BucketDestination/Bucket"}

test_allows_known_facts if {
	count(facts_known.findings) == 0 with input as testing.put
}

test_allows_a_removal_without_facts if {
	document := object.union(testing.delete, {"source": {"known": false}})
	count(facts_known.findings) == 0 with input as document
}

test_denies_unknown_facts if {
	facts_known.findings == {source} with input as testing.set("/source/known", false)
	facts_known.findings == {destination} with input as testing.set("/destination/known", false)
	facts_known.findings == {source, destination} with input as {}
}

test_denies_misfits if {
	every misfit in [null, 1, "true", [], {}] {
		facts_known.findings == {source} with input as testing.set("/source/known", misfit)
		facts_known.findings == {destination} with input as testing.set("/destination", misfit)
	}
}
