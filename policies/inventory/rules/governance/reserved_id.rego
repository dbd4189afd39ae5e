# METADATA
# title: "INV050: a reserved id is only for its owners"
# description: |
#   Removals are judged as well. Where several reservations cover an id, all of them must name the
#   principal.
package inventory.rules.governance.reserved_id

import data.inventory.lib.document
import data.inventory.lib.globs
import data.inventory.lib.settings

id := "INV050"

findings contains {"rule": id, "path": "/Id"} if not _owned

_owned if {
	owners := settings.parameter(id, "owners")
	is_object(owners)
	every pattern, principals in owners {
		_concedes(pattern, principals)
	}
}

_concedes(pattern, _) if globs.miss([pattern], document.configuration_id)

_concedes(_, principals) if globs.match(principals, document.at(["principal", "name"]))
