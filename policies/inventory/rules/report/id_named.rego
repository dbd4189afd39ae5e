# METADATA
# title: "INV031: the id follows the naming convention"
# description: A convention is a list of globs, which anybody can read and no text can slow down.
package inventory.rules.report.id_named

import data.inventory.lib.document
import data.inventory.lib.globs
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV031"

findings contains {
	"rule": id,
	"path": "/Id",
	"allowed": text.strings(settings.parameter(id, "ids")),
} if {
	not document.removes
	not globs.match(settings.parameter(id, "ids"), document.configuration_id)
}
