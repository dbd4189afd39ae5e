# METADATA
# title: "INV053: the source bucket carries the required tags"
# description: A required tag is there, is not empty, and has one of the values that are allowed.
package inventory.rules.governance.source_tagged

import data.inventory.lib.document
import data.inventory.lib.globs
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV053"

findings contains {"rule": id, "path": "", "allowed": _names} if {
	not document.removes
	not _tagged
}

_required := settings.parameter(id, "tags")

_names := text.strings([name | is_object(_required); some name, _ in _required])

_tagged if {
	tags := document.at(["source", "tags"])
	is_object(tags)
	is_object(_required)
	every name, patterns in _required {
		text.filled(object.get(tags, [name], ""))
		globs.match(patterns, object.get(tags, [name], ""))
	}
}
