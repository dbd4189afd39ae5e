# METADATA
# title: "ORG001: the id begins with the name of a team"
package inventory.custom.team_id

import data.inventory.lib.document
import data.inventory.lib.globs
import data.inventory.lib.settings

id := "ORG001"

findings contains {"rule": id, "path": "/Id"} if {
	not document.removes
	not globs.match(settings.parameter(id, "ids"), document.configuration_id)
}
