# METADATA
# title: "INV022: no optional field is repeated"
# description: Every repetition is pointed at, the first mention is not.
package inventory.rules.content.no_repeated_field

import data.inventory.lib.document

id := "INV022"

findings contains {"rule": id, "path": path} if {
	not document.removes
	not _distinct
	some path in _paths
}

_fields := object.get(document.configuration, "OptionalFields", [])

_distinct if {
	is_array(_fields)
	count(_fields) == count({field | some field in _fields})
}

# Finding the repetitions takes quadratic time, so a list that no honest client sends is
# pointed at as a whole.
_searchable if {
	is_array(_fields)
	count(_fields) <= 64
}

_paths contains "/OptionalFields" if not _searchable

_paths contains concat("/", ["/OptionalFields", format_int(later, 10)]) if {
	_searchable
	some earlier, later
	_fields[earlier] == _fields[later]
	earlier < later
}
