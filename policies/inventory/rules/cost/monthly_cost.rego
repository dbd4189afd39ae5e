# METADATA
# title: "INV042: the estimated monthly cost is below the limit"
# description: |
#   Whole numbers, since engines round fractions differently: millions of listed objects, rounded up
#   (a millionth is far from being rounded away), times reports in the longest month, times the price
#   in millionths of a dollar. The bounds of all three keep the product within 31 bits. A filter is
#   not taken off: how many objects are below a prefix is not known.
package inventory.rules.cost.monthly_cost

import data.inventory.lib.document
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV042"

findings contains {"rule": id, "path": "/Schedule/Frequency"} if {
	not document.removes
	not _affordable
}

_affordable if {
	price := settings.parameter(id, "price")
	text.whole(price)
	price <= 30000
	limit := settings.parameter(id, "monthly_cents")
	text.whole(limit)
	limit <= 200000
	count_of_objects := document.at(["source", _counted])
	text.whole(count_of_objects)
	count_of_objects < _saturated
	(ceil(count_of_objects / 1000000) * _reports) * price <= limit * 10000
}

# Who counts stops here: what has reached it may be any number.
_saturated := 2147483647

default _counted := "version_count"

_counted := "object_count" if {
	object.get(document.configuration, "IncludedObjectVersions", "") == "Current"
}

# Reports in the longest month.
default _reports := 31

_reports := 5 if object.get(document.configuration, ["Schedule", "Frequency"], "") == "Weekly"
