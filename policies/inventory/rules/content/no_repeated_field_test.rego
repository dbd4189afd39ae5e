package inventory.rules.content.no_repeated_field_test

import data.inventory.rules.content.no_repeated_field
import data.inventory.testing

at(path) := {"rule": "INV022", "path": path}

fields(list) := testing.set("/configuration/OptionalFields", list)

test_allows_distinct_fields if {
	count(no_repeated_field.findings) == 0 with input as testing.put
	count(no_repeated_field.findings) == 0 with input as fields([])
	count(no_repeated_field.findings) == 0 with input as fields(["Size", "size"])
}

test_allows_no_list if {
	count(no_repeated_field.findings) == 0 with input as testing.unset("/configuration/OptionalFields")
	count(no_repeated_field.findings) == 0 with input as testing.delete
}

test_denies_every_repetition if {
	document := fields(["Size", "ETag", "Size", "Size", "ETag"])
	no_repeated_field.findings == {
		at("/OptionalFields/2"),
		at("/OptionalFields/3"),
		at("/OptionalFields/4"),
	} with input as document
}

test_denies_a_long_list_as_a_whole if {
	long := [field | some _ in numbers.range(1, 65); field := "Size"]
	no_repeated_field.findings == {at("/OptionalFields")} with input as fields(long)
}

test_allows_a_long_list_of_distinct_fields if {
	count(no_repeated_field.findings) == 0 with input as fields(numbers.range(1, 65))
}

test_denies_misfits if {
	every misfit in [null, true, 7, "text", {}, {"a": "text"}] {
		no_repeated_field.findings == {at("/OptionalFields")} with input as fields(misfit)
	}
}
