# METADATA
# title: "INV051: the principal may manage inventories"
# description: Removals are judged as well.
package inventory.rules.governance.principal_allowed

import data.inventory.lib.document
import data.inventory.lib.globs
import data.inventory.lib.settings

id := "INV051"

findings contains {"rule": id, "path": ""} if {
	not globs.match(settings.parameter(id, "principals"), document.at(["principal", "name"]))
}
