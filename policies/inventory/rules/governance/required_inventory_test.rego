package inventory.rules.governance.required_inventory_test

import data.inventory.lib.settings
import data.inventory.rules.governance.required_inventory
import data.inventory.testing

found := {{"rule": "INV054", "path": "/IsEnabled"}}

required(inventories) := testing.settings("INV054", {"inventories": inventories})

org := required([
	{"buckets": ["other-*"], "ids": ["*"]},
	{"buckets": ["acme-*"], "ids": ["daily", "audit-*"]},
])

disabled := testing.set("/configuration/IsEnabled", false)

named(document, id) := object.union(document, {"request": {"configuration_id": id}})

test_allows_to_write_it_enabled if {
	count(required_inventory.findings) == 0 with input as testing.put with data.org as org
}

test_allows_to_disable_or_remove_others if {
	every document in [disabled, testing.delete] {
		count(required_inventory.findings) == 0 with input as named(document, "weekly") with data.org as org
		elsewhere := object.union(document, {"source": {"bucket": "third"}})
		count(required_inventory.findings) == 0 with input as elsewhere with data.org as org
	}
}

test_denies_to_disable_or_remove_it if {
	every document in [disabled, testing.delete, testing.unset("/configuration/IsEnabled")] {
		required_inventory.findings == found with input as document with data.org as org
		required_inventory.findings == found with input as named(document, "audit-1") with data.org as org
	}
}

test_denies_an_unknown_id if {
	document := json.patch(testing.delete, [
		{"op": "remove", "path": "/request/configuration_id"},
		{"op": "remove", "path": "/previous_configuration"},
	])
	required_inventory.findings == found with input as document with data.org as org
}

test_is_off_without_its_parameter if {
	settings.mode(required_inventory.id) == "off"
	required_inventory.findings == found with input as testing.delete
}

test_denies_misfits if {
	every misfit in [null, 1, "true", "", [], {}] {
		required_inventory.findings == found with input as testing.set("/configuration/IsEnabled", misfit)
			with data.org as org
	}
	every misfit in [null, true, 7, "", "text", {}, {"a": "text"}] {
		required_inventory.findings == found with input as testing.delete with data.org as required(misfit)
		required_inventory.findings == found with input as testing.delete with data.org as required([misfit])
	}
	every misfit in [null, true, 7, "", "text", [], {}, [7], ["["]] {
		bad := required([{"buckets": misfit, "ids": misfit}])
		required_inventory.findings == found with input as testing.delete with data.org as bad
	}
}
