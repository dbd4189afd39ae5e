# METADATA
# title: Exemptions
# description: |
#   An exemption counts only while every condition is proven; one that lacks its ticket, approver,
#   reason or expiry is no exemption.
package inventory.lib.exemptions

import data.inventory.lib.document
import data.inventory.lib.globs
import data.inventory.lib.settings
import data.inventory.lib.text

# The exemption that covers the rule for this document: the one that lasts longest.
covering(id) := exemption if {
	candidates := sort([[object.get(candidate, "expires_ns", 0), candidate.id, candidate] |
		some candidate in object.get(settings.org, "exemptions", [])
		_covers(candidate, id)
	])
	last := candidates[count(candidates) - 1][2]
	exemption := {"id": last.id, "expires_ns": last.expires_ns, "ticket": last.ticket}
}

_covers(exemption, id) if {
	some rule in exemption.rules
	rule == id
	every name in ["id", "ticket", "reason", "approved_by"] {
		text.filled(object.get(exemption, name, ""))
	}
	_running(exemption)
	globs.match(object.get(exemption, "buckets", []), document.at(["source", "bucket"]))
	globs.match(object.get(exemption, "principals", []), document.at(["principal", "name"]))
	globs.match(object.get(exemption, "configuration_ids", []), document.configuration_id)
}

_running(exemption) if {
	now := document.at(["environment", "time_ns"])
	is_number(now)
	is_number(exemption.expires_ns)
	now < exemption.expires_ns
}
