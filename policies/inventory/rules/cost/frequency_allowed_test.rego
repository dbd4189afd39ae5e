package inventory.rules.cost.frequency_allowed_test

import data.inventory.lib.settings
import data.inventory.rules.cost.frequency_allowed
import data.inventory.testing

found(allowed) := {{"rule": "INV040", "path": "/Schedule/Frequency", "allowed": allowed}}

written(value) := testing.set("/configuration/Schedule/Frequency", value)

listed(values) := testing.settings("INV040", {"frequencies": values})

test_allows_what_is_listed if {
	count(frequency_allowed.findings) == 0 with input as written("Weekly") with data.org as listed(["x", "Weekly"])
}

test_allows_a_removal if {
	count(frequency_allowed.findings) == 0 with input as testing.delete with data.org as listed(["x"])
}

test_denies_the_rest if {
	every value in ["Daily", "weekly", "Weekly ", "", "*"] {
		frequency_allowed.findings == found(["Weekly"]) with input as written(value) with data.org as listed(["Weekly"])
	}
	frequency_allowed.findings == found(["*"]) with input as written("Weekly") with data.org as listed(["*"])
}

test_denies_what_is_missing if {
	frequency_allowed.findings == found(["Weekly"]) with input as testing.unset("/configuration/Schedule")
		with data.org as listed(["Weekly"])
}

test_is_off_without_its_parameter if {
	settings.mode(frequency_allowed.id) == "off"
	frequency_allowed.findings == found([]) with input as testing.put
}

test_denies_misfits if {
	every misfit in testing.misfits {
		frequency_allowed.findings == found(["Weekly"]) with input as written(misfit) with data.org as listed(["Weekly"])
		count(frequency_allowed.findings) == 1 with input as written("Weekly") with data.org as listed(misfit)
		count(frequency_allowed.findings) == 1 with input as written(misfit) with data.org as listed([[misfit]])
	}
	frequency_allowed.findings == found([]) with input as written("Weekly") with data.org as listed({"a": "Weekly"})
}
