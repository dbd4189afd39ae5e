package inventory.rules.governance.principal_allowed_test

import data.inventory.lib.settings
import data.inventory.rules.governance.principal_allowed
import data.inventory.testing

found := {{"rule": "INV051", "path": ""}}

may(principals) := testing.settings("INV051", {"principals": principals})

test_allows_who_may if {
	every document in [testing.put, testing.delete] {
		count(principal_allowed.findings) == 0 with input as document with data.org as may(["x", "team-*"])
	}
}

test_denies_others_removals_included if {
	every document in [testing.put, testing.delete] {
		every principals in [[], ["team"], ["TEAM-DATA"], ["["]] {
			principal_allowed.findings == found with input as document with data.org as may(principals)
		}
	}
}

test_denies_nobody if {
	principal_allowed.findings == found with input as testing.unset("/principal") with data.org as may(["*"])
}

test_is_off_without_its_parameter if {
	settings.mode(principal_allowed.id) == "off"
	principal_allowed.findings == found with input as testing.put
}

test_denies_misfits if {
	every misfit in [null, true, 7, [], ["team-data"], {}] {
		principal_allowed.findings == found with input as testing.set("/principal/name", misfit) with data.org as may(["*"])
	}
	every misfit in testing.misfits {
		principal_allowed.findings == found with input as testing.put with data.org as may(misfit)
		principal_allowed.findings == found with input as testing.put with data.org as may([misfit])
	}
	principal_allowed.findings == found with input as testing.put with data.org as may({"a": "team-data"})
}
