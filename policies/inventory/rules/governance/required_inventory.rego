# METADATA
# title: "INV054: a required inventory stays enabled"
# description: Removals are judged as well; that is what the rule is for.
package inventory.rules.governance.required_inventory

import data.inventory.lib.document
import data.inventory.lib.globs
import data.inventory.lib.settings

id := "INV054"

findings contains {"rule": id, "path": "/IsEnabled"} if {
	not _enabled
	not _not_required
}

_enabled if {
	not document.removes
	object.get(document.configuration, "IsEnabled", null) == true
}

_not_required if {
	inventories := settings.parameter(id, "inventories")
	is_array(inventories)
	every required in inventories {
		_concerns_others(required)
	}
}

_concerns_others(required) if globs.miss(document.member(required, "buckets", null), document.source_bucket)

_concerns_others(required) if globs.miss(document.member(required, "ids", null), document.configuration_id)
