package inventory.rules.governance.no_freeze_test

import data.inventory.lib.settings
import data.inventory.rules.governance.no_freeze
import data.inventory.testing

found := {{"rule": "INV052", "path": ""}}

frozen(windows) := testing.settings("INV052", {"windows": windows})

window(starts, ends) := {"starts_ns": starts, "ends_ns": ends}

now := testing.put.environment.time_ns

test_allows_outside_every_window if {
	windows := [window(0, now), window(now + 1, now + 2)]
	every document in [testing.put, testing.delete] {
		count(no_freeze.findings) == 0 with input as document with data.org as frozen(windows)
		count(no_freeze.findings) == 0 with input as document with data.org as frozen([])
	}
}

test_denies_within_a_window_removals_included if {
	every document in [testing.put, testing.delete] {
		every open in [window(now, now + 1), window(now - 1, now + 1), window(0, now + 1)] {
			no_freeze.findings == found with input as document with data.org as frozen([window(0, 1), open])
		}
	}
}

test_denies_when_a_window_cannot_be_read if {
	every misfit in [
		window(now + 2, now + 1), window(0, 0),
		{"starts_ns": 0}, {"ends_ns": 1},
		{"starts": "2020-01-01T00:00:00Z", "ends": "2020-01-02T00:00:00Z"},
		window("0", "1"), window(null, 1),
		{}, null, true, 7, "text", [],
	] {
		no_freeze.findings == found with input as testing.put with data.org as frozen([window(0, 1), misfit])
	}
}

test_denies_when_the_time_is_not_given if {
	no_freeze.findings == found with input as testing.unset("/environment/time_ns") with data.org as frozen([])
}

test_is_off_without_its_parameter if {
	settings.mode(no_freeze.id) == "off"
	no_freeze.findings == found with input as testing.put
}

test_denies_misfits if {
	every misfit in [null, true, "", "text", {}, {"a": window(0, 1)}] {
		no_freeze.findings == found with input as testing.put with data.org as frozen(misfit)
		no_freeze.findings == found with input as testing.set("/environment/time_ns", misfit) with data.org as frozen([])
	}
}
