# METADATA
# title: "INV018: the destination's bucket policy lets S3 deliver"
# description: |
#   S3 takes a configuration whose reports it may not deliver; the report then never arrives, and no
#   API says so.
package inventory.rules.destination.delivery_allowed

import data.inventory.lib.document
import data.inventory.lib.settings

id := "INV018"

findings contains {"rule": id, "path": "/Destination/S3BucketDestination/Bucket"} if {
	not document.removes
	not _allowed
	not _may_be_unknown
}

_allowed if document.at(["destination", "delivery", "allowed"]) == true

# Advice about what could not be read would only teach people to overlook advice.
_may_be_unknown if {
	document.at(["destination", "delivery"]) == null
	settings.parameter(id, "require_known") == false
}
