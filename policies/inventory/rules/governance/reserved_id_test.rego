package inventory.rules.governance.reserved_id_test

import data.inventory.lib.settings
import data.inventory.rules.governance.reserved_id
import data.inventory.testing

found := {{"rule": "INV050", "path": "/Id"}}

reserved(owners) := testing.settings("INV050", {"owners": owners})

org := reserved({"platform-*": ["platform-*"], "*-audit": ["security", "auditors"]})

asking(id, name, action) := object.union(base[action], {
	"request": {"configuration_id": id},
	"principal": {"name": name},
})

base := {"put": testing.put, "delete": testing.delete}

test_allows_free_ids_to_all if {
	every action in ["put", "delete"] {
		count(reserved_id.findings) == 0 with input as asking("daily", "team-data", action) with data.org as org
	}
}

test_allows_reserved_ids_to_their_owners if {
	every action in ["put", "delete"] {
		count(reserved_id.findings) == 0 with input as asking("platform-a", "platform-eu", action) with data.org as org
		count(reserved_id.findings) == 0 with input as asking("x-audit", "auditors", action) with data.org as org
	}
}

test_denies_reserved_ids_to_others if {
	every action in ["put", "delete"] {
		every name in ["team-data", "security", "PLATFORM-EU", ""] {
			reserved_id.findings == found with input as asking("platform-a", name, action) with data.org as org
		}
	}
}

test_denies_who_owns_only_one_of_two_reservations if {
	reserved_id.findings == found with input as asking("platform-audit", "security", "put") with data.org as org
	reserved_id.findings == found with input as asking("platform-audit", "platform-eu", "put") with data.org as org
}

test_denies_an_unknown_id if {
	document := json.patch(testing.delete, [
		{"op": "remove", "path": "/request/configuration_id"},
		{"op": "remove", "path": "/previous_configuration"},
	])
	reserved_id.findings == found with input as document with data.org as org
}

test_is_off_without_its_parameter if {
	settings.mode(reserved_id.id) == "off"
	reserved_id.findings == found with input as testing.put
}

test_denies_misfits if {
	every misfit in [null, true, 7, [], ["platform-a"], {}] {
		reserved_id.findings == found with input as asking(misfit, "team-data", "put") with data.org as org
		reserved_id.findings == found with input as asking("platform-a", misfit, "put") with data.org as org
	}
	every misfit in [null, true, 7, "", "text"] {
		reserved_id.findings == found with input as testing.put with data.org as reserved(misfit)
		reserved_id.findings == found with input as testing.put with data.org as reserved({"daily": misfit})
	}
	reserved_id.findings == found with input as testing.put with data.org as reserved({"[": ["other"]})
}
