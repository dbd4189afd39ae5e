# METADATA
# title: "INV043: a bucket has no more than so many inventories"
# description: Writing one that is there already adds none, and stays possible when the limit sinks.
package inventory.rules.cost.configuration_count

import data.inventory.lib.document
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV043"

findings contains {"rule": id, "path": ""} if {
	not document.removes
	not _room
}

_room if {
	text.whole(settings.parameter(id, "maximum"))
	count(_ids) < settings.parameter(id, "maximum")
}

_room if {
	text.whole(settings.parameter(id, "maximum"))
	document.configuration_id in _ids
}

# Undefined, so that nothing is proven, while the list is not known or not readable.
_ids := {held | some inventory in _inventories; held := inventory.Id} if {
	every inventory in _inventories {
		text.filled(document.member(inventory, "Id", ""))
	}
}

_inventories := inventories if {
	inventories := document.at(["source", "inventories"])
	is_array(inventories)
}
