package inventory.rules.cost.no_large_daily_listing_test

import data.inventory.lib.settings
import data.inventory.rules.cost.no_large_daily_listing
import data.inventory.testing

found := {{"rule": "INV041", "path": "/Schedule/Frequency"}}

org := testing.settings("INV041", {"versions": 1000})

# Daily, all versions, no filter, of so many versions.
large := testing.merged({"configuration": {"IncludedObjectVersions": "All"}, "source": {"version_count": 1000}})

but(members) := object.union(large, members)

test_allows_what_is_modest if {
	every document in [
		but({"configuration": {"IncludedObjectVersions": "Current"}}),
		but({"configuration": {"Schedule": {"Frequency": "Weekly"}}}),
		but({"configuration": {"Filter": {"Prefix": "logs/"}}}),
		but({"source": {"version_count": 999}}),
	] {
		count(no_large_daily_listing.findings) == 0 with input as document with data.org as org
	}
}

test_allows_up_to_the_largest_limit if {
	document := but({"source": {"version_count": 2147483646}})
	largest := testing.settings("INV041", {"versions": 2147483647})
	count(no_large_daily_listing.findings) == 0 with input as document with data.org as largest
}

test_allows_a_removal if {
	count(no_large_daily_listing.findings) == 0 with input as testing.delete with data.org as org
}

test_denies_what_is_large if {
	every document in [
		large,
		but({"source": {"version_count": 2147483647}}),
		but({"configuration": {"Filter": {"Prefix": ""}}}),
	] {
		no_large_daily_listing.findings == found with input as document with data.org as org
	}
}

test_denies_an_unknown_number if {
	no_large_daily_listing.findings == found with input as testing.merged({"configuration": {"IncludedObjectVersions": "All"}})
		with data.org as org
	other := but({"source": {"version_count": null, "object_count": 1}})
	no_large_daily_listing.findings == found with input as other with data.org as org
}

test_is_off_without_its_parameter if {
	settings.mode(no_large_daily_listing.id) == "off"
	no_large_daily_listing.findings == found with input as large
}

test_denies_misfits if {
	every misfit in [null, true, -1, 1.5, 2147483648, "", "1", [], {}] {
		no_large_daily_listing.findings == found with input as but({"source": {"version_count": misfit}})
			with data.org as org
		other := testing.settings("INV041", {"versions": misfit})
		no_large_daily_listing.findings == found with input as large with data.org as other
	}
	every misfit in [null, true, 7, "", "text", []] {
		no_large_daily_listing.findings == found with input as but({"configuration": {"IncludedObjectVersions": misfit}})
			with data.org as org
		no_large_daily_listing.findings == found with input as but({"configuration": {"Schedule": misfit}})
			with data.org as org
		no_large_daily_listing.findings == found with input as but({"configuration": {"Filter": misfit}})
			with data.org as org
	}
}
