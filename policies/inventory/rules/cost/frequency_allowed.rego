# METADATA
# title: "INV040: the frequency is allowed"
# description: A daily report costs seven times a weekly one.
package inventory.rules.cost.frequency_allowed

import data.inventory.lib.document
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV040"

findings contains {
	"rule": id,
	"path": "/Schedule/Frequency",
	"allowed": text.strings(settings.parameter(id, "frequencies")),
} if {
	not document.removes
	not _allowed
}

_allowed if {
	frequency := object.get(document.configuration, ["Schedule", "Frequency"], null)
	text.listed(settings.parameter(id, "frequencies"), frequency)
}
