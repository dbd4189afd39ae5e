# METADATA
# title: "INV044: no duplicate of an inventory that is there"
# description: |
#   The same list, as often, to the same place, under another id: paid for twice. What is disabled
#   costs nothing, and is judged again when it is enabled.
package inventory.rules.cost.no_duplicate

import data.inventory.lib.document
import data.inventory.lib.globs
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV044"

findings contains {"rule": id, "path": "/Id"} if {
	not document.removes
	not globs.miss(settings.parameter(id, "buckets"), document.source_bucket)
	not _alone(document.configuration)
}

_alone(configuration) if object.get(configuration, "IsEnabled", null) == false

_alone(configuration) if {
	inventories := document.at(["source", "inventories"])
	is_array(inventories)
	ours := _essence(configuration)
	every inventory in inventories {
		_differs(inventory, ours)
	}
}

_differs(inventory, _) if document.member(inventory, "Id", "") == document.configuration_id

_differs(inventory, _) if document.member(inventory, "IsEnabled", null) == false

_differs(inventory, ours) if _essence(inventory) != ours

# What a reader of the report would notice. Undefined for what is no configuration.
_essence(configuration) := {
	"bucket": bucket,
	"prefix": object.get(configuration, ["Destination", "S3BucketDestination", "Prefix"], ""),
	"format": object.get(configuration, ["Destination", "S3BucketDestination", "Format"], ""),
	"frequency": object.get(configuration, ["Schedule", "Frequency"], ""),
	"versions": object.get(configuration, "IncludedObjectVersions", ""),
	"filter": object.get(configuration, ["Filter", "Prefix"], ""),
	"fields": {field | some field in object.get(configuration, "OptionalFields", [])},
} if {
	is_object(configuration)
	bucket := object.get(configuration, ["Destination", "S3BucketDestination", "Bucket"], "")
	text.filled(bucket)
}
