package inventory.rules.cost.configuration_count_test

import data.inventory.lib.settings
import data.inventory.rules.cost.configuration_count
import data.inventory.testing

found := {{"rule": "INV043", "path": ""}}

most(number) := testing.settings("INV043", {"maximum": number})

holding(ids) := testing.merged({"source": {"inventories": [{"Id": id} | some id in ids]}})

test_allows_while_there_is_room if {
	count(configuration_count.findings) == 0 with input as holding([]) with data.org as most(1)
	count(configuration_count.findings) == 0 with input as holding(["a", "b"]) with data.org as most(3)
}

test_allows_to_write_one_that_is_there if {
	count(configuration_count.findings) == 0 with input as holding(["a", "daily", "b"]) with data.org as most(1)
}

test_allows_a_removal if {
	count(configuration_count.findings) == 0 with input as testing.delete with data.org as most(1)
}

test_denies_one_more if {
	configuration_count.findings == found with input as holding(["a"]) with data.org as most(1)
	configuration_count.findings == found with input as holding(["a", "Daily"]) with data.org as most(2)
	configuration_count.findings == found with input as holding([]) with data.org as most(0)
}

test_denies_an_unknown_list if {
	configuration_count.findings == found with input as testing.put with data.org as most(1000)
}

test_is_off_without_its_parameter if {
	settings.mode(configuration_count.id) == "off"
	configuration_count.findings == found with input as holding([])
}

test_denies_misfits if {
	every misfit in [null, true, 7, "", "text", {}, ["daily"], [{}], [{"Id": 7}], [null]] {
		document := testing.merged({"source": {"inventories": misfit}})
		configuration_count.findings == found with input as document with data.org as most(1000)
	}
	every misfit in [null, true, -1, 1.5, "", "9", [], {}] {
		configuration_count.findings == found with input as holding(["daily"]) with data.org as most(misfit)
	}
}
