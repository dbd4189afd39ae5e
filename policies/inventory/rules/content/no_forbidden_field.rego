# METADATA
# title: "INV020: no forbidden optional field"
# description: Every forbidden field is pointed at; a list that is no list is pointed at as a whole.
package inventory.rules.content.no_forbidden_field

import data.inventory.lib.document
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV020"

findings contains {"rule": id, "path": path} if {
	not document.removes
	some path in _paths
}

_readable if {
	is_array(document.optional_fields)
	is_array(settings.parameter(id, "fields"))
}

_paths contains "/OptionalFields" if not _readable

_paths contains concat("/", ["/OptionalFields", format_int(index, 10)]) if {
	_readable
	some index, field in document.optional_fields
	not _permitted(field)
}

_permitted(field) if {
	is_string(field)
	not text.listed(settings.parameter(id, "fields"), field)
}
