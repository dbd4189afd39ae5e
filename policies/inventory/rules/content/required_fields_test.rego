package inventory.rules.content.required_fields_test

import data.inventory.lib.settings
import data.inventory.rules.content.required_fields
import data.inventory.testing

found(allowed) := {{"rule": "INV021", "path": "/OptionalFields", "allowed": allowed}}

fields(list) := testing.set("/configuration/OptionalFields", list)

required(list) := testing.settings("INV021", {"fields": list})

org := required(["Size", "ETag"])

test_allows_all_of_them_in_any_order if {
	count(required_fields.findings) == 0 with input as testing.put with data.org as org
	count(required_fields.findings) == 0 with input as fields(["ETag", "StorageClass", "Size"]) with data.org as org
}

test_allows_a_removal if {
	count(required_fields.findings) == 0 with input as testing.delete with data.org as org
}

test_denies_when_one_is_missing if {
	every document in [
		fields(["Size"]),
		fields([]),
		fields(["size", "ETag"]),
		testing.unset("/configuration/OptionalFields"),
	] {
		required_fields.findings == found(["ETag", "Size"]) with input as document with data.org as org
	}
}

test_is_off_without_its_parameter if {
	settings.mode(required_fields.id) == "off"
	required_fields.findings == found([]) with input as testing.put
}

test_denies_misfits if {
	every misfit in [null, true, 7, "text", {}, {"a": "Size", "b": "ETag"}, [["Size", "ETag"]]] {
		required_fields.findings == found(["ETag", "Size"]) with input as fields(misfit) with data.org as org
	}
	every misfit in [null, true, 7, "text", {}, {"a": "Size"}] {
		required_fields.findings == found([]) with input as testing.put with data.org as required(misfit)
		required_fields.findings == found(["Size"]) with input as fields(["Size", misfit])
			with data.org as required(["Size", [misfit]])
	}
}
