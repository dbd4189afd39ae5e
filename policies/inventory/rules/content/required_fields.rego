# METADATA
# title: "INV021: the required optional fields are there"
# description: All that the settings name; the order does not matter.
package inventory.rules.content.required_fields

import data.inventory.lib.document
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV021"

findings contains {
	"rule": id,
	"path": "/OptionalFields",
	"allowed": text.strings(settings.parameter(id, "fields")),
} if {
	not document.removes
	not _complete
}

_complete if {
	required := settings.parameter(id, "fields")
	is_array(required)
	every field in required {
		text.listed(document.optional_fields, field)
	}
}
