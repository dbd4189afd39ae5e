# METADATA
# title: "INV015: source and destination are in the same Region"
# description: S3 takes a configuration that breaks this and never delivers a report for it.
package inventory.rules.destination.same_region

import data.inventory.lib.document
import data.inventory.lib.text

id := "INV015"

findings contains {"rule": id, "path": "/Destination/S3BucketDestination/Bucket"} if {
	not document.removes
	not _same_region
}

_same_region if {
	region := document.at(["source", "region"])
	text.filled(region)
	region == document.at(["destination", "region"])
}
