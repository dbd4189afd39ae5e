# METADATA
# title: "INV041: no daily listing of all versions of a large bucket"
# description: Weekly, current versions only, or a filter - any of them makes a listing modest.
package inventory.rules.cost.no_large_daily_listing

import data.inventory.lib.document
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV041"

findings contains {"rule": id, "path": "/Schedule/Frequency"} if {
	not document.removes
	not _modest
}

_modest if object.get(document.configuration, ["Schedule", "Frequency"], "") == "Weekly"

_modest if object.get(document.configuration, "IncludedObjectVersions", "") == "Current"

_modest if text.filled(object.get(document.configuration, ["Filter", "Prefix"], ""))

_modest if {
	versions := document.at(["source", "version_count"])
	limit := settings.parameter(id, "versions")
	text.whole(versions)
	text.whole(limit)
	versions < limit
}
