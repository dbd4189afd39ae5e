package inventory.rules.content.no_forbidden_field_test

import data.inventory.lib.settings
import data.inventory.rules.content.no_forbidden_field
import data.inventory.testing

at(path) := {"rule": "INV020", "path": path}

fields(list) := testing.set("/configuration/OptionalFields", list)

forbidden(list) := testing.settings("INV020", {"fields": list})

org := forbidden(["ObjectAccessControlList", "ObjectOwner"])

test_allows_other_fields if {
	count(no_forbidden_field.findings) == 0 with input as testing.put with data.org as org
	count(no_forbidden_field.findings) == 0 with input as fields([]) with data.org as org
	count(no_forbidden_field.findings) == 0 with input as fields(["objectowner"]) with data.org as org
}

test_allows_no_list_and_a_removal if {
	count(no_forbidden_field.findings) == 0 with input as testing.unset("/configuration/OptionalFields")
		with data.org as org
	count(no_forbidden_field.findings) == 0 with input as testing.delete with data.org as org
}

test_denies_every_forbidden_field if {
	document := fields(["Size", "ObjectOwner", "ETag", "ObjectAccessControlList", "ObjectOwner"])
	expected := {at("/OptionalFields/1"), at("/OptionalFields/3"), at("/OptionalFields/4")}
	no_forbidden_field.findings == expected with input as document with data.org as org
}

test_is_off_without_its_parameter if {
	settings.mode(no_forbidden_field.id) == "off"
	no_forbidden_field.findings == {at("/OptionalFields")} with input as testing.put
}

test_denies_misfits if {
	every misfit in [null, true, 7, "text", {}, {"a": "text"}] {
		no_forbidden_field.findings == {at("/OptionalFields")} with input as fields(misfit) with data.org as org
		no_forbidden_field.findings == {at("/OptionalFields")} with input as testing.put with data.org as forbidden(misfit)
		no_forbidden_field.findings == {at("/OptionalFields/0")} with input as fields([misfit, "Size"])
			with data.org as forbidden(["text"])
	}
}
