package inventory.rules.report.id_named_test

import data.inventory.lib.settings
import data.inventory.rules.report.id_named
import data.inventory.testing

found(allowed) := {{"rule": "INV031", "path": "/Id", "allowed": allowed}}

named(value) := testing.set("/request/configuration_id", value)

convention(ids) := testing.settings("INV031", {"ids": ids})

org := convention(["*-daily", "*-weekly"])

test_allows_ids_that_follow if {
	every value in ["a-daily", "a.b-weekly", "-daily"] {
		count(id_named.findings) == 0 with input as named(value) with data.org as org
	}
}

test_allows_a_removal_whatever_its_id if {
	count(id_named.findings) == 0 with input as testing.delete with data.org as org
}

test_denies_other_ids if {
	every value in ["daily", "a-DAILY", "a-daily2", ""] {
		id_named.findings == found(["*-daily", "*-weekly"]) with input as named(value) with data.org as org
	}
}

test_is_off_without_its_parameter if {
	settings.mode(id_named.id) == "off"
	id_named.findings == found([]) with input as testing.put
}

test_denies_misfits if {
	every misfit in [null, true, 7, "", [], ["a-daily"], {}] {
		id_named.findings == found(["*-daily", "*-weekly"]) with input as named(misfit) with data.org as org
	}
	every misfit in testing.misfits {
		count(id_named.findings) == 1 with input as testing.put with data.org as convention(misfit)
		count(id_named.findings) == 1 with input as testing.put with data.org as convention([misfit])
	}
}
