package inventory.rules.cost.monthly_cost_test

import data.inventory.lib.settings
import data.inventory.rules.cost.monthly_cost
import data.inventory.testing

found := {{"rule": "INV042", "path": "/Schedule/Frequency"}}

limit(cents) := testing.settings("INV042", {"monthly_cents": cents})

org := limit(100)

listing(versions, frequency, counts) := testing.merged({
	"configuration": {"IncludedObjectVersions": versions, "Schedule": {"Frequency": frequency}},
	"source": counts,
})

# 2500 millionths of a dollar for a million objects, 31 reports: 7.75 cents a month.
test_allows_up_to_the_limit if {
	every case in [
		{"cents": 8, "objects": 0, "frequency": "Daily"},
		{"cents": 8, "objects": 1000000, "frequency": "Daily"},
		{"cents": 16, "objects": 1000001, "frequency": "Daily"},
		{"cents": 31, "objects": 4000000, "frequency": "Daily"},
		{"cents": 5, "objects": 4000000, "frequency": "Weekly"},
		{"cents": 0, "objects": 0, "frequency": "Daily"},
		{"cents": 200000, "objects": 2000000, "frequency": "Daily"},
		{"cents": 16647, "objects": 2147483646, "frequency": "Daily"},
	] {
		document := listing("Current", case.frequency, {"object_count": case.objects})
		count(monthly_cost.findings) == 0 with input as document with data.org as limit(case.cents)
	}
}

test_denies_beyond_the_limit if {
	every case in [
		{"cents": 7, "objects": 1000000, "frequency": "Daily"},
		{"cents": 15, "objects": 1000001, "frequency": "Daily"},
		{"cents": 30, "objects": 4000000, "frequency": "Daily"},
		{"cents": 4, "objects": 4000000, "frequency": "Weekly"},
		{"cents": 0, "objects": 1, "frequency": "Weekly"},
		{"cents": 16646, "objects": 2147483646, "frequency": "Daily"},
		{"cents": 15, "objects": 1000001, "frequency": "Hourly"},
	] {
		document := listing("Current", case.frequency, {"object_count": case.objects})
		monthly_cost.findings == found with input as document with data.org as limit(case.cents)
	}
}

test_counts_versions_where_versions_are_listed if {
	counts := {"object_count": 1, "version_count": 2000000000}
	monthly_cost.findings == found with input as listing("All", "Daily", counts) with data.org as org
	monthly_cost.findings == found with input as listing("Some", "Daily", counts) with data.org as org
	count(monthly_cost.findings) == 0 with input as listing("Current", "Daily", counts) with data.org as org
}

test_the_price_is_a_setting if {
	document := listing("Current", "Daily", {"object_count": 1000000})
	dear := testing.settings("INV042", {"monthly_cents": 93, "price": 30000})
	count(monthly_cost.findings) == 0 with input as document with data.org as dear
	dearer := testing.settings("INV042", {"monthly_cents": 92, "price": 30000})
	monthly_cost.findings == found with input as document with data.org as dearer
	free := testing.settings("INV042", {"monthly_cents": 0, "price": 0})
	count(monthly_cost.findings) == 0 with input as document with data.org as free
}

test_allows_a_removal if {
	count(monthly_cost.findings) == 0 with input as testing.delete with data.org as org
}

test_denies_an_unknown_number if {
	monthly_cost.findings == found with input as testing.put with data.org as org
	monthly_cost.findings == found with input as listing("All", "Weekly", {"object_count": 1}) with data.org as org
}

test_takes_a_count_at_its_cap_for_any_number if {
	document := listing("Current", "Weekly", {"object_count": 2147483647})
	monthly_cost.findings == found with input as document with data.org as limit(200000)
}

test_is_off_without_its_parameter if {
	settings.mode(monthly_cost.id) == "off"
	monthly_cost.findings == found with input as listing("Current", "Daily", {"object_count": 0})
}

test_denies_misfits if {
	small := listing("Current", "Daily", {"object_count": 0})
	every misfit in [null, true, -1, 0.5, 2147483648, "", "1", [], {}] {
		monthly_cost.findings == found with input as listing("Current", "Daily", {"object_count": misfit})
			with data.org as org
		monthly_cost.findings == found with input as small with data.org as limit(misfit)
		priced := testing.settings("INV042", {"monthly_cents": 100, "price": misfit})
		monthly_cost.findings == found with input as small with data.org as priced
	}
	monthly_cost.findings == found with input as small with data.org as limit(200001)
	dear := testing.settings("INV042", {"monthly_cents": 100, "price": 30001})
	monthly_cost.findings == found with input as small with data.org as dear
}
